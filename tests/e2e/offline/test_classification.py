"""The classification preview in a bare page, without a kernel: its numbers are Python's."""

from __future__ import annotations

import functools
import io
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from playwright.sync_api import expect
from torch import nn

import torchdial as td
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import copied_by
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.planted=1'><b>c</b>"
COUNT = 200


def data(task: str) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    logits = torch.randn(COUNT, 3, generator=random)
    noisy = logits + torch.randn(COUNT, 3, generator=random)
    scores = (2 * logits).softmax(1) if task == "multiclass" else logits.sigmoid()
    scores[::2] = (scores[::2] * 50).round() / 50  # on stops
    if task == "multiclass":
        return scores, noisy.argmax(1)
    targets = (noisy > 0.3).long()
    return (scores, targets) if task == "multilabel" else (scores[:, 0], targets[:, 0])


def make(task: Any, samples: Any = None, **options: Any) -> td.ClassificationPreview:
    names = None if task == "binary" else ["cat", "dog", HOSTILE]
    texts = [f"text {i} {HOSTILE}" for i in range(COUNT)] if samples is None else samples
    options = {"class_names": names, "threshold": 0.5} | options
    return td.ClassificationPreview(*data(task), texts, task=task, **options)


COSTS = {
    "binary": {"fp": 1, "fn": 20},
    "multilabel": None,
    "multiclass": {"error": 1, "abstain": 0.2},
}


def expect_numbers(shown: DialOnPage, preview: td.ClassificationPreview) -> None:
    """Check readout, confusion matrix and list of a page against Python's, at one setting."""
    readout = shown.readout()
    known = preview._curves_of(preview._frame_now).metrics(preview.label)
    for name in known:
        value = preview.metrics[name]
        words = "F1" if name == "f1" else name.replace("_", " ")
        text = "–" if np.isnan(value) else f"{value:.3f}"
        assert f"{words} {text}" in readout, (name, readout)
    cells = shown.root.locator(".torchdial-score-matrix .torchdial-number-cell")
    matrix = preview.confusion()
    matrix = matrix.sum(0) if matrix.ndim == 3 else matrix
    assert [
        int(text.replace(",", "")) for text in cells.all_inner_texts()
    ] == matrix.ravel().tolist()
    expected = preview.samples_of(preview.view, 16)  # they follow a frame later
    shown.eventually(lambda: listed(shown) == expected)


def listed(shown: DialOnPage) -> list[int]:
    captions = shown.root.locator(".torchdial-sample small").all_inner_texts()
    return [int(caption.split(" ")[0].replace(",", "")) - 1 for caption in captions]


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_dragging_shows_the_numbers_of_every_stop(show: Show, task: str) -> None:
    preview = make(task, costs=COSTS[task])
    shown = DialOnPage(show(preview))
    for view in preview._views:
        preview.view = view
        shown.button(view[0].upper() + view[1:]).click()
        for stop in (41, 73, 100, 0, 60):
            shown.drag_to(stop)
            preview.threshold = stop / 100
            expect_numbers(shown, preview)


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_a_label_has_a_threshold_of_its_own(show: Show, task: str) -> None:
    preview = make(task)
    shown = DialOnPage(show(preview))
    shown.root.get_by_label("class", exact=True).select_option("1")
    shown.drag_to(70)
    preview.label = "dog"
    preview.class_thresholds = [None, 0.7, None]
    expect_numbers(shown, preview)
    shown.root.get_by_label("class", exact=True).select_option("")
    preview.label = None
    expect(shown.root.locator(".torchdial-readout")).to_contain_text("own thresholds: 1")
    expect_numbers(shown, preview)
    copied = copied_by(shown.button("copy"))
    assert json.loads(copied) == preview.export()


def test_each_label_goes_to_its_best(show: Show) -> None:
    preview = make("multilabel")
    shown = DialOnPage(show(preview))
    shown.button("best for each").click()
    best: list[float | None] = []
    for label in range(3):
        preview.label = label
        best.append(preview.best("f1").threshold)
    preview.label, preview.class_thresholds = None, best
    expect(shown.root.locator(".torchdial-readout")).to_contain_text("own thresholds: 3")
    expect_numbers(shown, preview)


@pytest.mark.parametrize(("chart", "over"), [("ROC", "fpr"), ("precision–recall", "recall")])
def test_a_point_is_dragged_along_a_curve(show: Show, chart: str, over: str) -> None:
    preview = make("binary")
    shown = DialOnPage(show(preview))
    area = shown.root.get_by_role("img", name=re.compile(f"^{chart}"))
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box

    def place(stop: int) -> tuple[float, float]:
        preview.threshold = stop / 100
        found = preview.metrics
        roc = (1 - found["specificity"], found["recall"])
        x, y = roc if over == "fpr" else (found["recall"], found["precision"])
        return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

    shown.page.mouse.move(*place(50))
    shown.page.mouse.down()
    for stop in (30, 64, 81):
        x, y = place(stop)
        shown.page.mouse.move(x, y, steps=3)
        shown.eventually(functools.partial(near, shown, place, stop))
    shown.page.mouse.up()
    preview.threshold = int(shown.root.get_attribute("data-stop") or 0) / 100
    expect_numbers(shown, preview)


