"""Drives the step dial of a preview on a page."""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.e2e.dial import DialOnPage
from tests.e2e.step_maps import STEPS


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
    """Return the words above the step dial."""
    return dial.root.locator(".torchdial-step-dial .torchdial-dial-name")
