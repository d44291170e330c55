"""The detection preview in a bare page, without a kernel."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

import torchdial as td
from tests.e2e import detections
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.detections import SIZE, kept, make
from tests.e2e.eventually import Changes, copied_by
from tests.e2e.page import OFF_DENSITY, Show

pytestmark = pytest.mark.browser

COLORS = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)]
# The right and lower end of the painted part of a canvas, as fractions of it.
PAINTED = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let right = 0, below = 0;
  for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++)
    if (data[4 * (y * canvas.width + x) + 3]) {
      right = Math.max(right, x);
      below = Math.max(below, y);
    }
  return [(right + 1) / canvas.width, (below + 1) / canvas.height];
}"""


def test_at_every_position_the_boxes_drawn_are_those_kept(show: Show) -> None:
    ours = make()
    dials = BoxesOnPage(show(ours))
    assert dials.boxes() == kept(ours)
    for stop in (0, 30, 50, 77, 100):
        for score in (0, 0.137, 0.3, 0.62, 1):
            dials.set(score, stop)
            ours.score_threshold, ours.nms_iou = score, stop / 100
            assert dials.boxes() == kept(ours), (score, stop)
    dials.drag(dials.score, 0.2)
    dials.drag(dials.nms, 0.66)
    score, stop = dials.position()
    assert abs(score - 0.2) < 0.01
    assert stop == 66
    ours.score_threshold, ours.nms_iou = score, stop / 100
    assert dials.boxes() == kept(ours)


def test_class_thresholds_and_max_det_apply_and_are_in_the_copied_setting(show: Show) -> None:
    ours = make(score_threshold=0.05)
    dials = BoxesOnPage(show(ours))
    for max_det, stop in ((1, 80), (5, 85), (17, 90)):
        dials.set(stop=stop)
        dials.root.get_by_label("max det").fill(str(max_det))
        dials.page.keyboard.press("Tab")
        dials.settle()
        ours.max_det, ours.nms_iou = max_det, stop / 100
        assert dials.boxes() == kept(ours), max_det
    choice = dials.root.get_by_label("class")
    for label, score in ((3, 0.4), (7, 0.15)):
        choice.select_option(str(label))
        dials.set(score)
        ours.label = label
        own = list(ours.class_thresholds) or [None] * 10
        ours.class_thresholds = [score if c == label else t for c, t in enumerate(own)]
        assert dials.boxes() == kept(ours), label
    choice.select_option("")
    ours.label = None
    dials.expect_at(0.05, 90)
    assert dials.boxes() == kept(ours)
    expect(dials.root.locator(".torchdial-value")).to_contain_text("own thresholds: 2, after NMS")

    copied = ast.literal_eval(copied_by(dials.button("copy")))
    assert copied == ours.export()
    for image, candidates in enumerate(detections.found):
        detected = td.detect(**candidates, **copied)["indices"].tolist()
        assert detected == kept(ours)[image], "the setting pasted into production"


# The events of a number that is typed and a class that is chosen, with no frame between them.
TYPE_AND_CHOOSE = """root => {
  const find = label => root.querySelector(`[aria-label="${label}"]`);
  const set = (label, value, names) => {
    find(label).value = value;
    for (const name of names) find(label).dispatchEvent(new Event(name, { bubbles: true }));
  };
  set('max det', '17', ['change']);
  set('class', '3', ['input', 'change']);
}"""


def test_a_choice_is_kept_where_an_update_is_due(show: Show) -> None:
    boxes = BoxesOnPage(show(make()))
    boxes.root.evaluate(TYPE_AND_CHOOSE)
    boxes.settle()
    expect(boxes.root.get_by_label("class", exact=True)).to_have_value("3")
    expect(boxes.root.get_by_label("max det")).to_have_value("17")


@pytest.mark.parametrize("page", [1, 2, 1.5], indirect=True)
def test_lines_are_sharp_and_where_the_boxes_are(show: Show) -> None:
    ours = detections.make_apart()
    dials = BoxesOnPage(show(ours))
    ratio = dials.page.evaluate("devicePixelRatio")
    grid = dials.root.locator(".torchdial-grid")
    overlay = dials.root.locator("canvas.torchdial-overlay")
    assert overlay.evaluate(OFF_DENSITY) <= 1
    for zoom, score, stop in ((1, 0.1, 50), (1, 0.45, 60), (1.5, 0.3, 60), (2.25, 0.1, 50)):
        dials.set(score, stop)
        ours.score_threshold, ours.nms_iou = score, stop / 100
        if zoom > float(grid.get_attribute("data-zoom") or 1):
            grid.press("+")
            expect(grid).to_have_attribute("data-zoom", f"{zoom:.3f}")
        dials.page.mouse.move(0, 0)
        dials.page.wait_for_timeout(100)
        shown = set(kept(ours, 1)[0])
        assert dials.boxes() == kept(ours, 1)
        canvas = dials.lines(0)
        seen = {
            i: drawn
            for i, box in enumerate(detections.apart)
            if (drawn := right_edge(canvas, box, zoom, ratio)) is not None
        }
        assert len(seen) >= 8
        for i, (color, width) in seen.items():
            if i in shown:
                assert (color, width) == (COLORS[i % 4], line_width(ratio)), (zoom, i)
            else:
                assert width == 0, (zoom, i)


