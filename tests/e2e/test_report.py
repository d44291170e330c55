"""Reports opened from the disk by a browser that is offline: everything works, nothing executes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from torch import nn

import torchdial as td
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import eventually
from tests.e2e.test_detection import DATA as BOXES, SIZE, kept
from tests.e2e.test_segmentation import DATA as MAPS, agrees, oracle

pytestmark = pytest.mark.browser

HOSTILE = "</script><!--<b onclick=planted()>\u202e<img src=x onerror='window.planted=1'>"
PLANT = """
window.refused = [];
document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective));
"""
Open = Callable[..., Page]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Write a report and open it; afterwards, nothing was fetched, refused or executed."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(PLANT)

    def write_and_open(*widgets: Any, **options: Any) -> Page:
        path = tmp_path / "report.html"
        td.save_html(widgets, path, **options)
        page.goto(path.as_uri())
        expect(page.locator("body")).to_have_attribute("data-shown", str(len(widgets)))
        return page

    yield write_and_open
    assert requests == [(tmp_path / "report.html").as_uri()]
    assert errors == []
    assert page.evaluate("() => [window.refused, window.planted ?? 0]") == [[], 0]
    context.close()


@pytest.fixture(scope="module")
def maps() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(MAPS, names)
    return names


@pytest.fixture(scope="module")
def boxes() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(BOXES, names)
    return names


def test_the_threshold_dial_shows_exactly_the_mask(open_report: Open, maps: dict[str, Any]) -> None:
    widget = td.SegmentationPreview(maps["images"], maps["probs"], maps["targets"], threshold=0.25)
    widget.view = "mask"
    page = open_report(widget)
    dial = DialOnPage(page)
    dial.expect_stop(25)  # as it was set
    for stop in (0, 37, 83, 100):
        dial.drag_to(stop)
        for cell in range(3):
            assert agrees(dial, cell, oracle(maps["probs"][cell], stop)), (stop, cell)
    dial.button("Errors").click()
    expect(dial.root.locator(".torchdial-legend")).to_contain_text("false alarm")
    dial.root.get_by_role("button", name="best").click()
    dial.expect_stop(round(100 * widget.best("dice")[0]))
    dial.root.locator(".torchdial-grid").focus()
    page.keyboard.press("+")
    expect(dial.root.locator(".torchdial-grid")).to_have_attribute("data-zoom", "1.500")
    dial.root.locator(".torchdial-frame").first.hover()
    expect(dial.root.locator(".torchdial-hovered")).to_contain_text("p in")


def test_each_class_has_its_planes(open_report: Open, maps: dict[str, Any]) -> None:
    widget = td.SegmentationPreview(
        maps["images"], maps["logits"], maps["labels"], task="multiclass", from_logits=True
    )
    widget.view = "mask"
    page = open_report(widget)
    dial = DialOnPage(page)
    probs = torch.from_numpy(maps["logits"]).softmax(1).numpy()
    for label in range(4):
        dial.root.get_by_label("class").select_option(str(label))
        dial.set_stop(30)
        expect(dial.root.locator(".torchdial-waiting:visible")).to_have_count(0)
        dial.eventually(lambda label=label: agrees(dial, 0, oracle(probs[0, label], 30)), 5)


def test_the_dials_of_boxes_draw_those_kept(open_report: Open, boxes: dict[str, Any]) -> None:
    ours = boxes["make"]()
    page = open_report(ours)
    dials = BoxesOnPage(page)
    for score, stop in ((0, 30), (0.3, 77), (0.62, 50), (0.05, 100)):
        dials.set(score, stop)
        ours.score_threshold, ours.nms_iou = score, stop / 100
        assert dials.boxes() == kept(ours), (score, stop)
    dials.button("Ghosts").click()
    dials.set(0.05, 30)
    assert any(cell["ghost"] for cell in dials.marks())
    dials.hover(0, *(ours.kept(0)["boxes"][0].view(2, 2).mean(0).tolist()), SIZE)
    expect(dials.hovered).to_contain_text("suppressed by")


def test_pages_and_values_of_a_grid(open_report: Open) -> None:
    images = torch.linspace(0, 1, 70)[:, None, None, None].expand(70, 3, 200, 200).clone()
    page = open_report(td.ImageGrid(images, captions=[HOSTILE] * 70))
    root = page.locator(".torchdial")
    expect(root.locator(".torchdial-cell")).to_have_count(64)
    frames = root.locator(".torchdial-frame")
    frames.nth(2).hover()
    value = f"{float(images[2, 0, 0, 0]):.4g}"
    expect(root.locator(".torchdial-hovered")).to_contain_text(f"{value}, {value}, {value}")
    root.get_by_role("button", name="›").click()
    expect(root.locator(".torchdial-cell")).to_have_count(6)
    expect(root.locator(".torchdial-waiting:visible")).to_have_count(0)
    expect(root.locator(".torchdial-caption").first).to_contain_text("<img src=x")
    frames.nth(5).hover()
    expect(root.locator(".torchdial-hovered")).to_contain_text("picture 69")
    expect(root.locator(".torchdial-hovered")).to_contain_text("1, 1, 1")
    last = root.locator("canvas.torchdial-picture").nth(5)
    color = "c => [...c.getContext('2d').getImageData(9, 9, 1, 1).data]"
    eventually(page, lambda: last.evaluate(color) == [255] * 4)


def test_a_run_zooms_and_shows_the_gradients_of_each_step(open_report: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1, name=HOSTILE)
    for step in range(60):
        loss = model(torch.rand(16, 4)).square().mean() * (100 if step == 30 else 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log({"loss": loss, HOSTILE: loss})
    monitor.close()
    steps = monitor.history.histograms.steps.tolist()
    assert len(steps) > 3
    tree = td.ModelTree(model, torch.rand(1, 4), monitor=monitor)
    page = open_report(monitor, tree)
    panel = page.locator(".torchdial-live").first
    expect(panel).to_contain_text("finished")
    expect(panel).to_contain_text("step 60")
    assert panel.get_by_role("button", name="pause").is_hidden()
    heat = panel.locator("canvas.torchdial-heat")
    box = heat.bounding_box()
    assert box
    for place in (0.02, 0.98):
        heat.click(position={"x": box["width"] * place, "y": 12})
        expect(panel).to_contain_text(f"at step {steps[0] if place < 0.5 else steps[-1]}")
    chart = panel.locator(".u-over").first
    before = panel.get_attribute("data-paints")
    area = chart.bounding_box()
    assert area
    page.mouse.move(area["x"] + 50, area["y"] + 40)
    page.mouse.down()
    page.mouse.move(area["x"] + 150, area["y"] + 40, steps=5)
    page.mouse.up()
    expect(panel).not_to_have_attribute("data-paints", before or "")
    rows = page.locator(".torchdial-tree-line")
    expect(rows).to_have_count(4)
    rows.nth(1).click()
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")


def test_says_that_images_were_left_out_and_shows_the_others(open_report: Open) -> None:
    rng = np.random.default_rng(0)
    widget = td.SegmentationPreview(
        rng.integers(0, 256, (20, 48, 48, 3), np.uint8), rng.random((20, 48, 48))
    )
    with pytest.warns(UserWarning, match="of 20 images"):
        page = open_report(widget, max_bytes=220_000)
    expect(page.locator("section > p")).to_contain_text("of 20 images are in this file")
    dial = DialOnPage(page)
    shown = int(page.locator("section > p").inner_text().split()[0])
    expect(page.locator(".torchdial-cell")).to_have_count(shown)
    assert dial.root.locator(".torchdial-waiting:visible").count() == 0


def test_hostile_names_are_text(open_report: Open, maps: dict[str, Any]) -> None:
    names = [HOSTILE, "x" * 1000, "b", "c"]
    widget = td.SegmentationPreview(
        maps["images"],
        maps["logits"],
        maps["labels"],
        task="multiclass",
        from_logits=True,
        class_names=names,
    )
    page = open_report(widget, title=HOSTILE)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    assert page.title() == HOSTILE
    assert page.locator("img").count() == 0
    assert page.locator("option", has_text="<img").count() == 1
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1200


def test_a_widget_that_cannot_be_shown_says_so_and_the_others_go_on(
    open_report: Open, maps: dict[str, Any]
) -> None:
    broken, whole = (td.SegmentationPreview(maps["images"], maps["probs"]) for _ in range(2))
    broken._STEM = "hologram"  # of a later version, say
    page = open_report(broken, whole)
    expect(page.locator("section").first).to_contain_text("This hologram cannot be shown")
    assert DialOnPage(page).input.count() == 1
