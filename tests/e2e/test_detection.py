"""The detection preview in real JupyterLab and real Chromium."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

import torchdial as td
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.eventually import eventually, expect_change
from tests.e2e.lab import WAIT, Lab, expect_told, in_kernel, opened, output_of

pytestmark = pytest.mark.browser

# Runs in the notebook and here, so that the test has a preview of its own to ask.
DATA = """
import numpy as np, torch, torchdial as td
from torchdial.demo import digit_scenes

def candidates(scene, i, each, seed=0):
    rng = np.random.default_rng((seed, i))
    boxes, scores, labels = [], [], []
    for box, label in zip(scene.boxes[i].numpy(), scene.labels[i].numpy()):
        side, quality = (box[2:] - box[:2]).mean(), rng.beta(4, 2)
        for _ in range(each):
            shift = rng.normal(0, 0.12 * side, 4)
            boxes.append(box + shift)
            scores.append(quality * np.exp(-6 * abs(shift).mean() / side) * rng.uniform(0.7, 1))
            labels.append(label if rng.random() < 0.9 else rng.integers(10))
    boxes = np.clip(np.array(boxes, 'f4'), 0, scene.images.shape[-1])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return {'boxes': torch.from_numpy(boxes), 'labels': torch.tensor(np.array(labels)),
            'scores': torch.tensor(np.array(scores), dtype=torch.float32)}

scene = digit_scenes(3, size=96, seed=2)
found = [candidates(scene, i, 10) for i in range(3)]
newer = [candidates(scene, i, 12, seed=1) for i in range(3)]
truth = [{'boxes': b, 'labels': l} for b, l in zip(scene.boxes, scene.labels)]
def make(**options):
    return td.DetectionPreview(scene.images, found, truth, class_names=[*'0123456789'], **options)
"""
IMPORT = "import time\n" + DATA
SIZE = (96, 96)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(DATA, names)
    return names


def kept(preview: td.DetectionPreview, count: int = 3) -> list[list[int]]:
    return [preview.kept(image)["indices"].tolist() for image in range(count)]


def test_at_every_position_the_boxes_drawn_are_those_kept(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    with opened(lab, page, "boxes", [IMPORT, "w = make()\nw"]):
        dials, ours = BoxesOnPage(page), data["make"]()
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

        dials.set(0.05, 90)
        ours.score_threshold = 0.05
        for max_det, stop in ((1, 80), (5, 85), (17, 90)):
            dials.root.get_by_label("max det").fill(str(max_det))
            in_kernel(page, f"w.nms_iou = {stop / 100}")
            dials.expect_at(0.05, stop)
            page.keyboard.press("Tab")
            dials.settle()
            ours.max_det, ours.nms_iou = max_det, stop / 100
            assert dials.boxes() == kept(ours), max_det
        choice = dials.root.get_by_label("class")
        for label, score in ((3, 0.4), (7, 0.15)):
            choice.select_option(str(label))
            dials.set(score)
            ours.shown_class = label
            own = list(ours.class_thresholds) or [None] * 10
            ours.class_thresholds = [score if c == label else t for c, t in enumerate(own)]
            assert dials.boxes() == kept(ours), label
        choice.select_option("")
        ours.shown_class = None
        dials.expect_at(0.05, 90)
        assert dials.boxes() == kept(ours)
        expect(dials.root.locator(".torchdial-value")).to_contain_text("2 of their own, after NMS")

        expect_told(dials.root, "[w.kept(i)['indices'].tolist() for i in range(3)]", kept(ours))
        dials.button("copy").click()
        expect(dials.button("copied")).to_be_visible()
        copied = ast.literal_eval(page.evaluate("() => navigator.clipboard.readText()"))
        assert copied == ours.export()
        for image, detections in enumerate(data["found"]):
            detected = td.detect(**detections, **copied)["indices"].tolist()
            assert detected == kept(ours)[image], "the setting pasted into production"


# Clusters of two boxes, far apart, of classes in turn: lines never touch those of others.
APART = """
import numpy as np, torch, torchdial as td
corners = np.array([[30 + 75 * c, 30 + 75 * r] for r in range(4) for c in range(4)])
apart = np.concatenate([np.concatenate([corners, corners + [30, 40]], 1),
                        np.concatenate([corners + 6, corners + [36, 46]], 1)]).astype('f4')