def line_width(ratio: float) -> int:
    return max(1, int(1.5 * ratio + 0.5))


def right_edge(
    canvas: np.ndarray, box: np.ndarray, zoom: float, ratio: float
) -> tuple[tuple[int, ...], int] | None:
    """Return colour and width of the line at a box's right edge; None where it is not visible.

    The line and its rim are all that may be there: nothing is blurred.
    """
    height, width = canvas.shape[:2]
    x = ((box[2] / 330 - 0.5) * zoom + 0.5) * width
    y = ((0.4 * box[1] + 0.6 * box[3]) / 330 - 0.5) * zoom + 0.5
    row, column = int(y * height), round(float(x))
    if not (8 < row < height - 8 and 8 < column < width - 8):
        return None
    profile = canvas[row, column - 4 : column + 5]
    solid = profile[profile[:, 3] == 255]
    assert set(profile[:, 3]) <= {0, 255, *range(85, 95), *range(124, 131)}, "blurred"
    colors = {tuple(map(int, pixel[:3])) for pixel in solid}
    if not colors:
        return (), 0
    (color,) = colors
    return color, len(solid)


def test_errors_are_drawn_and_explained_under_the_pointer(show: Show) -> None:
    ours = make(score_threshold=0.4)
    dials = BoxesOnPage(show(ours))
    dials.button("Errors").click()
    for score, stop in ((0.4, 50), (0.2, 80), (0.7, 20)):
        dials.set(score, stop)
        ours.score_threshold, ours.nms_iou = score, stop / 100
        for image, cell in enumerate(dials.marks()):
            errors, indices = ours.errors(image), ours.kept(image)["indices"]
            assert sorted(cell["hit"]) == sorted(indices[errors["true"]].tolist())
            false = indices[~errors["true"] & ~errors["ignored"]]
            assert sorted(cell["falseAlarm"]) == sorted(false.tolist())
            assert sorted(cell["miss"]) == errors["missed"].tolist()
    metrics = ours.metrics
    for name, short in (("f1", "F1"), ("precision", "P"), ("recall", "R")):
        value = "–" if np.isnan(metrics[name]) else f"{metrics[name]:.3f}"
        assert f"{short} {value}" in dials.readout()
    assert f"AP50 {metrics['ap']:.3f}" in dials.readout()

    dials.set(0.4, 50)
    image = next(i for i, cell in enumerate(dials.marks()) if cell["hit"])
    hit = dials.marks()[image]["hit"][-1]
    before = dials.lines(image)
    dials.hover(image, *middle_of_edge(detections.found[image]["boxes"][hit]), SIZE)
    text = dials.hovered.inner_text()
    assert re.match(r"\d 0\.\d+: (true|false) positive", text)
    assert not np.array_equal(before, dials.lines(image))
    dials.set(1)
    missed = detections.truth[image]["boxes"][0]
    dials.hover(image, *middle_of_edge(missed), SIZE)
    expect(dials.hovered).to_contain_text("its best candidate has score 0.")


def middle_of_edge(box: torch.Tensor) -> tuple[float, float]:
    """Return a point just inside the left edge of a box."""
    return float(box[0]) + 0.5, float(box[1] + box[3]) / 2


def test_the_box_that_suppressed_a_ghost_is_shown(show: Show) -> None:
    dials = BoxesOnPage(show(detections.make_apart()))
    dials.set(0.1, 30)
    dials.button("Ghosts").click()
    dials.settle()
    (cell,) = dials.marks()
    assert sorted(cell["box"]) == list(range(16))
    assert sorted(cell["ghost"]) == list(range(16, 32))
    _, _, x2, y2 = map(float, detections.apart[16])
    before = dials.lines(0)
    dials.hover(0, x2, y2, (330, 330))
    expect(dials.hovered).to_have_text("a 0.5387: suppressed by a 0.90, IoU 0.515 > 0.30")
    assert not np.array_equal(before, dials.lines(0)), "the two boxes and their tie are drawn"
    dials.set(0.5)
    (cell,) = dials.marks()
    assert sorted(cell["ghost"]) == [16, 17], "ghosts are above the score threshold, too"


