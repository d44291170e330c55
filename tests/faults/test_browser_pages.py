"""Pages that are loaded again, doubled, cut off and lied to while a run goes on, in JupyterLab."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.dial import DialOnPage
from tests.e2e.lab import Lab, expect_in_kernel, in_kernel, wait_for_kernel
from tests.e2e.maps import mask_at
from tests.e2e.panel import PanelOnPage
from tests.faults import notebook
from tests.faults.notebook import check_whole, open_at
from tests.faults.wire import LOSSY, Proxy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "faults"
IS_CUT_OFF = """() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel
  .connectionStatus !== 'connected'"""


@pytest.fixture(scope="module")
def probs() -> Any:
    names: dict[str, Any] = {}
    exec(notebook.SETUP, names)
    names["monitor"].close()
    return names["probs"]


@pytest.fixture(scope="module")
def kernel(lab: Lab, browser: Browser) -> Iterator[str]:
    """A notebook whose run goes on from test to test."""
    page = browser.new_page()
    notebook.start(lab, page, NAME, [notebook.SETUP, notebook.PREVIEW, notebook.RUN])
    page.close()
    yield NAME
    page = browser.new_page()
    notebook.end(lab, page, NAME)
    page.close()


@pytest.fixture
def other(browser: Browser, page: Page) -> Iterator[Page]:
    """A page in another window."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_loaded_again_at_random_moments_nothing_is_missing_and_dials_stay(
    lab: Lab, page: Page, kernel: str, probs: Any
) -> None:
    rng = random.Random(0)
    open_at(lab.url, page, kernel)
    before = 0
    for _ in range(5):
        dial = DialOnPage(page)
        stop = rng.randrange(101)
        dial.set_stop(stop)
        page.wait_for_timeout(rng.uniform(600, 1500))
        page.reload()
        wait_for_kernel(page, kernel)
        dial = DialOnPage(page)
        dial.expect_stop(stop)
        assert dial.shows(0, mask_at(probs[0], stop))
        before = len(check_whole(PanelOnPage(page), before + 1))


def test_two_windows_show_one_run_and_each_follows_the_others_dials(
    lab: Lab, page: Page, other: Page, kernel: str, probs: Any
) -> None:
    open_at(lab.url, page, kernel)
    open_at(lab.url, other, kernel, place="-other")
    dials, panels = [[kind(p) for p in (page, other)] for kind in (DialOnPage, PanelOnPage)]
    for mine, its, stop in ((0, 1, 23), (1, 0, 71)):
        dials[mine].drag_to(stop)
        dials[its].expect_stop(stop)
        assert dials[its].shows(0, mask_at(probs[0], stop))
        expect_in_kernel(page, "w.threshold", stop / 100)
    for mine, its, place in ((0, 1, 250), (1, 0, 500)):
        panels[mine].root.get_by_role("slider", name="aside").fill(str(place))
        value = f"{100 ** (place / 1000):.3g}"
        panels[its].show()
        expect(panels[its].root.locator(".torchdial-dials .torchdial-number")).to_contain_text(
            value
        )
    panels[0].button("pause").click()
    panels[1].expect_text("paused")
    panels[1].button("resume").click()
    panels[0].expect_text("running")
    for panel in panels:
        check_whole(panel)


def test_messages_lost_late_and_out_of_order_leave_no_gap(
    lab: Lab, page: Page, kernel: str
) -> None:
    page.add_init_script(f"({LOSSY})()")
    open_at(lab.url, page, kernel)
    panel = PanelOnPage(page)
    panel.expect_text("running")
    page.wait_for_timeout(5000)
    lost, late = page.evaluate("() => [fate.lost, fate.late]")
    assert min(lost, late) >= 3, (lost, late)
    page.evaluate("() => { fate.isLossy = false; }")
    panel.show()
    expect(panel.root).not_to_contain_text("not here yet", timeout=20_000)
    check_whole(panel)


def test_cut_off_for_ten_seconds_a_page_catches_up_and_reaches_the_kernel_again(
    lab: Lab, page: Page, kernel: str, probs: Any
) -> None:
    notebook.close_dialogs(page)
    with Proxy(lab.port) as proxy:
        open_at(proxy.url, page, kernel, place="-cut")
        dial, panel = DialOnPage(page), PanelOnPage(page)
        before = len(check_whole(panel))
        proxy.cut()
        page.wait_for_function(IS_CUT_OFF)
        dial.drag_to(31)
        assert dial.shows(0, mask_at(probs[0], 31))
        page.wait_for_timeout(10_000)
        proxy.mend()
        wait_for_kernel(page, kernel)
        check_whole(panel, before + 50)
        expect_in_kernel(page, "w.threshold", 0.31)
        assert dial.shows(0, mask_at(probs[0], 31))
        panel.button("pause").click()
        panel.expect_text("paused")
        panel.button("resume").click()
        panel.expect_text("running")


def test_a_panel_closed_under_its_run_goes_away_and_the_run_goes_on(
    lab: Lab, page: Page, kernel: str
) -> None:
    open_at(lab.url, page, kernel)
    panel = PanelOnPage(page)
    in_kernel(page, "panel.close()")
    expect(panel.root).to_have_count(0)
    before = len(notebook.losses(page))
    page.wait_for_timeout(500)
    assert len(notebook.losses(page)) > before
    expect(page.locator(".torchdial-notice:visible")).to_have_count(0)
    assert in_kernel(page, "print(repr(monitor.problem))").strip() == "''"
    assert in_kernel(page, notebook.SAME_AS_BARE).split()[0] == "True"