scores = torch.linspace(0.9, 0.2, 32)
labels = torch.arange(16).repeat(2) % 4
plain = np.full((1, 330, 330, 3), 128, np.uint8)
def make_apart():
    return td.DetectionPreview(plain, [{'boxes': torch.from_numpy(apart), 'scores': scores,
        'labels': labels}], class_names=['a', '<b>b</b>', 'c', 'd'], score_threshold=0.1)
"""
COLORS = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)]


@pytest.mark.parametrize("page", [1, 2, 1.5], indirect=True)
def test_lines_are_sharp_and_where_the_boxes_are(lab: Lab, page: Page) -> None:
    names: dict[str, Any] = {}
    exec(APART, names)
    ours: td.DetectionPreview = names["make_apart"]()
    with opened(lab, page, "sharp", [APART, "w = make_apart()\nw"]):
        dials = BoxesOnPage(page)
        ratio = page.evaluate("devicePixelRatio")
        grid = dials.root.locator(".torchdial-grid")
        for zoom, score, stop in ((1, 0.1, 50), (1, 0.45, 60), (1.5, 0.3, 60), (2.25, 0.1, 50)):
            dials.set(score, stop)
            ours.score_threshold, ours.nms_iou = score, stop / 100
            if zoom > float(grid.get_attribute("data-zoom") or 1):
                grid.focus()
                page.keyboard.press("+")
                expect(grid).to_have_attribute("data-zoom", f"{zoom:.3f}")
            page.mouse.move(0, 0)
            page.wait_for_timeout(100)
            shown = set(kept(ours, 1)[0])
            assert dials.boxes() == kept(ours, 1)
            canvas = dials.lines(0)
            seen = {
                i: drawn
                for i, box in enumerate(names["apart"])
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
    """Return colour and width of the line at a box's right edge; None where it is out of sight.

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


