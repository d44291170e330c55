"""The step dial in JupyterLab: beside a busy kernel, after a reload, and linked."""

from __future__ import annotations

import inspect

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import maps, step_maps
from tests.e2e.dial import DialOnPage
from tests.e2e.lab import WAIT, Lab, expect_in_kernel, expect_output, opened
from tests.e2e.maps import mask_at
from tests.e2e.step_dial import drag_step, step_text
from tests.e2e.step_maps import STEPS, probs_at

pytestmark = pytest.mark.browser

SOURCE = inspect.getsource(step_maps).replace("from tests.e2e import maps", "")
MAPS = inspect.getsource(maps) + SOURCE.replace("maps.", "").replace(
    "from __future__ import annotations", ""
)
MAKE = """
import ipywidgets, torchdial as td
w = td.SegmentationPreview(images, probs_at(0), targets, keep=KEEP)
w.view = 'mask'
w
"""
TRAIN = "for step in STEPS[1:]: w.refresh(probs_at(step), step=step)\n"


def test_earlier_steps_are_shown_while_a_cell_blocks_the_kernel(lab: Lab, page: Page) -> None:
    cells = [WAIT, MAPS, MAKE, TRAIN + "wait_for('drag')\nprint('over')"]
    with opened(lab, page, "steps", cells):
        dial = DialOnPage(page)
        expect(step_text(dial)).to_contain_text(f"step  {STEPS[-1]}:")
        for step in (90, 0, 150):
            drag_step(dial, step)
            dial.drag_to(62)
            dial.eventually(lambda s=step: dial.shows(1, mask_at(probs_at(s)[1], 62)))
            dial.drag_to(37)
            assert dial.shows(2, mask_at(probs_at(step)[2], 37))
        lab.signal("drag")
        expect_output(page, "over")
        expect_in_kernel(page, "w.step", 150)
        expect_in_kernel(page, "w.shown_step", 150)
        expect_in_kernel(page, "w.threshold", 0.37)


def test_after_a_reload_frames_come_on_request(lab: Lab, page: Page) -> None:
    with opened(lab, page, "steps_reload", [MAPS, MAKE, TRAIN + "w.step = 0"]):
        dial = DialOnPage(page)
        expect(step_text(dial)).to_contain_text("step  0:")
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        lab.open(page, "steps_reload")
        dial = DialOnPage(page)
        expect(step_text(dial)).to_contain_text("step  0:")
        dial.eventually(lambda: dial.shows(0, mask_at(probs_at(0)[0], 50)))
        drag_step(dial, 90)
        dial.eventually(lambda: dial.shows(0, mask_at(probs_at(90)[0], 50)))
        expect_in_kernel(page, "w.shown_step", 90)


def test_a_slider_is_linked_in_the_page(lab: Lab, page: Page) -> None:
    link = TRAIN + (
        "s = ipywidgets.IntSlider(max=200, description='linked')\n"
        "ipywidgets.jslink((s, 'value'), (w, 'step'))\n"
        "s"
    )
    with opened(lab, page, "steps_link", [MAPS, MAKE, link]):
        dial = DialOnPage(page)
        drag_step(dial, 150)
        expect(page.locator(".widget-hslider .widget-readout")).to_have_text("150")
