"""The dial of minimum sizes in JupyterLab, beside a busy kernel."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.lab import WAIT, Lab, expect_in_kernel, expect_output, in_kernel, opened
from tests.e2e.min_size_dial import SIZES, drag_size, slider, without_parts, words

pytestmark = pytest.mark.browser

MAPS = inspect.getsource(maps)
MAKE = f"""
import torchdial as td
w = td.SegmentationPreview(images, probs, targets, min_sizes={SIZES})
w.view = 'mask'
w
"""


def mask(probs: np.ndarray, stop: int, size: int) -> np.ndarray:
    return without_parts(probs > np.float32(stop / 100), size)


def test_sizes_are_shown_while_a_cell_blocks_the_kernel(lab: Lab, page: Page) -> None:
    blocking = "w.refresh(newer)\nwait_for('drag')\nprint('over', w.min_size)"
    with opened(lab, page, "sizes", [WAIT, MAPS, MAKE, blocking]):
        dial = DialOnPage(page)
        expect(dial.root).to_have_attribute("data-version", "1")
        for position in (2, 1, 3):
            drag_size(dial, position)
            for stop in (45, 60):
                dial.drag_to(stop)
                for cell in range(3):
                    expected = mask(maps.newer[cell], stop, SIZES[position])
                    dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
        lab.signal("drag")
        expect_output(page, "over")
        expect_in_kernel(page, "w.min_size", 20)
        expect_in_kernel(page, "w.export()", {"threshold": 0.6, "task": "binary", "min_size": 20})
        expect_in_kernel(
            page, "bool((w.mask(1) == 0).all())", not mask(maps.newer[1], 60, 20).any()
        )
        in_kernel(page, "w.min_size = 5")
        expect(slider(dial)).to_have_value("2")
        expect(words(dial)).to_contain_text("minimum size  6 pixels: Dice")
        expected = mask(maps.newer[0], 60, 6)
        dial.eventually(lambda: dial.shows(0, expected))