def test_thousands_of_candidates_on_one_image(show: Show) -> None:
    scene = detections.scene
    many = detections.candidates(scene, 0, 5000 // len(scene.boxes[0]))
    ours = td.DetectionPreview(scene.images[:1], [many], detections.truth[:1])
    dials = BoxesOnPage(show(ours))
    for score, stop in ((0.05, 100), (0.2, 40), (0.11, 85)):
        dials.set(score, stop)
        ours.score_threshold, ours.nms_iou = score, stop / 100
        assert dials.boxes() == kept(ours, 1), (score, stop)
    dials.button("Ghosts").click()
    dials.set(0, 50)
    (cell,) = dials.marks()
    assert len(cell["ghost"]) + len(cell["box"]) > 4900
    expect(dials.map.locator("canvas")).to_be_visible()
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)


def test_every_control_changes_what_is_shown(show: Show) -> None:
    preview = td.DetectionPreview(
        detections.scene.images.repeat(7, 1, 1, 1),
        detections.found * 7,
        detections.truth * 7,
        score_threshold=0.2,
    )
    dials = BoxesOnPage(show(preview))
    dials.page.set_viewport_size({"width": 1200, "height": 1600})  # so that everything is visible
    root = dials.root
    grid = root.locator(".torchdial-grid")
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)
    changes = Changes(root)
    choice = root.get_by_label("class", exact=True)

    def press(place: Any, key: str) -> None:
        changes(lambda: place.press(key))

    for view in ("Errors", "Ghosts", "Boxes"):
        changes(dials.button(view).click)
    for metric in ("precision", "recall", "f1"):
        changes(lambda m=metric: root.get_by_label("metric").select_option(m))
    for where in ("off", "above"):
        changes(lambda where=where: root.get_by_label("labels").select_option(where))
    changes(lambda: choice.select_option("3"))
    changes(lambda: choice.select_option(""))
    changes(lambda: (root.get_by_label("max det").fill("2"), dials.page.keyboard.press("Enter")))
    changes(dials.button("reset").click)
    changes(root.get_by_title("Go to the best score and NMS IoU").click)
    for dial in (dials.score, dials.nms, dials.map):
        for key in ("ArrowRight", "PageUp", "ArrowUp", "PageDown"):
            if dial is dials.map and key == "PageDown":
                continue
            press(dial, key)
    press(dials.score, "Home")
    press(dials.score, "End")
    press(grid, "r")
    press(grid, "b")
    press(grid, "v")
    changes(dials.button("worst first").click)
    changes(dials.button("›").click)
    changes(dials.button("‹").click)
    changes(dials.button("as given").click)
    changes(lambda: root.get_by_label("size of the pictures").fill("320"))
    changes(root.locator(".torchdial-caption").nth(1).click)
    changes(dials.button("all pictures").click)
    changes(dials.button("?").click)
    for summary in root.locator("summary").all():
        changes(summary.click)
    press(grid, "+")
    press(grid, "ArrowRight")
    press(grid, "0")
    changes(root.locator(".torchdial-frame").first.dblclick)


