"""The dial of minimum sizes in a file, without a kernel."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

import torchdial as td
from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import copied_by
from tests.e2e.min_size_dial import SIZES, drag_size, slider, without_parts, words
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

PROBS = (maps.probs + np.roll(maps.probs, 1, axis=2) + np.roll(maps.probs, 1, axis=1)) / 3
CLASSES = maps.softmax(maps.logits + np.roll(maps.logits, 1, axis=3) + 0.5 * maps.logits[::-1])


def test_dragging_shows_the_masks_and_numbers_of_each_size(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, PROBS, maps.targets, min_sizes=SIZES)
    preview.view = "mask"
    dial = DialOnPage(show(preview))
    for position in (1, 3, 0, 2):
        drag_size(dial, position)
        size = preview.min_size = SIZES[position]
        for stop in (41, 60):
            dial.set_stop(stop)
            preview.threshold = stop / 100
            for cell in range(3):
                expected = without_parts(PROBS[cell] > np.float32(stop / 100), size)
                assert (preview.mask(cell) == expected).all()
                dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
            best = preview.best("dice")
            expect(words(dial)).to_have_text(
                f"minimum size  {size} pixels: Dice {preview.metrics['dice']:.3f}, "
                f"at its best (p > {best.threshold:.2f}) {best.value:.3f}"
            )
            assert f"Dice {preview.metrics['dice']:.3f}" in dial.readout()
            captions = dial.root.locator(".torchdial-caption").all_inner_texts()
            for caption, value in zip(captions, preview.to_pandas()["dice"], strict=True):
                assert f"Dice {value:.3f}" in caption
            assert (f"parts of at least {size} pixels" in dial.readout()) == (size > 0)
            assert json.loads(copied_by(dial.button("copy"))) == preview.export()


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_several_classes(show: Show, task: Any) -> None:
    labels = maps.labels if task == "multiclass" else np.eye(4)[maps.labels].transpose(0, 3, 1, 2)
    preview = td.SegmentationPreview(
        maps.images, CLASSES, labels, task=task, threshold=0.3, min_sizes=SIZES
    )
    preview.view, preview.min_size = "mask", 6
    dial = DialOnPage(show(preview))
    argmax = CLASSES.argmax(1)
    for shown in (None, 2):
        dial.root.get_by_label("class").select_option("" if shown is None else str(shown))
        preview.label = shown
        for position in (0, 3, 2):
            drag_size(dial, position)
            size = preview.min_size = SIZES[position]
            for cell in range(3):
                on = CLASSES[cell] > np.float32(0.3)
                if task == "multiclass" and shown is None:
                    on &= argmax[cell] == np.arange(4)[:, None, None]
                each = [without_parts(one, size) for one in on]
                expected = np.max(each, axis=0) if shown is None else each[shown]
                assert (preview.mask(cell) == expected).all()
                dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
            expect(words(dial)).to_contain_text(f"Dice {preview.metrics['dice']:.3f}")


def test_the_numbers_below_are_of_the_size(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, PROBS, maps.targets, min_sizes=SIZES)
    dial = DialOnPage(show(preview))
    dial.root.get_by_text("confusion matrix").click()
    for position in (2, 3):
        drag_size(dial, position)
        preview.min_size = SIZES[position]
        for cell, name in (("background", "fn"), ("on", "tp")):
            count = preview.metrics[name]
            label = f"target on, predicted {cell}: {count:,}"
            expect(dial.root.get_by_role("button", name=label)).to_be_visible()


def test_it_is_undone_reset_and_moved_by_keys(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, PROBS, min_sizes=SIZES, threshold=0.45)
    preview.view, preview.min_size = "mask", 2
    dial = DialOnPage(show(preview))
    slider(dial).focus()
    for key, position in (("ArrowRight", 2), ("End", 3), ("Home", 0), ("ArrowUp", 1)):
        dial.page.keyboard.press(key)
        expect(slider(dial)).to_have_value(str(position))
        on = sum(without_parts(p > np.float32(0.45), SIZES[position]).sum() for p in PROBS) / 255
        share = on / PROBS.size
        expect(words(dial)).to_contain_text(f"{SIZES[position]} pixels: share on {share:.3f}")
        dial.page.wait_for_timeout(400)
    dial.page.keyboard.press("u")
    expect(slider(dial)).to_have_value("0")
    drag_size(dial, 3)
    dial.page.keyboard.press("r")
    expect(slider(dial)).to_have_value("0")
    dial.eventually(lambda: dial.shows(0, without_parts(PROBS[0] > np.float32(0.45), 0)))


def test_with_a_step_dial_it_opens_the_step_that_is_looked_at(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, PROBS, maps.targets, keep=4, min_sizes=SIZES)
    for step in range(1, 4):
        assert preview.refresh(np.roll(PROBS, step, axis=2), step=step)
    preview.view = "mask"
    dial = DialOnPage(show(preview))
    drag_size(dial, 2)
    for step in (0, 2, 3):
        dial.root.get_by_label("step", exact=True).fill(str(step))
        expected = without_parts(np.roll(PROBS, step, axis=2)[1] > np.float32(0.5), 6)
        dial.eventually(lambda e=expected: dial.shows(1, e))
        preview.step, preview.min_size = step, 6
        expect(words(dial)).to_contain_text(f"Dice {preview.metrics['dice']:.3f}")
    text = dial.root.locator(".torchdial-step-dial .torchdial-dial-name")
    expect(text).to_contain_text("Dice without minimum size")


def test_there_is_no_dial_without_sizes(show: Show) -> None:
    dial = DialOnPage(show(td.SegmentationPreview(maps.images, PROBS, maps.targets)))
    expect(slider(dial)).to_have_count(0)
