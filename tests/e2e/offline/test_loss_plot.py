"""The loss plot in a bare page, without a kernel."""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import expect

import torchdial as td
from tests.e2e.page import Show
from tests.e2e.panel import FIRST_PIXELS, PanelOnPage
from torchdial.training.history.history import History

pytestmark = pytest.mark.browser


@pytest.fixture
def plot(show: Show) -> PanelOnPage:
    i = np.arange(2_000)
    series = {"loss": i * 7919 % 1000, "val/loss": i[:9] + 1, "lr": [0.0, -1.0, 1.0]}
    return PanelOnPage(show(td.LossPlot(series)))


def test_pointing_reads_the_value_of_each_step_in_a_zoomed_window(plot: PanelOnPage) -> None:
    expect(plot.root.get_by_label("smoothing")).to_have_value("0")
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
    names.nth(1).dblclick()
    expect(names.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(names.nth(1)).to_have_attribute("aria-pressed", "true")
    names.nth(1).dblclick()  # where it is alone already, all are shown
    expect(names.nth(0)).to_have_attribute("aria-pressed", "true")
    before = plot.page.evaluate(FIRST_PIXELS)
    panel.get_by_role("button", name="log").click()
    plot.eventually(lambda: plot.page.evaluate(FIRST_PIXELS) != before)
    plot.button("time").click()
    expect(plot.button("time")).to_have_attribute("aria-pressed", "true")
    expect(plot.button("epoch")).to_be_hidden()


def test_a_drag_up_or_down_and_the_wheel_zoom_y_and_a_double_click_takes_it_back(
    plot: PanelOnPage,
) -> None:
    lock = plot.button("lock y").first
    whole = plot.y_limits("loss")
    plot.drag((0.5, 0.25), (0.5, 0.5))
    expect(lock).to_have_attribute("aria-pressed", "true")
    size = whole[1] - whole[0]
    low, high = plot.y_limits("loss")
    assert low == pytest.approx(whole[1] - 0.5 * size, abs=0.02 * size)
    assert high == pytest.approx(whole[1] - 0.25 * size, abs=0.02 * size)
    expect(plot.button("whole run")).to_be_hidden()  # x is as it was

    other = plot.root.locator("[data-panel=lr] .u-cursor-x")
    before = other.get_attribute("style")
    plot.page.mouse.move(*plot.at(0.3))
    expect(other).not_to_have_attribute("style", before or "")  # cursors go together again

    plot.page.mouse.move(*plot.at(0.5))
    plot.page.keyboard.down("Alt")
    plot.page.mouse.wheel(0, 100)
    plot.page.keyboard.up("Alt")
    plot.eventually(lambda: plot.y_limits("loss")[1] > high)

    plot.chart.dblclick()
    expect(lock).to_have_attribute("aria-pressed", "false")
    plot.eventually(lambda: plot.y_limits("loss") == whole)

    plot.drag((0.2, 0.2), (0.6, 0.6))  # both ways
    expect(plot.button("whole run")).to_be_visible()
    expect(lock).to_have_attribute("aria-pressed", "true")
    plot.root.get_by_role("group", name="curves").press("r")
    expect(plot.button("whole run")).to_be_hidden()
    plot.eventually(lambda: plot.y_limits("loss") == whole)


def test_a_lock_keeps_y_while_what_is_shown_changes(plot: PanelOnPage) -> None:
    whole = plot.y_limits("loss")
    plot.button("lock y").first.click()
    names = plot.root.locator("[data-panel=loss] .torchdial-entry")
    names.nth(0).click()
    expect(names.nth(0)).to_have_attribute("aria-pressed", "false")
    assert plot.y_limits("loss") == whole
    plot.button("lock y").first.click()
    plot.eventually(lambda: plot.y_limits("loss")[1] < 20)


def test_a_chart_is_saved_as_table_and_as_pictures(plot: PanelOnPage) -> None:
    header, *rows = plot.saved("loss", "csv").decode().splitlines()
    assert header == "run,name,step,time,value"
    assert len(rows) == 2_000 + 9
    assert rows[-1] == "run,val/loss,8,8,9"

    root = ElementTree.fromstring(plot.saved("loss", "svg"))
    drawn = [path.get("d", "") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert 9 in [len(re.findall("[ML]", path)) for path in drawn]
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss", "val/loss", "500", "1000"} <= set(texts)

    png = plot.saved("loss", "png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (
        2 * int(root.get("width", 0)),
        2 * int(root.get("height", 0)),
    )


@pytest.mark.parametrize("width", [480, 1200])
def test_thirty_names_stay_one_page(show: Show, width: int) -> None:
    names = [f"metric {i}/a long name that goes on" for i in range(30)]
    page = show(td.LossPlot({name: [1.0, i + 2.0] for i, name in enumerate(names)}))
    page.set_viewport_size({"width": width, "height": 800})
    plot = PanelOnPage(page)
    plot.eventually(lambda: plot.root.bounding_box()["height"] < 800)  # type: ignore[index]
    panels = plot.root.locator(".torchdial-panel")
    expect(panels).to_have_count(30)
    expect(panels.last.locator(".torchdial-number")).to_have_text("31")

    box = panels.nth(3).bounding_box()
    assert box
    assert box["width"] < 300


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_small_chart_fills_the_screen_or_where_that_is_forbidden_its_row(
    show: Show, is_allowed: bool
) -> None:
    page = show(td.LossPlot({f"metric {i}": [1.0, i + 2.0] for i in range(30)}))
    plot = PanelOnPage(page)
    if not is_allowed:
        page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject() }")
    chart = plot.root.locator("[data-panel='metric 3']")
    toggle = chart.get_by_role("button", name="full screen metric 3")
    toggle.click()
    width = page.evaluate("innerWidth")
    plot.eventually(lambda: chart.bounding_box()["width"] > width - 60)  # type: ignore[index]
    expect(chart.get_by_role("button", name="log")).to_be_visible()
    assert page.evaluate("document.fullscreenElement !== null") == is_allowed
    high = 600 if is_allowed else 400
    plot.eventually(lambda: chart.locator("canvas").bounding_box()["height"] > high)  # type: ignore[index]
    toggle.click()
    plot.eventually(lambda: chart.bounding_box()["width"] < 300)  # type: ignore[index]
    assert page.evaluate("document.fullscreenElement") is None


def test_of_many_runs_some_values_stand_at_the_cursor_and_all_in_a_legend_that_scrolls(
    show: Show,
) -> None:
    histories = {f"run {i}": History(f"run {i}") for i in range(30)}
    for i, history in enumerate(histories.values()):
        for step in range(9):
            history.record(step, {"loss": i + step}, time=step)
    plot = PanelOnPage(show(td.LossPlot(histories)))
    assert plot.root.bounding_box()["height"] < 600  # type: ignore[index]
    plot.page.mouse.move(*plot.at(0.5))
    lines = plot.root.locator(".torchdial-tooltip div")
    expect(lines).to_have_count(14)
    expect(lines.nth(1)).to_have_text("run 0 · loss 4")
    expect(lines.last).to_have_text("and 18 more, in the legend")
    expect(plot.root.locator("[data-panel=loss] .torchdial-number")).to_have_count(30)


def test_without_a_point_there_is_no_empty_chart(show: Show) -> None:
    page = show(td.LossPlot({"loss": []}))
    expect(page.get_by_text("nothing logged yet")).to_be_visible()
    expect(page.locator(".torchdial-chart")).to_have_count(0)
