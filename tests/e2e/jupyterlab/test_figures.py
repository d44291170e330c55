"""bqplot figures beside previews in JupyterLab."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.lab import Lab, opened

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
