"""Many panels in one page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

import torchdial as td
from tests.e2e.page import Show

pytestmark = pytest.mark.browser


def picture(canvas: Locator) -> str:
    shown: str = canvas.evaluate("canvas => canvas.toDataURL()")
    return shown


def expect_other(canvas: Locator, earlier: str) -> None:
    """Wait until a canvas shows something else."""
    canvas.page.wait_for_function(
        "([canvas, earlier]) => canvas.toDataURL() !== earlier",
        arg=[canvas.element_handle(), earlier],
    )


def test_of_many_panels_only_those_on_screen_are_drawn(show: Show) -> None:
    names = [f"group{k}/metric{i}" for k in range(120) for i in range(4)]
    losses = [[1 / (i + s + 1) for s in range(2000)] for i in range(len(names))]
    page = show(td.LossPlot(dict(zip(names, losses, strict=True))))
    plot = page.locator(".torchdial-live")
    panels = plot.locator(".torchdial-panel")
    expect(panels).to_have_count(120, timeout=60_000)
    first, last = (panels.nth(k).locator("canvas") for k in (0, 119))
    expect(first).to_have_count(1)
    assert plot.locator("canvas").count() <= 40
    height = panels.nth(119).evaluate("panel => panel.offsetHeight")
    panels.nth(119).scroll_into_view_if_needed()
    expect(last).to_have_count(1)
    assert panels.nth(119).evaluate("panel => panel.offsetHeight") == height
    assert plot.locator("canvas").count() <= 80
    first.scroll_into_view_if_needed()
    whole, far = picture(first), picture(last)
    plot.locator(".torchdial-loss").press("+")
    expect_other(first, whole)
    assert picture(last) == far
    panels.nth(119).scroll_into_view_if_needed()
    expect_other(last, far)