def test_dials_and_refresh_work_while_a_cell_blocks_the_kernel(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    blocking = (
        "wait_for('look')\n"
        "for _ in range(6):\n"
        "    time.sleep(0.2)\n"
        "    w.refresh(newer)\n"
        "wait_for('two drags')\n"
        "print('training over')"
    )
    with opened(lab, page, "blocked", [WAIT + IMPORT, "w = make()\nw", blocking]):
        dials = BoxesOnPage(page)
        lab.tell("look")
        dials.drag(dials.score, 0.4)
        dials.drag(dials.nms, 0.3)
        score, stop = dials.position()
        expected = []
        for frame in ("found", "newer"):
            ours = td.DetectionPreview(
                data["scene"].images, data[frame], score_threshold=score, nms_iou=stop / 100
            )
            expected.append(kept(ours))
        assert dials.boxes() in expected
        lab.tell("two drags")
        output_of(page, "training over")
        expect(dials.root).to_have_attribute("data-version", "6")
        dials.settle()
        assert dials.boxes() == expected[1]
        expect_told(dials.root, "(w.score_threshold, w.nms_iou)", (score, stop / 100))


def test_errors_are_told_and_pointing_says_why(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    with opened(lab, page, "errors", [IMPORT, "w = make(score_threshold=0.4)\nw"]):
        dials, ours = BoxesOnPage(page), data["make"](score_threshold=0.4)
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
        dials.hover(image, *middle_of_edge(data["found"][image]["boxes"][hit]), SIZE)
        text = dials.hovered.inner_text()
        assert re.match(r"\d 0\.\d+: (true|false) positive", text)
        assert not np.array_equal(before, dials.lines(image))
        dials.set(1)
        missed = data["truth"][image]["boxes"][0]
        dials.hover(image, *middle_of_edge(missed), SIZE)
        expect(dials.hovered).to_contain_text("its best candidate has score 0.")


def middle_of_edge(box: torch.Tensor) -> tuple[float, float]:
    """Return a point just inside the left edge of a box."""
    return float(box[0]) + 0.5, float(box[1] + box[3]) / 2


def test_ghosts_say_which_box_suppressed_them(lab: Lab, page: Page) -> None:
    names: dict[str, Any] = {}
    exec(APART, names)
    with opened(lab, page, "ghosts", [APART, "w = make_apart()\nw"]):
        dials = BoxesOnPage(page)
        dials.set(0.1, 30)
        dials.button("Ghosts").click()
        dials.settle()
        (cell,) = dials.marks()
        assert sorted(cell["box"]) == list(range(16))
        assert sorted(cell["ghost"]) == list(range(16, 32))
        _, _, x2, y2 = map(float, names["apart"][16])
        before = dials.lines(0)
        dials.hover(0, x2, y2, (330, 330))
        expect(dials.hovered).to_have_text("a 0.5387: suppressed by a 0.90, IoU 0.515 > 0.30")
        assert not np.array_equal(before, dials.lines(0)), "the two boxes and their tie are drawn"
        dials.set(0.5)
        (cell,) = dials.marks()
        assert sorted(cell["ghost"]) == [16, 17], "ghosts are above the score threshold, too"


def test_thousands_of_candidates_on_one_image(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    many = (
        "many = candidates(scene, 0, 5000 // len(scene.boxes[0]))\n"
        "w = td.DetectionPreview(scene.images[:1], [many], truth[:1])\nw"
    )
    names = dict(data)
    exec(many.replace("\nw = td", "\nours = td").removesuffix("\nw"), names)
    ours = names["ours"]
    with opened(lab, page, "many", [IMPORT, many]):
        dials = BoxesOnPage(page)
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


def test_every_control_changes_what_is_shown(lab: Lab, page: Page) -> None:
    make = (
        "w = td.DetectionPreview(scene.images.repeat(7, 1, 1, 1), found * 7, truth * 7,"
        " score_threshold=0.2)\nw"
    )
    with opened(lab, page, "detection_controls", [IMPORT, make]):
        dials = BoxesOnPage(page)
        root = dials.root
        grid = root.locator(".torchdial-grid")
        frame = root.locator(".torchdial-frame").first
        expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)

        changes = partial(expect_change, root, rest=0.5)

        def press(place: Any, key: str) -> Any:
            return lambda: (place.focus(), page.keyboard.press(key))

        for view in ("Errors", "Ghosts", "Boxes"):
            changes(dials.button(view).click)
        for metric in ("precision", "recall", "f1"):
            changes(lambda m=metric: root.get_by_label("metric").select_option(m))
        changes(lambda: root.get_by_label("class", exact=True).select_option("3"))
        changes(lambda: root.get_by_label("class", exact=True).select_option(""))
        changes(lambda: (root.get_by_label("max det").fill("2"), page.keyboard.press("Enter")))
        changes(dials.button("reset").click)
        changes(root.get_by_title("Go to the best score and NMS IoU").click)
        for dial in (dials.score, dials.nms, dials.map):
            for key in ("ArrowRight", "PageUp", "ArrowUp", "PageDown"):
                if dial is dials.map and key == "PageDown":
                    continue
                changes(press(dial, key))
        changes(press(dials.score, "Home"))
        changes(press(dials.score, "End"))
        changes(press(grid, "r"))
        changes(press(grid, "b"))
        changes(press(grid, "v"))
        changes(dials.button("worst first").click)
        changes(dials.button("›").click)
        changes(dials.button("‹").click)
        changes(dials.button("as given").click)
        changes(root.locator(".torchdial-caption").nth(1).click)
        changes(dials.button("all pictures").click)
        changes(dials.button("?").click)
        for summary in root.locator("summary").all():
            changes(summary.click)
        changes(press(grid, "+"))
        changes(press(grid, "ArrowRight"))
        changes(press(grid, "0"))
        changes(frame.dblclick)


def test_the_point_of_the_operating_map_moves_both_dials(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    with opened(lab, page, "map", [IMPORT, "w = make()\nw"]):
        dials, ours = BoxesOnPage(page), data["make"]()
        expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)
        dials.map.scroll_into_view_if_needed()
        box = dials.map.bounding_box()
        assert box
        at = lambda x, y: (box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])  # noqa: E731
        page.mouse.move(*at(0.25, 0.5))
        page.mouse.down()
        page.mouse.move(*at(0.6, 0.2), steps=6)
        page.mouse.up()
        dials.settle()
        score, stop = dials.position()
        assert abs(score - 0.6) < 0.02
        assert abs(stop - 20) <= 1
        ours.score_threshold, ours.nms_iou = score, stop / 100
        assert dials.boxes() == kept(ours)
        dials.map.focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        dials.expect_at(round(score - 0.01, 3), stop + 1)
        moved = (round(score - 0.01, 3), (stop + 1) / 100)
        expect_told(dials.root, "(w.score_threshold, w.nms_iou)", moved)

        best_score, best_nms, value = ours.best("f1")
        best = dials.root.get_by_title("Go to the best score and NMS IoU")
        where = f"score {best_score:.2f}, NMS IoU {best_nms:.2f}"
        expect(best).to_have_text(f"best F1 {value:.3f} at {where} →")
        page.keyboard.press("b")
        dials.expect_at(best_score, round(best_nms * 100))
        expect(dials.root.locator(".torchdial-readout")).to_contain_text(f"F1 {value:.3f}")
        colors = dials.map.locator("canvas").evaluate(
            "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        )
        drawn = np.array(colors, np.uint8).reshape(101, 101, 4)[::-1]
        f1 = ours.curves.f1().numpy() if ours.curves else np.empty(0)
        top = tuple(drawn[np.unravel_index(np.nanargmax(f1), f1.shape)][:3])
        assert top == (253, 231, 37), "the best stop has viridis' last colour"
        assert (drawn[..., 3] == np.where(np.isnan(f1), 0, 255)).all()


def test_python_sets_what_a_page_shows_in_two_views_and_after_a_reload(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    show = (
        "w = make(class_thresholds={'3': 0.7})\nfrom IPython.display import display\ndisplay(w, w)"
    )
    with opened(lab, page, "python", [IMPORT, show]):
        first, second = BoxesOnPage(page), BoxesOnPage(page, place=1)
        in_kernel(page, "w.score_threshold = 0.123456; w.nms_iou = 0.704; w.max_det = 9")
        ours = data["make"](class_thresholds={"3": 0.7})
        ours.score_threshold, ours.nms_iou, ours.max_det = 0.123456, 0.704, 9
        for dials in (first, second):
            dials.expect_at(0.123456, 70)
            assert dials.boxes() == kept(ours)
        second.drag(second.nms, 0.2)
        first.expect_at(0.123456, 20)
        ours.nms_iou = 0.2
        assert first.boxes() == kept(ours)
        expect(first.root.get_by_label("class").locator("option").nth(4)).to_have_text("3 (0.70)")
        page.wait_for_timeout(600)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        lab.open(page, "python")
        dials = BoxesOnPage(page)
        dials.expect_at(0.123456, 20)
        assert dials.boxes() == kept(ours)


def test_names_are_text_sizes_differ_masks_are_tinted_and_bad_frames_refused(
    lab: Lab, page: Page
) -> None:
    make = """
import numpy as np, torch, torchdial as td
images = [np.full((40, 60, 3), 90, np.uint8), np.full((80, 50, 3), 200, np.uint8)]
masks = torch.zeros(1, 40, 60, dtype=torch.bool)
masks[0, 12:18, 12:30] = True
boxes = torch.tensor([[10.0, 10, 40, 30]])
found = [{'boxes': boxes, 'scores': torch.tensor([0.9]), 'labels': torch.tensor([1]),
          'masks': masks},
         {'boxes': boxes, 'scores': torch.tensor([0.8]), 'labels': torch.tensor([0]),
          'masks': torch.zeros(1, 80, 50, dtype=torch.bool)}]
hostile = ['<img src=x onerror="window.hacked = 1">', '<b>bold</b> & a rather long name of a class']
w = td.DetectionPreview(images, found, class_names=hostile)
w"""
    bad = "found[0]['boxes'][0, 0] = float('nan')\nprint('shown:', w.refresh(found))"
    with opened(lab, page, "hostile", [make, bad]):
        dials = BoxesOnPage(page)
        output_of(page, "shown: False")
        expect(dials.root.locator(".torchdial-notice")).to_contain_text("not finite")
        expect(dials.root.locator(".torchdial-legend")).to_contain_text("<b>bold</b>")
        assert dials.root.locator("img, b:not(.torchdial-dial-name b)").count() == 0
        assert page.evaluate("() => window.hacked === undefined")
        assert dials.boxes() == [[0], [0]]
        canvas = dials.root.locator("canvas.torchdial-picture")
        sizes = """canvas => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let right = 0, below = 0;
          for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++)
            if (data[4 * (y * canvas.width + x) + 3]) {
              right = Math.max(right, x);
              below = Math.max(below, y);
            }
          return [(right + 1) / canvas.width, (below + 1) / canvas.height];
        }"""
        for cell, (height, width) in enumerate([(40, 60), (80, 50)]):
            filled = canvas.nth(cell).evaluate(sizes)
            assert np.allclose(filled, [width / 60, height / 80], atol=0.01)
        lines = dials.lines(0)
        scale = lines.shape[1] / 60
        alpha = lambda x, y: int(lines[int(y * scale), int(x * scale), 3])  # noqa: E731
        assert 100 <= alpha(25, 15.5) <= 120, "tinted inside the mask"
        assert alpha(36, 25) == 0, "not outside of it"
        dials.hover(0, 36, 25, (80, 60))
        expect(dials.hovered).to_have_text("<b>bold</b> & a rather long name of a class 0.90")


def test_two_detectors_under_the_same_dials(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    make = (
        "b = td.DetectionPreview(scene.images, newer, truth, class_names=[*'0123456789'])\n"
        "c = td.compare(make(), b, names=['old', 'new'])\nc"
    )
    with opened(lab, page, "two", [IMPORT, make]):
        dials = BoxesOnPage(page)
        dials.set(0.35, 40)
        previews = [
            td.DetectionPreview(data["scene"].images, data[name], score_threshold=0.35, nms_iou=0.4)
            for name in ("found", "newer")
        ]
        each = [kept(preview) for preview in previews]
        assert dials.boxes() == [each[source][image] for image in range(3) for source in range(2)]
        expect(dials.root.locator(".torchdial-readout")).to_contain_text("old  kept")
        expect(dials.root.locator(".torchdial-readout")).to_contain_text("new  kept")


def test_curves_of_a_larger_set_are_told_from_the_shown_images(lab: Lab, page: Page) -> None:
    make = (
        "sweep = td.DetectionSweep()\n"
        "for _ in range(20): sweep.update(newer, truth)\n"
        "w = make(curves=sweep.compute(), after_nms=True)\nw"
    )
    with opened(lab, page, "larger_set", [IMPORT, make]):
        dials = BoxesOnPage(page)
        assert "micro over 60 images, at score 0.25" in dials.readout()
        assert "micro over the shown 3 images" in dials.readout()
        assert "all scores" in dials.readout()
        names = dials.root.locator(".torchdial-dial-name")
        expect(names.nth(1)).to_contain_text("they come from an NMS, so it can only tighten")


def test_it_follows_a_dark_theme_and_fits_a_narrow_place(lab: Lab, page: Page) -> None:
    with opened(lab, page, "dark", [IMPORT, "w = make()\nw"]):
        dials = BoxesOnPage(page)
        color = "e => getComputedStyle(e).color"
        light = dials.root.evaluate(color)
        change = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })"
        page.evaluate(change, "JupyterLab Dark")
        eventually(page, lambda: dials.root.evaluate(color) != light)
        dials.root.evaluate("e => { e.parentElement.style.width = '320px'; }")
        dials.settle()
        assert dials.root.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
        for control in (dials.button("copy"), dials.root.get_by_label("max det"), dials.score):
            box = control.bounding_box()
            assert box
            assert box["height"] >= 24
