"""A clicked number shows the pictures that Python counts; typed, undone and pasted settings."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

import torchdial as td
from tests.e2e import detections, maps
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import copied_by, eventually
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

NAMES = ["sky", "road", "<b>tree</b>", "car"]
PROBS = maps.softmax(maps.logits)


def classes(**options: Any) -> td.SegmentationPreview:
    """Return 20 pictures of four classes; in some of them classes are absent."""
    rng = np.random.default_rng(3)
    which = rng.integers(0, maps.N, 20)
    targets = maps.labels[which].copy()
    for image, label in enumerate(rng.integers(0, 4, 20)):
        targets[image][targets[image] == label] = (label + 1) % 4
    return td.SegmentationPreview(
        maps.images[which],
        PROBS[which] * rng.uniform(0.5, 1, (20, 1, 1, 1)).astype("f4"),
        targets,
        task="multiclass",
        from_logits=False,
        class_names=NAMES,
        threshold=0.3,
        **options,
    )


def binary() -> td.SegmentationPreview:
    return td.SegmentationPreview(maps.images, maps.probs, maps.targets, threshold=0.2)


def shown(root: Locator) -> list[int]:
    """Return the indices of the pictures in the grid; they count from 1."""
    captions = root.locator(".torchdial-caption").all_inner_texts()
    return [int(re.findall(r"\d+", caption)[0]) - 1 for caption in captions]


def expect_shown(root: Locator, expected: list[int]) -> None:
    eventually(root.page, lambda: shown(root) == expected, 5, lambda: f"{shown(root)} {expected}")


def expect_said(root: Locator, images: int, of: int, *words: str) -> None:
    line = root.locator(".torchdial-chosen")
    expect(line).to_contain_text(f"{images} of {of} pictures")
    for word in words:
        expect(line).to_contain_text(word)


def opened(root: Locator, title: str) -> Locator:
    """Open a part below the pictures."""
    part = root.locator("details").filter(has_text=title)
    if part.get_attribute("open") is None:
        part.locator("summary").click()
    return part


@pytest.mark.parametrize("stop", [30, 45])
def test_numbers_of_pixels_lead_to_their_pictures(show: Show, stop: int) -> None:
    ours = classes(class_thresholds={"car": 0.25})
    ours.threshold = stop / 100
    dial = DialOnPage(show(ours))
    root = dial.root
    matrix = opened(root, "confusion matrix")
    for truth, predicted in (("sky", "road"), ("car", None), ("<b>tree</b>", "<b>tree</b>")):
        counted = ours.images_of(truth, predicted)
        name = f"target {truth}, predicted {predicted or 'none'}:"
        matrix.get_by_role("button", name=name).click()
        expect_shown(root, list(counted)[:16])
        total = f"{sum(counted.values()):,} pixels"
        expect_said(root, len(counted), 20, f"target {truth}", total, f"p > {stop / 100:.2f}")

    table = opened(root, "counts of each class")
    for name in ("car", "<b>tree</b>"):
        table.get_by_role("row", name=name).get_by_role("button").click()
        expect_shown(root, ours.worst(16, name))
    root.get_by_label("curve").select_option("recall")
    table.get_by_role("row", name="road").locator("td").nth(2).click()
    expect_shown(root, ours.worst(16, "road", metric="recall"))

    root.locator(".torchdial-legend").get_by_role("button", name="car").click()
    expect_shown(root, list(ours.images_of(predicted="car"))[:16])
    dial.button("Errors").click()
    wrong = Counter(dict(enumerate(ours.to_pandas()["fp"])))
    outlined = Counter[int]()  # of all classes but the background
    for name in NAMES[1:]:
        outlined.update(ours.images_of(name, name))
    for entry, counts in (("found", outlined), ("wrong class", wrong)):
        root.locator(".torchdial-legend").get_by_role("button", name=entry).click()
        ranked = sorted(+counts, key=lambda image: (-counts[image], image))
        expect_shown(root, ranked[:16])
    root.locator(".torchdial-legend").get_by_role("button", name="missed").click()
    expect_shown(root, list(ours.images_of(predicted=None))[:16])

    expect(dial.button("as given")).to_have_attribute("aria-pressed", "false")
    dial.button("as given").click()
    expect_shown(root, sorted(ours.images_of(predicted=None))[:16])
    dial.button("worst first").click()
    expect(root.locator(".torchdial-chosen")).to_be_visible()

    bars = opened(root, "histogram of p")
    for low, high in ((0.25, 0.3), (0.65, 0.7)):
        bars.get_by_role("button", name=f"p in ({low:.2f}, {high:.2f}]").click()
        expect_shown(root, list(ours.images_between(low, high))[:16])
    dial.button("all").click()
    expect_shown(root, list(range(16)))
    expect(root.locator(".torchdial-chosen")).to_be_hidden()


def test_one_class_and_a_binary_task_are_counted_against_the_rest(show: Show) -> None:
    ours = classes()
    dial = DialOnPage(show(ours))
    dial.root.get_by_label("class", exact=True).select_option("1")
    ours.label = 1
    matrix = opened(dial.root, "confusion matrix")
    matrix.get_by_role("button", name="target background, predicted road:").click()
    expect_shown(dial.root, list(ours.images_of(None, "road"))[:16])

    pair = binary()
    root = DialOnPage(show(pair)).root
    cells = opened(root, "confusion matrix")
    cells.get_by_role("button", name="target on, predicted background:").click()
    expect_shown(root, list(pair.images_of("on", None)))
    bars = opened(root, "histogram of p")
    bars.get_by_role("button", name=re.compile("^p ≤ 0.00")).click()
    expect_shown(root, list(pair.images_between(-1, 0)))


def test_without_targets_the_legend_and_the_histogram_lead_to_pictures(show: Show) -> None:
    bare = td.SegmentationPreview(
        maps.images, PROBS, task="multiclass", class_names=NAMES, threshold=0.5
    )
    root = DialOnPage(show(bare)).root
    root.locator(".torchdial-legend").get_by_role("button", name="road").click()
    expect_shown(root, list(bare.images_of(predicted="road")))
    expect(root.locator("summary:visible")).to_have_count(1)


def test_numbers_of_boxes_lead_to_their_pictures_and_boxes(show: Show) -> None:
    ours = detections.make(score_threshold=0.1, nms_iou=0.6)
    dials = BoxesOnPage(show(ours))
    root = dials.root
    matrix = opened(root, "confusion matrix")
    table = ours.curves.confusion(0.1, 0.6)
    clicked = 0
    for truth, predicted in table.nonzero().tolist()[::3]:
        sides = [None if side == 10 else side for side in (truth, predicted)]
        names = [
            "no target" if truth == 10 else truth,
            "missed" if predicted == 10 else predicted,
        ]
        name = f"target {names[0]}, predicted {names[1]}:"
        matrix.get_by_role("button", name=name).click()
        counted = ours.images_of(*sides)
        expect_shown(root, list(counted))
        expect_said(root, len(counted), 3, f"{sum(counted.values())} boxes")
        check_boxes(dials, ours, list(counted), sides)
        clicked += 1
    assert clicked > 5

    rows = opened(root, "counts of each class")
    label = str(int(detections.truth[0]["labels"][0]))
    rows.get_by_role("button", name=label, exact=True).click()
    expect_shown(root, ours.worst(label=label))
    root.locator(".torchdial-legend").get_by_role("button", name=label, exact=True).click()
    expect_shown(root, list(ours.images_of(predicted=label)))
    check_boxes(dials, ours, list(ours.images_of(predicted=label)), ["any", label])

    dials.button("Errors").click()
    images = ours.to_pandas()
    for entry, column in (("found", "tp"), ("false alarm", "fp"), ("missed target", "fn")):
        root.locator(".torchdial-legend").get_by_role("button", name=entry).click()
        counted = images[column].sort_values(ascending=False, kind="stable")
        expect_shown(root, counted.index[counted > 0].tolist())

    bars = opened(root, "histogram of scores")
    bars.get_by_role("button", name="score in (0.05, 0.10]").click()
    expect_shown(root, list(ours.images_between(0.05, 0.1)))
    scores = [found["scores"] for found in detections.found]
    for cell, image in enumerate(ours.images_between(0.05, 0.1)):
        inside = (scores[image] > 0.05) & (scores[image] <= 0.1)
        assert dials.drawn(cell)[0] == set(inside.nonzero().flatten().tolist())
    dials.button("all").click()
    expect_shown(root, [0, 1, 2])
    assert dials.drawn(0, faded=True) == (set(), set())


def check_boxes(
    dials: BoxesOnPage, ours: td.DetectionPreview, images: list[int], sides: list[Any]
) -> None:
    """Check that the counted boxes are drawn, and all others faded."""
    for cell, image in enumerate(images):
        counted = ours.boxes_of(image, *sides)
        indices = set(counted["indices"].tolist())
        assert dials.drawn(cell) == (indices, set(counted["targets"].tolist()))
        kept = set(ours.kept(image)["indices"].tolist())
        assert dials.drawn(cell, faded=True)[0] == kept - indices


def test_the_matrix_is_normalised_and_the_table_sorted(show: Show) -> None:
    ours = detections.make(score_threshold=0.1, nms_iou=0.6)
    root = BoxesOnPage(show(ours)).root
    matrix = opened(root, "confusion matrix")
    table = ours.curves.confusion(0.1, 0.6)
    present = [c for c in range(11) if c == 10 or table[c].any() or table[:, c].any()]
    table = table[present][:, present].double()
    cells = matrix.locator("tbody td")
    for choice, whole in (("% of row", table.sum(1, keepdim=True)), ("% of column", table.sum(0))):
        matrix.get_by_label("cells").select_option(choice)
        expected = (100 * table / whole).nan_to_num().flatten().tolist()
        expect(cells).to_have_text([f"{share:.1f} %" for share in expected])
    absent = 11 - len(present)
    matrix.get_by_role("button", name="hide empty classes").click()
    expect(matrix.locator("tbody tr")).to_have_count(len(present) + absent)

    rows = opened(root, "counts of each class")
    for _ in range(2):
        rows.get_by_role("button", name="F1", exact=True).click()
        values = [float(v) for v in rows.locator("tbody td:nth-child(8)").all_inner_texts()]
        how = rows.locator("th[aria-sort]:not([aria-sort=none])").get_attribute("aria-sort")
        assert values == sorted(values, reverse=how == "descending")
        name = rows.locator("tbody tr").nth(1).locator("th").inner_text()
        rows.locator("tbody tr").nth(1).locator("td").first.click()
        expect_shown(root, ours.worst(label=name))


def type_in(root: Locator, text: str) -> None:
    field = root.get_by_label("go to")
    field.fill(text)
    field.press("Enter")
    root.page.wait_for_timeout(REST_MS)


REST_MS = 400  # after it a change is one of its own, for undo


# A drag without a rest, however busy the machine is.
MOVES = """dial => {
  for (let stop = 31; stop <= 60; stop++) {
    dial.value = stop;
    dial.dispatchEvent(new Event('input', { bubbles: true }));
  }
}"""


def test_a_threshold_or_a_demand_is_typed_and_undone(show: Show) -> None:
    ours = classes()
    dial = DialOnPage(show(ours))
    root = dial.root
    expect(dial.button("undo")).to_be_disabled()
    type_in(root, "0.437")
    dial.expect_stop(44)
    type_in(root, "recall ≥ 0.2, precision >= 0.25")
    best, _ = ours.best("dice", {"recall": 0.2, "precision": 0.25})
    dial.expect_stop(round(100 * best))
    assert round(100 * best) not in (30, 44)
    type_in(root, "recall ≥ 0.999")
    expect(root.get_by_role("alert").filter(has_text="Ask for less")).to_be_visible()
    expect(root.get_by_label("go to")).to_have_attribute("aria-invalid", "true")
    dial.expect_stop(round(100 * best))
    type_in(root, "")
    dial.page.wait_for_timeout(REST_MS)
    dial.button("undo").click()
    dial.expect_stop(44)
    dial.page.wait_for_timeout(REST_MS)
    root.locator(".torchdial-grid").press("u")
    dial.expect_stop(30)
    expect(dial.button("undo")).to_be_disabled()
    dial.input.evaluate(MOVES)
    dial.expect_stop(60)
    dial.page.wait_for_timeout(REST_MS)
    dial.button("undo").click()
    dial.expect_stop(30)


def test_a_demand_on_boxes_moves_both_dials(show: Show) -> None:
    ours = detections.make()
    dials = BoxesOnPage(show(ours))
    expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)
    score, nms, _ = ours.best("f1", {"precision": 0.9})
    type_in(dials.root, "precision ≥ 0.9")
    dials.expect_at(score, round(100 * nms))
    type_in(dials.root, "0.123")
    dials.expect_at(0.123, round(100 * nms))


def test_reset_of_one_class_leaves_the_others(show: Show) -> None:
    dial = DialOnPage(show(classes(class_thresholds={"sky": 0.2, "car": 0.6})))
    choice = dial.root.get_by_label("class", exact=True)
    for label in ("0", "3"):
        choice.select_option(label)
        dial.set_stop(50)
    dial.button("reset").click()
    dial.expect_stop(60)
    choice.select_option("0")
    dial.expect_stop(50)


def test_a_copied_setting_is_pasted_into_another_preview_and_into_python(show: Show) -> None:
    first = DialOnPage(show(classes(class_thresholds={"sky": 0.2})))
    first.root.get_by_label("class", exact=True).select_option("3")
    first.drag_to(55)
    text = copied_by(first.button("copy"))
    ours = classes()
    ours.apply(text)
    assert ours.label == 3
    assert ours.class_thresholds == [0.2, 0.3, 0.3, 0.55]
    second = DialOnPage(show(classes()))
    type_in(second.root, text)
    second.expect_stop(55)
    assert json.loads(copied_by(second.button("copy"))) == ours.export()
    type_in(second.root, '{"score_threshold": 0.5}')
    expect(second.root.get_by_role("alert").filter(has_text="does not fit")).to_be_visible()

    boxes = detections.make(score_threshold=0.4, nms_iou=0.3, max_det=5)
    boxes.class_thresholds = [0.1 if c == 3 else None for c in range(10)]
    dials = BoxesOnPage(show(detections.make()))
    type_in(dials.root, str(boxes.export()))
    dials.expect_at(0.4, 30)
    assert dials.boxes() == detections.kept(boxes)
    again = detections.make()
    again.apply(copied_by(dials.button("copy")))
    assert again.export() == boxes.export()


@pytest.mark.parametrize("kind", ["pixels", "boxes"])
def test_the_copied_csv_is_the_table_of_python(show: Show, kind: str) -> None:
    ours: Any = classes(include_background=False) if kind == "pixels" else detections.make()
    page = show(ours)
    root = page.locator(".torchdial").first
    columns, *rows = csv.reader(
        io.StringIO(copied_by(root.get_by_role("button", name="CSV", exact=True)))
    )
    expected = ours.to_pandas().reset_index()
    assert columns == expected.columns.tolist()
    found = np.array([[float(v or "nan") for v in row] for row in rows])
    np.testing.assert_allclose(found, expected.to_numpy(float), rtol=1e-14)
