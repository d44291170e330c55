"""Scores of any range on a page, without a kernel, against comparing each score in float32."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import torchdial as td
from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import copied_by
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

rng = np.random.default_rng(11)
SCORES = (maps.targets * 6 + rng.normal(size=maps.targets.shape) * 3 - 2).astype(np.float32)
STOPS = td.quantile_stops(SCORES)
LAST = len(STOPS) - 1


def make() -> td.SegmentationPreview:
    preview = td.SegmentationPreview(maps.images, SCORES, maps.targets, thresholds=STOPS)
    preview.view = "mask"
    return preview


def masks_at(stop: int) -> np.ndarray:
    return np.where(np.float32(STOPS.values[stop]) < SCORES, 255, 0)


def test_dragging_shows_the_mask_of_every_score(show: Show) -> None:
    preview = make()
    dial = DialOnPage(show(preview))
    dial.expect_stop(50)  # the middle one
    for stop in (0, 37, 50, 96, LAST):
        dial.drag_to(stop)
        preview.threshold = STOPS.values[stop]
        masks = masks_at(stop)
        for cell in range(maps.N):
            expected = masks[cell]
            assert np.array_equal(preview.mask(cell), expected)
            dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
            copied = json.loads(copied_by(dial.button("copy")))
            assert copied == preview.export()
            assert np.array_equal(td.segment(SCORES[cell], **copied).numpy(), expected)
        assert f"Dice {preview.metrics['dice']:.3f}" in dial.readout()
    assert (masks_at(0) == 255).all()
    assert (masks_at(LAST) == 0).all()


def test_words_say_scores_in_the_units_of_the_data(show: Show) -> None:
    preview = make()
    dial = DialOnPage(show(preview))
    dial.set_stop(37)
    assert float(dial.readout().split("score > ")[1].split()[0]) == pytest.approx(
        STOPS.values[37], rel=5e-3, abs=5e-3
    )
    ticks = [
        float(text)
        for text in dial.root.locator(".torchdial-dial-ticks").first.inner_text().split()
    ]
    assert ticks == pytest.approx([STOPS.values[k] for k in (0, 25, 50, 75, 100)], rel=5e-3)
    dial.root.locator(".torchdial-frame").first.hover()
    expect(dial.root.locator(".torchdial-hovered")).to_contain_text("score in (")
    dial.button("Heat").click()
    expect(dial.root.locator(".torchdial-legend")).to_contain_text("score")
    summary = dial.root.locator("summary", has_text="histogram of score")
    summary.click()
    first = dial.root.locator(".torchdial-bin").first
    expect(first).to_have_attribute("title", re.compile(r"^score in \(-\d.*\]: [\d,]+ pixels$"))
    text = dial.root.inner_text()
    assert "p >" not in text
    assert "p in" not in text


def test_typed_scores_go_to_the_nearest_stop(show: Show) -> None:
    dial = DialOnPage(show(make()))
    field = dial.root.get_by_label("go to")
    for typed in (-1.5, 3.2):
        field.fill(str(typed))
        field.press("Enter")
        dial.expect_stop(int(np.abs(np.array(STOPS.values) - typed).argmin()))
    for beyond in ("1e6", "-50"):
        field.fill(beyond)
        field.press("Enter")
        expect(
            dial.root.get_by_role("alert").filter(has_text="Type a number from -")
        ).to_be_visible()
    setting = {"threshold": STOPS.values[20], "task": "binary", "of_scores": True}
    field.fill(json.dumps(setting))
    field.press("Enter")
    dial.expect_stop(20)
    field.fill('{"threshold": 0.5, "of_scores": false}')
    field.press("Enter")
    expect(dial.root.get_by_role("alert").filter(has_text="does not fit")).to_be_visible()
    dial.expect_stop(20)
