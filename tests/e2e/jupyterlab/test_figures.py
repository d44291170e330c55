"""bqplot figures beside previews in JupyterLab."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import WAIT, Lab, opened
from torchdial.figures.colors import LINE_COLORS, VIRIDIS

pytestmark = pytest.mark.browser

SEGMENTATION = """
import ipywidgets, torch, torchdial as td
from torchdial import figures
torch.manual_seed(0)
targets = torch.randint(0, 2, (1, 16, 16))
probs = (targets + torch.rand(1, 16, 16)) / 2
preview = td.SegmentationPreview(torch.rand(1, 3, 16, 16), probs, targets)
curves = figures.threshold_curve_figure(preview, ["dice", "recall"])
ipywidgets.VBox([preview, curves])
"""
DETECTION = """
import ipywidgets, torch, torchdial as td
from torchdial import figures
boxes = torch.tensor([[2.0, 2, 12, 12], [3, 3, 13, 13], [18, 18, 28, 28]])
found = {"boxes": boxes, "scores": torch.tensor([0.9, 0.8, 0.3]), "labels": torch.zeros(3).long()}
target = {"boxes": boxes[[0, 2]], "labels": torch.zeros(2).long()}
preview = td.DetectionPreview(torch.rand(1, 3, 32, 32), [found], [target])
operating_map = figures.operating_map_figure(preview)
ipywidgets.VBox([preview, operating_map])
"""


# Position of the vertical line of a bqplot figure, once it is further right than `least`.
NEEDLE = """least => {
  const boxes = [...document.querySelectorAll('.bqplot path.line')]
    .map(line => line.getBoundingClientRect());
  const needle = boxes.find(({ width, height }) => width < 4 && height > 50);
  return needle && needle.x > least ? needle.x : null;
}"""


def figure(page: Page) -> Locator:
    expect(page.locator(".torchdial-grid")).to_be_visible(timeout=60_000)
    found = page.locator(".bqplot")
    expect(found.locator("svg").first).to_be_visible(timeout=30_000)
    return found


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_needle_follows_the_dial(lab: Lab, page: Page) -> None:
    with opened(lab, page, "needle", [SEGMENTATION]):
        figure(page)
        before = page.wait_for_function(NEEDLE, arg=0).json_value()
        page.locator(".torchdial-dial-input").fill("80")
        page.wait_for_function(NEEDLE, arg=before + 30, timeout=15_000)


@pytest.mark.slow
def test_dragging_the_point_of_the_map_moves_the_dials(lab: Lab, page: Page) -> None:
    with opened(lab, page, "map", [DETECTION]):
        shown = figure(page)
        root = page.locator(".torchdial")
        point = shown.locator(".object_grp").last
        shown.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        before = [float(root.get_attribute(f"data-{name}") or -1) for name in ("score", "stop")]
        x, y = middle(point)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 90, y + 40, steps=8)
        page.mouse.up()
        page.wait_for_function(
            """([scoreBefore, stopBefore]) => {
              const { score, stop } = document.querySelector('.torchdial').dataset;
              return Number(score) > scoreBefore + 0.05 && Number(stop) < stopBefore;
            }""",
            arg=before,
            timeout=15_000,
        )


RUN = (
    WAIT
    + """
