"""The loss plot in a bare page, without a kernel."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

import torchdial as td
from tests.e2e.page import Show
from tests.e2e.panel import FIRST_PIXELS, PanelOnPage

pytestmark = pytest.mark.browser


@pytest.fixture
def plot(show: Show) -> PanelOnPage:
    i = np.arange(2_000)
    series = {"loss": i * 7919 % 1000, "val/loss": i[:9] + 1, "lr": [0.0, -1.0, 1.0]}
    return PanelOnPage(show(td.LossPlot(series)))


def test_pointing_reads_the_value_of_each_step_in_a_zoomed_window(plot: PanelOnPage) -> None:
    plot.root.get_by_label("smoothing").fill("0")
    plot.zoom_in(times=2)
    for share in (0.11, 0.37, 0.62, 0.93):
        plot.eventually(lambda share=share: plot.reads(share, lambda step: step * 7919 % 1000))
    plot.chart.dblclick()
    expect(plot.button("whole run")).to_be_hidden()


def test_every_control_changes_the_plot(plot: PanelOnPage) -> None:
    panel = plot.root.locator("[data-panel=loss]")
    names = panel.locator(".torchdial-entry")
    names.nth(0).click()
    expect(names.nth(0)).to_have_attribute("aria-pressed", "false")
    names.nth(0).click(modifiers=["Alt"])
    expect(names.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(names.nth(1)).to_have_attribute("aria-pressed", "false")
    before = plot.page.evaluate(FIRST_PIXELS)
    panel.get_by_role("button", name="log").click()
    plot.eventually(lambda: plot.page.evaluate(FIRST_PIXELS) != before)
    plot.button("time").click()
    expect(plot.button("time")).to_have_attribute("aria-pressed", "true")
    expect(plot.button("epoch")).to_be_hidden()