def near(shown: DialOnPage, place: Any, stop: int) -> bool:
    """Return whether the dial is where a point lies within a pixel of a stop's."""
    now = int(shown.root.get_attribute("data-stop") or 0)
    return bool(np.hypot(*np.subtract(place(now), place(stop))) <= 1)


def test_a_cell_of_the_matrix_lists_its_samples(show: Show) -> None:
    preview = make("multiclass")
    shown = DialOnPage(show(preview))
    cell = shown.root.get_by_role("button", name=re.compile("^target cat, predicted dog"))
    cell.click()
    line = shown.root.locator(".torchdial-chosen")
    expect(line).to_contain_text("target cat, predicted dog")
    shown.eventually(lambda: {*listed(shown)} == {*preview.images_of("cat", "dog")})
    shown.drag_to(80)
    preview.threshold = 0.8
    expect(line).to_contain_text(f"{len(preview.images_of('cat', 'dog'))} of 200")
    shown.button("Abstained").click()
    preview.view = "abstained"
    expect_numbers(shown, preview)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_no_count_of_the_matrix_is_cut(show: Show, task: str) -> None:
    names = {"binary": ["malignant"], "multilabel": ["cat", "dog", HOSTILE]}
    preview = make(task, class_names=names[task])
    page = show(preview)
    matrix = DialOnPage(page).root.locator(".torchdial-score-matrix")
    for width in (1200, 900, 480, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert matrix.evaluate("m => m.scrollWidth <= m.clientWidth"), width


def test_of_too_many_classes_there_is_a_word_in_place_of_the_matrix(show: Show) -> None:
    scores = torch.rand(COUNT, 33).softmax(1)
    shown = DialOnPage(show(td.ClassificationPreview(scores, scores.argmax(1), task="multiclass")))
    matrix = shown.root.locator(".torchdial-score-matrix")
    expect(matrix.get_by_text("too many classes to show, choose one of them")).to_be_visible()
    expect(matrix.locator("table")).to_be_hidden()
    shown.root.get_by_label("class", exact=True).select_option(index=3)
    expect(matrix.get_by_text("too many classes")).to_be_hidden()
    expect(matrix.locator(".torchdial-number-cell")).to_have_count(4)


def test_of_one_class_the_curves_have_no_undefined_points(show: Show) -> None:
    preview = td.ClassificationPreview(torch.rand(COUNT), torch.ones(COUNT).long())
    paths = DialOnPage(show(preview)).root.locator(".torchdial-score path")
    assert not any("NaN" in (path.get_attribute("d") or "") for path in paths.all())


def test_a_picture_that_is_alone_stays_while_the_dial_moves(show: Show) -> None:
    shown = DialOnPage(show(make("binary", torch.rand(COUNT, 1, 8, 8))))
    captions = shown.root.locator(".torchdial-caption")
    first = captions.first.inner_text().split(" ")[0]
    captions.first.click()
    for stop in (51, 99, 2):
        shown.drag_to(stop)
        expect(captions).to_have_count(1)
        expect(captions).to_contain_text(f"{first} ·")
    shown.button("False negatives").click()
    expect(captions).not_to_have_count(1)


def test_keys_typed_settings_and_undo(show: Show) -> None:
    preview = make("binary", costs=COSTS["binary"])
    shown = DialOnPage(show(preview))
    shown.root.get_by_label("curve", exact=True).select_option("cost")
    shown.input.focus()
    shown.page.keyboard.press("b")
    shown.expect_stop(round(preview.best("cost").threshold * 100))
    shown.page.wait_for_timeout(500)  # changes without a rest between are taken back together
    field = shown.root.get_by_label("go to")
    field.fill("precision >= 0.7, recall >= 0.1")
    field.press("Enter")
    demanded = preview.best("cost", at_least={"precision": 0.7, "recall": 0.1})
    assert demanded.threshold > preview.best("cost").threshold
    shown.expect_stop(round(demanded.threshold * 100))
    shown.button("undo").click()
    shown.expect_stop(round(preview.best("cost").threshold * 100))


def test_demands_are_of_the_metrics_that_are_shown(show: Show) -> None:
    preview = make("multiclass")
    shown = DialOnPage(show(preview))
    field = shown.root.get_by_label("go to")
    field.fill("recall >= 0.6")
    field.press("Enter")
    expect(shown.root.get_by_role("alert")).to_contain_text("Ask for one of accuracy, selective")
    field.fill("selective accuracy >= 0.7")
    field.press("Enter")
    best = preview.best("accuracy", at_least={"selective_accuracy": 0.7})
    shown.expect_stop(round(best.threshold * 100))
    shown.root.get_by_label("class", exact=True).select_option("1")
    shown.root.get_by_label("curve", exact=True).select_option("precision")
    field.fill("recall >= 0.6")
    field.press("Enter")
    preview.label = "dog"
    best = preview.best("precision", at_least={"recall": 0.6})
    shown.expect_stop(round(best.threshold * 100))


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_csv_is_pythons_table(show: Show, task: str) -> None:
    preview = make(task)
    shown = DialOnPage(show(preview))
    shown.drag_to(62)
    preview.threshold = 0.62
    copied = pd.read_csv(io.StringIO(copied_by(shown.button("CSV")))).set_index("sample")
    expected = preview.to_pandas()
    for name in ("tp", "fp", "fn"):
        assert copied[name].sort_index().tolist() == expected[name].tolist(), name
    scores = preview._frame_now.scores.double().numpy()
    np.testing.assert_array_equal(copied.sort_index().to_numpy()[:, : len(scores)], scores.T)


def test_nothing_is_drawn_while_nothing_changes(show: Show) -> None:
    shown = DialOnPage(show(make("binary")))
    for view in ("All", "Nearest"):
        shown.button(view).click()
        shown.page.wait_for_timeout(300)
        changes = shown.root.evaluate("""root => new Promise(done => {
          let count = 0;
          const watching = new MutationObserver(found => { count += found.length; });
          watching.observe(root, { subtree: true, childList: true, characterData: true });
          setTimeout(() => { watching.disconnect(); done(count); }, 300);
        })""")
        assert changes == 0, view


def test_errors_have_a_border_and_pictures_are_the_right_ones(show: Show) -> None:
    pictures = (torch.arange(COUNT) % 256).to(torch.uint8)[:, None, None, None].repeat(1, 1, 8, 8)
    preview = make("binary", pictures)
    page = show(preview)
    shown = DialOnPage(page)
    shown.button("False negatives").click()
    expected = preview.samples_of("false negatives", 16)
    canvases = shown.root.locator("canvas.torchdial-picture")
    expect(canvases).to_have_count(len(expected))
    middle = "c => c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]"
    shown.eventually(
        lambda: [c.evaluate(middle) for c in canvases.all()] == [i % 256 for i in expected]
    )
    corner = "c => [...c.getContext('2d').getImageData(1, 1, 1, 1).data]"
    overlays = shown.root.locator("canvas.torchdial-overlay")
    assert [c.evaluate(corner) for c in overlays.all()] == [[0, 114, 178, 255]] * len(expected)


def test_borders_follow_the_dial_and_the_page_stays(show: Show) -> None:
    preview = make("binary", torch.zeros(COUNT, 1, 8, 8))
    preview.view = "all"
    shown = DialOnPage(show(preview))
    shown.button("›").click()
    corner = "c => [...c.getContext('2d').getImageData(1, 1, 1, 1).data]"
    colors = {"TP": [0] * 4, "TN": [0] * 4, "FP": [213, 94, 0, 255], "FN": [0, 114, 178, 255]}
    overlays = shown.root.locator("canvas.torchdial-overlay")
    captions = shown.root.locator(".torchdial-caption")
    for stop in (0, 100, 50):
        shown.set_stop(stop)
        texts = captions.all_inner_texts()
        assert [int(text.split(" ")[0]) for text in texts] == list(range(17, 33))
        expected = [colors[text.split(" ")[-1]] for text in texts]
        assert [c.evaluate(corner) for c in overlays.all()] == expected
    captions.nth(2).click()
    shown.set_stop(60)
    expect(captions).to_have_count(1)


def test_a_small_file_keeps_the_pictures_nearest_the_threshold(show: Show) -> None:
    preview = make("binary", torch.rand(COUNT, 3, 40, 40))
    with pytest.warns(UserWarning, match="are in this file"):
        shown = DialOnPage(show(preview, max_bytes=900_000))
    captions = shown.root.locator(".torchdial-caption")
    nearest = preview.samples_of("nearest", 5)
    numbers = [caption.split(" ")[0] for caption in captions.all_inner_texts()[:5]]
    assert numbers == [str(i + 1) for i in nearest]
    expect(shown.root.locator(".torchdial-waiting:visible")).to_have_count(0)


def test_a_refresh_keeps_the_setting(show: Show) -> None:
    torch.manual_seed(1)
    model = nn.Linear(3, 1)
    inputs, targets = torch.randn(50, 3), torch.randint(0, 2, (50,))
    preview = td.ClassificationPreview.from_model(
        model, inputs, targets, [f"text {i}" for i in range(50)], from_logits=True
    )
    preview.threshold = 0.6
    with torch.no_grad():
        model.weight.mul_(-1)
    assert preview.refresh()
    expect_numbers(DialOnPage(show(preview)), preview)
