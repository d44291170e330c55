"""The step dial in a file, without a kernel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

import torchdial as td
from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.maps import mask_at
from tests.e2e.page import Show
from tests.e2e.step_maps import KEEP, STEPS, probs_at

pytestmark = pytest.mark.browser


def trained(**options: object) -> td.SegmentationPreview:
    """Return a preview that was refreshed at each step, shown as masks."""
    preview = td.SegmentationPreview(maps.images, probs_at(0), maps.targets, keep=KEEP, **options)
    for step in STEPS[1:]:
        assert preview.refresh(probs_at(step), step=step), preview.notice
    preview.view = "mask"
    return preview


def drag_step(dial: DialOnPage, step: int) -> None:
    """Press on the step dial where it stands and move the mouse to a step."""
    slider = dial.root.get_by_label("step", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    at = lambda s: box["x"] + 8 + (box["width"] - 16) * s / STEPS[-1]  # noqa: E731
    y = box["y"] + box["height"] / 2
    dial.page.mouse.move(at(float(slider.input_value())), y)
    dial.page.mouse.down()
    dial.page.mouse.move(at(step), y, steps=6)
    dial.page.mouse.up()


def step_text(dial: DialOnPage) -> Locator:
    return dial.root.locator(".torchdial-step-dial .torchdial-dial-name")


def test_dragging_shows_the_masks_and_numbers_of_each_step(show: Show) -> None:
    preview = trained()
    kept = {record.step for record in preview._records.kept}
    assert kept == {0, 50, 90, 150, 160} or len(kept) == KEEP
    dial = DialOnPage(show(preview))
    for step in (50, 0, 20, 90, 160, 100):
        drag_step(dial, step)
        preview.step = step
        value = preview.shown_step
        for stop in (37, 62):
            dial.set_stop(stop)
            preview.threshold = stop / 100
            for cell in range(3):
                expected = mask_at(probs_at(value)[cell], stop)
                assert (preview.mask(cell) == expected).all()
                dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
            alone = td.SegmentationPreview(maps.images, probs_at(step), maps.targets)
            alone.threshold = stop / 100
            expect(step_text(dial)).to_contain_text(f"Dice {alone.metrics['dice']:.3f}")
            best = alone.best("dice")
            text = f"at its best (threshold {best[0]:.2f}) {best[1]:.3f}"
            expect(step_text(dial)).to_contain_text(text)
            assert f"Dice {preview.metrics['dice']:.3f}" in dial.readout()
        other = f"shown by the picture of {value}"
        assert (other in step_text(dial).inner_text()) == (value != step)
        captions = dial.root.locator(".torchdial-caption").all_inner_texts()
        assert all(f"step {value}" in caption for caption in captions)