def test_the_point_of_the_operating_map_moves_both_dials(show: Show) -> None:
    ours = make()
    dials = BoxesOnPage(show(ours))
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)
    dials.drag_on_map((0.25, 0.5), (0.6, 0.2))
    score, stop = dials.position()
    assert abs(score - 0.6) < 0.02
    assert abs(stop - 20) <= 1
    ours.score_threshold, ours.nms_iou = score, stop / 100
    assert dials.boxes() == kept(ours)
    dials.map.press("ArrowUp")
    dials.map.press("ArrowLeft")
    dials.expect_at(round(score - 0.01, 3), stop + 1)

    best_score, best_nms, value = ours.best("f1")
    best = dials.root.get_by_title("Go to the best score and NMS IoU")
    where = f"score {best_score:.2f}, NMS IoU {best_nms:.2f}"
    expect(best).to_contain_text(f"best F1 {value:.3f} at {where} (+")
    dials.page.keyboard.press("b")
    dials.expect_at(best_score, round(best_nms * 100))
    expect(dials.root.locator(".torchdial-readout")).to_contain_text(f"F1 {value:.3f}")
    colors = dials.map.locator("canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    drawn = np.array(colors, np.uint8).reshape(101, 101, 4)[::-1]
    assert ours.curves
    f1 = ours.curves.f1().numpy()
    top = tuple(drawn[np.unravel_index(np.nanargmax(f1), f1.shape)][:3])
    assert top == (253, 231, 37), "the best stop has viridis' last colour"
    assert (drawn[..., 3] == np.where(np.isnan(f1), 0, 255)).all()


def test_names_are_text_sizes_differ_masks_are_tinted_and_bad_frames_refused(show: Show) -> None:
    images = [np.full((40, 60, 3), 90, np.uint8), np.full((80, 50, 3), 200, np.uint8)]
    mask = torch.zeros(1, 40, 60, dtype=torch.bool)
    mask[0, 12:18, 12:30] = True
    box = torch.tensor([[10.0, 10, 40, 30]])
    found = [
        {"boxes": box, "scores": torch.tensor([0.9]), "labels": torch.tensor([1]), "masks": mask},
        {
            "boxes": box,
            "scores": torch.tensor([0.8]),
            "labels": torch.tensor([0]),
            "masks": torch.zeros(1, 80, 50, dtype=torch.bool),
        },
    ]
    hostile = "<img src=x onerror='window.planted=1'>"
    long = "<b>bold</b> & a rather long name of a class"
    preview = td.DetectionPreview(images, found, class_names=[hostile, long])
    bad = [{**found[0], "boxes": box * float("nan")}, found[1]]
    assert not preview.refresh(bad)

    dials = BoxesOnPage(show(preview))
    expect(dials.root.locator(".torchdial-notice")).to_contain_text("not finite")
    expect(dials.root.locator(".torchdial-legend")).to_contain_text("<b>bold</b>")
    assert dials.root.locator("img, b:not(.torchdial-dial-name b)").count() == 0
    assert dials.boxes() == [[0], [0]]
    canvas = dials.root.locator("canvas.torchdial-picture")
    for cell, (height, width) in enumerate([(40, 60), (80, 50)]):
        assert np.allclose(canvas.nth(cell).evaluate(PAINTED), [width / 60, height / 80], atol=0.01)
    lines = dials.lines(0)
    scale = lines.shape[1] / 60
    alpha = lambda x, y: int(lines[int(y * scale), int(x * scale), 3])  # noqa: E731
    assert 100 <= alpha(25, 15.5) <= 120, "tinted inside the mask"
    assert alpha(36, 25) == 0, "not outside of it"
    dials.hover(0, 36, 25, (80, 60))
    expect(dials.hovered).to_have_text(f"{long} 0.90")


def test_two_detectors_under_the_same_dials(show: Show) -> None:
    old, new = make(), make(detections.newer)
    dials = BoxesOnPage(show(td.compare(old, new, names=["old", "new"])))
    dials.set(0.35, 40)
    for preview in (old, new):
        preview.score_threshold, preview.nms_iou = 0.35, 0.4
    assert dials.boxes() == [kept(preview)[image] for image in range(3) for preview in (old, new)]
    expect(dials.root.locator(".torchdial-readout")).to_contain_text("old  kept")
    expect(dials.root.locator(".torchdial-readout")).to_contain_text("new  kept")


def test_curves_of_a_larger_set_are_distinguished_from_the_shown_images(show: Show) -> None:
    sweep = td.DetectionSweep()
    for _ in range(20):
        sweep.update(detections.newer, detections.truth)
    dials = BoxesOnPage(show(make(curves=sweep.compute(), after_nms=True, score_threshold=0.25)))
    assert "micro over 60 images, at score 0.25" in dials.readout()
    assert "micro over the shown 3 images" in dials.readout()
    assert "all scores" in dials.readout()
    names = dials.root.locator(".torchdial-dial-name")
    expect(names.nth(1)).to_contain_text("they come from an NMS, so it can only suppress more")


def test_captions_say_how_many_boxes_lie_outside_and_where_masks_are_missing(show: Show) -> None:
    inside, beside = [0.0, 0.0, 9.0, 9.0], [-9.0, 0.0, -1.0, 9.0]
    one = {"boxes": torch.tensor([inside, beside]), "scores": torch.tensor([0.9, 0.8])}
    one["labels"] = torch.tensor([1, 1])
    masked = one | {"masks": torch.ones(2, 16, 16)}
    dials = BoxesOnPage(show(td.DetectionPreview(torch.rand(2, 3, 16, 16), [masked, one])))
    captions = dials.root.locator(".torchdial-caption")
    expect(captions.nth(0)).to_have_text("1 · 1 outside the image")
    expect(captions.nth(1)).to_have_text("2 · 1 outside the image · no masks here")
    names = dials.root.locator(".torchdial-dial-name")
    expect(names.nth(1)).to_contain_text("no two boxes of a class overlap by more than 0.00")
    dials.set(0.85)
    expect(captions.nth(0)).to_have_text("1")
    expect(captions.nth(1)).to_have_text("2 · no masks here")


def test_it_fits_a_narrow_place_and_follows_a_dark_page(show: Show) -> None:
    dials = BoxesOnPage(show(make()))
    color = "e => getComputedStyle(e).color"
    light = dials.root.evaluate(color)
    dials.page.emulate_media(color_scheme="dark")
    assert dials.root.evaluate(color) != light
    dials.root.evaluate("e => { e.parentElement.style.width = '320px'; }")
    dials.settle()
    assert dials.root.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    for control in (dials.button("copy"), dials.root.get_by_label("max det"), dials.score):
        box = control.bounding_box()
        assert box
        assert box["height"] >= 24