import ipywidgets, torch, torchdial as td
from torchdial import figures
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
monitor = td.TrainingMonitor(model, optimizer, budget=1)
loss_lines, gradients = figures.loss_figure(monitor), figures.gradient_figure(monitor)
ipywidgets.HBox([loss_lines, gradients])
"""
)
STEPS = """
def train(steps):
    for _ in range(steps):
        loss = model(torch.randn(16, 4)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        monitor.log(loss=loss, **{'val/loss': 2 * loss})
wait_for('begin'); train(20)
wait_for('go-on'); train(60); monitor.close()
"""
# What overlaps or is cut in a figure, as text.
CLUTTER = """root => {
  const edges = node => node.getBoundingClientRect();
  const plot = edges(root.querySelector('.plotarea_background'));
  const whole = edges(root);
  const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const texts = [...root.querySelectorAll('text')]
    .filter(node => node.textContent && edges(node).width > 0
      && getComputedStyle(node).display !== 'none' && !node.closest('[display=none]'));
  const found = [];
  texts.forEach((node, i) => {
    const box = edges(node);
    const name = node.textContent;
    if (overlap(box, plot)) found.push(`${name} over the plot`);
    if (box.left < whole.left || box.right > whole.right || box.bottom > whole.bottom
      || box.top < whole.top) found.push(`${name} cut`);
    for (const other of texts.slice(i + 1)) {
      if (overlap(box, edges(other))) found.push(`${name} over ${other.textContent}`);
    }
  });
  return found;
}"""


def colored(shown: Locator) -> npt.NDArray[np.int64]:
    """Return the pixels of a figure that are no gray, (N, 3)."""
    picture = Image.open(BytesIO(shown.screenshot())).convert("RGB")
    pixels = np.asarray(picture, dtype=int).reshape(-1, 3)
    return pixels[np.ptp(pixels, axis=1) > 40]


def share_of(pixels: npt.NDArray[np.int64], colors: Sequence[str]) -> float:
    """Return the share of pixels whose color lies on the line through some colors."""
    ends = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors])
    steps = np.linspace(0, len(ends) - 1, 33 * len(ends))
    line = np.stack([np.interp(steps, range(len(ends)), part) for part in ends.T], axis=1)
    near = np.abs(pixels[:, None] - line).max(axis=2).min(axis=1) < 12
    return float(near.mean())


@pytest.mark.slow
def test_the_figures_of_a_run_have_their_colors_before_during_and_after_it(
    lab: Lab, page: Page
) -> None:
    with opened(lab, page, "run_figures", [RUN, STEPS]):
        shown = page.locator(".bqplot")
        expect(shown).to_have_count(2, timeout=60_000)
        expect(shown.nth(0)).to_contain_text("nothing logged yet", timeout=30_000)
        expect(shown.nth(1)).to_contain_text("no gradients yet", timeout=30_000)
        losses, gradients = shown.nth(0), shown.nth(1)
        bar = len(colored(gradients))
        assert len(colored(losses)) == 0
        assert share_of(colored(gradients), VIRIDIS) > 0.8  # of the colour bar, in its frame

        lab.signal("begin")
        expect(losses).to_contain_text("val/loss")
        eventually(page, lambda: len(colored(gradients)) > 10 * bar)
        during = [colored(each) for each in (losses, gradients)]
        assert share_of(during[0], LINE_COLORS[:1]) > 0.1
        assert share_of(during[0], LINE_COLORS[1:2]) > 0.1
        assert share_of(during[1], VIRIDIS) > 0.95
        assert len(np.unique(during[1] // 16, axis=0)) > 12  # many colours, not one block

        lab.signal("go-on")
        for each, before in zip((losses, gradients), during, strict=True):
            eventually(page, lambda e=each, b=before: not np.array_equal(colored(e), b))
        page.wait_for_timeout(1000)
        assert share_of(colored(losses), LINE_COLORS[:1]) > 0.1
        assert share_of(colored(gradients), VIRIDIS) > 0.95
        cell = page.locator(".jp-OutputArea-output").first.bounding_box()
        assert cell
        boxes = [each.bounding_box() for each in (losses, gradients)]
        assert sum(box["width"] for box in boxes if box) > 0.95 * cell["width"]
        for each in (losses, gradients):
            assert each.evaluate(CLUTTER) == []


OF_MAP = """root => {
  const canvas = root.querySelector('canvas');
  return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
}"""


@pytest.mark.slow
def test_the_map_has_the_colors_of_the_widget_and_nothing_overlaps(lab: Lab, page: Page) -> None:
    cell = DETECTION + "histogram = figures.histogram_figure({'a': torch.rand(99), 'b': boxes})\n"
    cell += "curve = figures.precision_recall_figure(preview)\n"
    cell += "display(ipywidgets.HBox([operating_map, curve]), histogram)"
    cell = cell.replace("ipywidgets.VBox([preview, operating_map])", "display(preview)")
    with opened(lab, page, "map_colors", [cell]):
        figure(page)
        shown = page.locator(".bqplot")
        page.wait_for_timeout(1000)
        assert shown.evaluate_all(f"roots => roots.flatMap({CLUTTER})") == []
        of_widget = np.array(page.locator(".torchdial-map-field").evaluate(OF_MAP))
        of_widget = of_widget.reshape(101, 101, 4)[..., :3]
        box = shown.locator("image.heatmap").bounding_box()
        shown.first.scroll_into_view_if_needed()
        box = shown.locator("image.heatmap").bounding_box()
        assert box
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        for score, stop in ((10, 20), (50, 90), (90, 10), (97, 80)):
            x = box["x"] + box["width"] * (score + 0.5) / 101
            y = box["y"] + box["height"] * (1 - (stop + 0.5) / 101)
            seen = np.array(picture.getpixel((round(x), round(y))))
            assert np.abs(seen - of_widget[100 - stop, score]).max() < 6
