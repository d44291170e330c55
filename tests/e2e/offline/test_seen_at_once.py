"""What a person sees and hears of a preview at once: names, colours, pairs, and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

import torchdial as td
from tests.e2e import detections, maps
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.detections import make as make_boxes
from tests.e2e.dial import DialOnPage
from tests.e2e.page import Show
from torchdial.widgets.preview import comparison

pytestmark = pytest.mark.browser

LONG = "a model with a name that is longer than its caption is wide"
NAMES = [f"{LONG}, the first", f"{LONG}, the second"]
FIRST, SECOND = "rgb(142, 68, 173)", "rgb(184, 134, 11)"
ACCESSIBLE = """root => [...root.querySelectorAll('button, input, select, [role=slider]')]
  .filter(e => e.checkVisibility())
  .map(e => e.ariaLabel || e.labels?.[0]?.textContent.trim() || e.textContent.trim() || '')"""
STYLE = "(e, [name]) => getComputedStyle(e)[name]"


def two_maps() -> comparison.SegmentationComparison:
    """Return two models of seven pictures under one dial."""
    order = [0, 1, 2, 0, 1, 2, 0]
    first, second = (
        td.SegmentationPreview(maps.images[order], probs[order], maps.targets[order])
        for probs in (maps.probs, maps.newer)
    )
    return td.compare(first, second, names=NAMES)


def two_detectors() -> comparison.DetectionComparison:
    return td.compare(make_boxes(), make_boxes(detections.newer), names=NAMES)


def one_of_classes() -> td.SegmentationPreview:
    """Return a preview of four classes, the first of which is the background."""
    return td.SegmentationPreview(
        maps.images, maps.logits, maps.labels, task="multiclass", from_logits=True,
        class_names=["ground", "b", "c", "d"], threshold=0.3,
    )  # fmt: skip


WIDGETS: dict[str, Callable[[], Any]] = {
    "maps": lambda: td.SegmentationPreview(maps.images, maps.probs, maps.targets),
    "classes": one_of_classes,
    "boxes": make_boxes,
    "two models": two_maps,
    "two detectors": two_detectors,
}


@pytest.mark.parametrize("name", WIDGETS)
def test_controls_have_names_of_their_own_and_what_is_spoken_is_in_words(
    show: Show, name: str
) -> None:
    root = show(WIDGETS[name]()).locator(".torchdial")
    expect(root.locator(".torchdial-frame").first).to_be_visible()
    names = root.evaluate(ACCESSIBLE)
    assert "" not in names
    assert [n for n, times in Counter(names).items() if times > 1] == []
    spoken = root.locator(".torchdial-spoken")
    expect(spoken).not_to_be_empty()
    text = spoken.text_content() or ""
    assert re.findall(r"\d[A-Za-z]|\dF1|[a-z][A-Z]", text.replace("IoU", "")) == []


def columns_of(page: Page, fit: int) -> list[tuple[float, float]]:
    """Return where the pictures are, in a grid in which so many columns fit."""
    page.set_viewport_size({"width": fit * 150 + 80, "height": 1000})
    page.wait_for_timeout(200)
    boxes = [cell.bounding_box() for cell in page.locator(".torchdial-cell").all()]
    return [(box["x"], box["y"]) for box in boxes if box]


@pytest.mark.parametrize("make", [two_maps, two_detectors])
@pytest.mark.parametrize("fit", [3, 7])
def test_the_pictures_of_a_pair_stay_beside_each_other(
    show: Show, make: Callable[[], Any], fit: int
) -> None:
    widget = make()
    widget.view = "errors"
    page = show(widget)
    places = columns_of(page, fit)
    width = places[1][0] - places[0][0]
    for first, second in zip(places[::2], places[1::2], strict=True):
        assert second == pytest.approx((first[0] + width, first[1]), abs=1)
    captions = page.locator(".torchdial-caption").all_inner_texts()
    numbers = [int(re.findall(r"(\d+) · ", caption)[0]) for caption in captions]
    assert numbers == [1 + i // 2 for i in range(len(numbers))], "pictures count from 1"
    for caption in page.locator(".torchdial-caption > span:last-child").all():
        box, own = caption.bounding_box(), caption.locator("..").bounding_box()
        assert box
        assert own
        assert box["x"] + box["width"] <= own["x"] + own["width"] + 1, "the number is cut"
    page.set_viewport_size({"width": 1200, "height": 1000})


def color(of: Locator, name: str) -> str:
    found: str = of.evaluate(STYLE, [name])
    return found


def test_each_model_has_one_colour_everywhere(show: Show) -> None:
    dial = DialOnPage(show(two_maps()))
    root = dial.root
    for i, wanted in enumerate((FIRST, SECOND)):
        of = f".torchdial-model-{i}"
        expect(root.locator(f".torchdial-dial-line{of}")).to_have_css("stroke", wanted)
        expect(root.locator(f".torchdial-dial-point{of}")).to_have_css("background-color", wanted)
        expect(root.locator(f".torchdial-dial-best{of}")).to_have_css("color", wanted)
        swatches = root.locator(f".torchdial-swatch{of}")
        assert swatches.count() >= 3, "in the readout and at the tables"
        for swatch in swatches.all():
            expect(swatch).to_have_css("background-color", wanted)
    dial.set_stop(60)
    on = [probs[0] > np.float32(0.6) for probs in (maps.probs, maps.newer)]
    seen = dial.pixels(0, maps.H, maps.W)
    for only, other, wanted in ((on[0], on[1], FIRST), (on[1], on[0], SECOND)):
        r, g, b = map(int, re.findall(r"\d+", wanted))
        assert set(seen[only & ~other]) == {1 << 24 | r << 16 | g << 8 | b}
    legend = root.locator(".torchdial-legend .torchdial-swatch")
    for i, wanted in enumerate((FIRST, SECOND)):
        expect(legend.nth(1 + i)).to_have_css("background-color", wanted)


def test_each_detector_has_its_colour_its_map_and_its_tables(show: Show) -> None:
    dials = BoxesOnPage(show(two_detectors()))
    root = dials.root
    expect(root.locator(".torchdial-map-waiting:visible")).to_have_count(0)
    for i, wanted in enumerate((FIRST, SECOND)):
        name = root.locator(".torchdial-map-name").nth(i)
        expect(name.get_by_title(NAMES[i])).to_be_visible()
        expect(name.locator(".torchdial-swatch")).to_have_css("background-color", wanted)
        star = root.locator(f".torchdial-dial-best.torchdial-model-{i}").first
        expect(star).to_have_css("color", wanted)
        matrix = root.locator("summary", has_text="confusion matrix").nth(i)
        expect(matrix.get_by_title(NAMES[i])).to_be_visible()
        shown = root.locator(".torchdial-readout").get_by_title(NAMES[i])
        expect(shown).to_have_text(re.compile(r"^a model.*….*(first|second)\s*$"))
    readout = root.locator(".torchdial-readout")  # its text is announced, too
    expect(readout.get_by_text("at its best: F1")).to_have_count(2)


def test_captions_of_narrow_pictures_are_whole(show: Show) -> None:
    page = show(two_maps())
    page.set_viewport_size({"width": 340, "height": 900})
    parts = DialOnPage(page).root.locator(".torchdial-cut span")
    assert parts.count() == 14
    is_whole = "part => part.scrollWidth <= part.clientWidth"
    assert all(part.evaluate(is_whole) for part in parts.all())


def test_long_names_in_tables_end_in_dots(show: Show) -> None:
    classes, targets = (np.stack([one, one], 1) for one in (maps.probs, maps.targets))
    preview = td.SegmentationPreview(
        maps.images, classes, targets, task="multilabel", class_names=NAMES
    )
    page = show(preview)
    page.get_by_text("counts of each class").click()
    names = page.locator("th[scope=row] .torchdial-number-cell")
    expect(names).to_have_count(2)
    for name in names.all():
        assert name.evaluate("n => n.scrollWidth > n.clientWidth")
        assert name.evaluate(STYLE, ["overflow"]) == "hidden"
        assert name.evaluate(STYLE, ["textOverflow"]) == "ellipsis"


def test_words_of_narrow_controls_stay_on_one_line(show: Show) -> None:
    monitors = [td.TrainingMonitor(torch.nn.Linear(1, 1), name=LONG) for _ in range(2)]
    for monitor in monitors:
        monitor.log(loss=1.0)
        monitor.close()
    page = show(two_maps(), monitors[1])
    page.set_viewport_size({"width": 400, "height": 900})
    buttons = page.locator(".torchdial-pager button:visible, .torchdial-run button")
    heights = [button.bounding_box() for button in buttons.all()]
    assert len(heights) >= 7
    assert all(box and box["height"] < 32 for box in heights)


def test_largest_difference_first(show: Show) -> None:
    widget = two_detectors()
    widget.view = "errors"
    dials = BoxesOnPage(show(widget))
    dials.button("largest difference first").click()
    captions = dials.root.locator(".torchdial-caption").all_inner_texts()
    f1 = [float(re.findall(r"F1 (\d\.\d+)", caption)[0]) for caption in captions]
    differences = [abs(a - b) for a, b in zip(f1[::2], f1[1::2], strict=True)]
    assert differences == sorted(differences, reverse=True)
    assert len(set(differences)) > 1


def nothing_in_the_maps() -> td.SegmentationPreview:
    empty = np.zeros_like(maps.probs)
    return td.SegmentationPreview(maps.images, empty, empty.astype(np.uint8))


def an_absent_class() -> td.SegmentationPreview:
    labels = np.where(maps.labels == 2, 1, maps.labels)
    preview = td.SegmentationPreview(
        maps.images, maps.logits, labels, task="multiclass", from_logits=True
    )
    preview.label = 2
    return preview


def boxes_of(found: bool, truth: bool) -> td.DetectionPreview:
    """Return a preview of one box on each image that is found, is there, or neither."""
    boxes, labels = torch.tensor([[2.0, 2, 20, 20]]), torch.tensor([0])
    candidates = {"boxes": boxes, "scores": torch.tensor([0.9]), "labels": labels}
    target = {"boxes": boxes, "labels": labels}
    none = slice(0, 0)
    return td.DetectionPreview(
        [np.zeros((32, 32, 3), np.uint8)] * 2,
        [candidates if found else {k: v[none] for k, v in candidates.items()}] * 2,
        [target if truth else {k: v[none] for k, v in target.items()}] * 2,
        class_names=["a"],
    )


EMPTY: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no target in the maps": (nothing_in_the_maps, "nothing to find", "nothing to find"),
    "a class absent": (an_absent_class, "nothing to find", "nothing to find"),
    "no target": (
        lambda: boxes_of(True, False),
        "nothing to find, 2 false alarms",
        "nothing to find, 1 false alarm",
    ),
    "no candidates": (lambda: boxes_of(False, True), "no candidates", "no candidates, 1 missed"),
    "neither": (lambda: boxes_of(False, False), "nothing to find", "nothing to find"),
}


@pytest.mark.parametrize("case", EMPTY)
def test_nothing_to_find_is_said_in_words(show: Show, case: str) -> None:
    make, readout, caption = EMPTY[case]
    root = show(make()).locator(".torchdial")
    expect(root.locator(".torchdial-readout")).to_contain_text(readout)
    expect(root.locator(".torchdial-caption").first).to_contain_text(caption)
    page_text = root.inner_text()
    for number in ("1.000", "F1 0.000", "Dice 0.000", "best"):
        assert number not in page_text.replace("worst first", ""), number
    expect(root.locator(".torchdial-dial-best:visible, .torchdial-map-best:visible")).to_have_count(
        0
    )
    if root.locator(".torchdial-map").count():
        expect(root.locator(".torchdial-map-waiting")).to_have_text(
            re.compile("nothing|no candidates")
        )
        canvas = root.locator(".torchdial-map-field canvas")
        painted = canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
        )
        assert not painted, "the map is blank"


def test_background_is_not_painted_and_the_readout_says_whether_it_counts(show: Show) -> None:
    dial = DialOnPage(show(one_of_classes()))
    probs = maps.softmax(maps.logits)[0]
    on = probs.max(0) > np.float32(0.3)
    seen = dial.pixels(0, maps.H, maps.W)
    ground = on & (probs.argmax(0) == 0)
    assert ground.any()
    assert set(seen[ground]) == {0}
    assert 0 not in seen[on & ~ground]
    expect(dial.root.locator(".torchdial-legend")).to_contain_text("not painted: ground")
    assert "micro with ground over 3 images" in dial.readout()


def test_one_picture_alone_fills_the_width_and_keys_go_on(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, maps.probs, maps.targets, threshold=0.3)
    dial = DialOnPage(show(preview))
    root = dial.root
    dial.root.locator(".torchdial-caption").nth(1).click()
    beside = root.locator(".torchdial-beside")
    expect(beside).to_contain_text("picture 2")
    frame, whole, numbers = (
        of.bounding_box() for of in (root.locator(".torchdial-frame"), root, beside)
    )
    assert frame
    assert whole
    assert numbers
    assert frame["width"] + numbers["width"] > whole["width"] - 40
    for image, go_on in ((2, "ArrowRight"), (1, "ArrowLeft"), (0, "ArrowLeft"), (0, "ArrowLeft")):
        dial.page.keyboard.press(go_on)
        expect(beside).to_contain_text(f"picture {image + 1}")
        on, truth = maps.probs[image] > np.float32(0.3), maps.targets[image] > 0
        found, wrong, missed = (on & truth).sum(), (on & ~truth).sum(), (~on & truth).sum()
        dice = 2 * found / (2 * found + wrong + missed)
        cells = beside.locator("td").all_inner_texts()
        assert cells[0] == f"{dice:.3f}"
        assert cells[-3:] == [f"{count} pixels" for count in (found, wrong, missed)]
    dial.button("›").click()
    expect(beside).to_contain_text("picture 2")
    expect(root.get_by_text("2 of 3")).to_be_visible()
    dial.button("all pictures").click()
    expect(beside).to_be_hidden()


def test_the_map_stays_where_it_is_while_its_point_is_dragged(show: Show) -> None:
    dials = BoxesOnPage(show(make_boxes()))
    dials.page.set_viewport_size({"width": 1100, "height": 1000})
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden()
    dials.map.press("b")  # where no better setting is offered
    box = dials.map.bounding_box()
    assert box
    dials.page.mouse.move(box["x"] + 5, box["y"] + 5)
    dials.page.mouse.down()
    seen = []
    for step in range(30):
        x, y = (0.03 + 0.94 * step / 29), abs(np.sin(step))
        dials.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        dials.settle()
        if step % 10 == 0:
            dials.page.wait_for_timeout(400)
        seen.append(dials.map.bounding_box())
    dials.page.mouse.up()
    assert {one["y"] for one in seen if one} == {box["y"]}
    dials.page.set_viewport_size({"width": 1200, "height": 1000})


def test_the_map_names_its_metric_and_says_the_value_under_the_pointer(show: Show) -> None:
    ours = make_boxes()
    dials = BoxesOnPage(show(ours))
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden()
    dials.root.get_by_label("metric").select_option("recall")
    panel = dials.root.locator(".torchdial-map")
    expect(panel.locator(".torchdial-map-scale")).to_contain_text("recall")
    for axis in ("ticks", "rows"):
        expect(panel.locator(f".torchdial-map-{axis}")).to_have_text("0.000.250.500.751.00")
    box = dials.map.bounding_box()
    assert box
    for score, stop in ((0.25, 40), (0.7, 80)):
        x, y = (score * 100 + 0.5) / 101, 1 - (stop + 0.5) / 101
        dials.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        assert ours.curves
        reading = panel.locator(".torchdial-map-reading")
        expect(reading).to_have_text(re.compile(r"recall [01]\.\d{3} at score 0\.\d\d, NMS IoU "))
        seen, at_score, at_stop = map(float, re.findall(r"\d\.\d+", reading.inner_text()))
        assert (at_score, at_stop) == pytest.approx((score, stop / 100), abs=0.02)
        value = float(ours.curves.recall()[round(100 * at_stop), round(100 * at_score)])
        assert seen == pytest.approx(value, abs=6e-4)


def test_names_of_boxes_do_not_cover_what_is_in_them(show: Show) -> None:
    dials = BoxesOnPage(show(detections.make_apart()))
    dials.set(0.1, 30)  # one box of each cluster
    labels = dials.root.get_by_label("labels")
    dials.page.mouse.move(0, 0)
    above = dials.lines(0)
    labels.select_option("off")
    dials.settle()
    off = dials.lines(0)
    assert not np.array_equal(above, off), "names are there"
    scale = off.shape[1] / 330
    for x1, y1, x2, y2 in np.asarray(detections.apart[:16]) * scale:
        inside = np.s_[int(y1) + 4 : int(y2) - 4, int(x1) + 4 : int(x2) - 4]
        assert np.array_equal(above[inside], off[inside])
    labels.select_option("on hover")
    dials.settle()
    assert np.array_equal(dials.lines(0), off)


def test_the_legend_of_many_classes_is_searched_and_closed(show: Show) -> None:
    names = [f"kind {i}" for i in range(80)]
    boxes = torch.rand(1, 40, 4).cumsum(-1)[0] * 20
    found = {
        "boxes": boxes, "scores": torch.rand(40), "labels": torch.arange(0, 80, 2)
    }  # fmt: skip
    preview = td.DetectionPreview([np.zeros((64, 64, 3), np.uint8)], [found], class_names=names)
    root = show(preview).locator(".torchdial")
    entries = root.locator(".torchdial-legend > *")
    expect(entries).to_have_count(40)
    looks = entries.locator(".torchdial-swatch").evaluate_all(
        "all => all.map(e => e.className + e.style.cssText)"
    )
    assert len(set(looks)) == 40, "no two classes look alike"
    root.get_by_label("find a class in the legend").fill("KIND 1")
    expect(root.locator(".torchdial-legend > *:visible")).to_have_count(5)  # 10, 12 … 18
    root.locator("summary", has_text="legend, 40 entries").click()
    expect(root.locator(".torchdial-legend > *:visible")).to_have_count(0)


def test_the_heat_view_has_its_scale_and_the_dial_its_metric(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, maps.probs, maps.targets)
    preview.view = "heat"
    root = show(preview).locator(".torchdial")
    expect(root.locator(".torchdial-legend")).to_have_text(re.compile(r"p\s+0\.00\s*1\.00, pale"))
    ramp = root.locator(".torchdial-legend .torchdial-ramp")
    assert color(ramp, "backgroundImage").startswith("linear-gradient(to right, rgb(68, 1, 84)")
    expect(root.locator(".torchdial-dial-y")).to_have_text("Dice10")
    root.get_by_label("curve").select_option("recall")
    expect(root.locator(".torchdial-dial-y")).to_have_text("recall10")
    ends = root.locator(".torchdial-dial-y span")
    below_top, above_bottom = ends.evaluate_all(BESIDE_ENDS)
    assert abs(below_top) <= 3
    assert abs(above_bottom) <= 3


BESIDE_ENDS = """([top, bottom]) => {
  const plot = top.closest('.torchdial-dial-plot').getBoundingClientRect();
  return [top.getBoundingClientRect().top - plot.top,
          plot.bottom - bottom.getBoundingClientRect().bottom];
}"""


def test_a_star_over_a_perfect_score_stays_below_the_readout(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, maps.probs, maps.probs > 0.5)
    root = show(preview).locator(".torchdial")
    star, dial = (root.locator(f".torchdial-{one}") for one in ("dial-best", "dial"))
    expect(star).to_have_text("★")
    room = star.evaluate(
        "(star, dial) => star.getBoundingClientRect().top - dial.getBoundingClientRect().top",
        dial.element_handle(),
    )
    assert room + ABOVE_GLYPH >= -1


ABOVE_GLYPH = 5  # px, of a star in its line of 20


def test_the_gradient_of_an_input_has_a_legend(show: Show) -> None:
    grid = td.Visualization().display_grads(torch.linspace(-0.5, 0.25, 48).reshape(6, 8))
    legend = show(grid).locator(".torchdial-legend")
    expect(legend).to_have_text(re.compile(r"−0\.5000\s*0\.5000"))
    blue_to_red = color(legend.locator(".torchdial-ramp"), "backgroundImage")
    assert blue_to_red.startswith("linear-gradient(to right, rgb(58, 76, 192)")
    assert "rgb(179, 3, 38)" in blue_to_red
