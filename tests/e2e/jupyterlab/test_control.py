"""The panel's controls in JupyterLab while a cell keeps the kernel busy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.lab import Lab, expect_output, opened

pytestmark = pytest.mark.browser

MODEL = """
import time, torch, torchdial as td
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
monitor = td.TrainingMonitor(model, optimizer)
monitor.dial("lr", min=0.01, max=100, log=True)
def step():
    loss = model(torch.ones(8, 4)).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    monitor.log(loss=loss)
    time.sleep(0.01)
monitor
"""
IN_A_LOOP = """
for _ in monitor.loop(range(60_000)):
    step()
print("ended", monitor.control.state, "early" if monitor.step < 60_000 else "late")
"""
PLAIN = """
for _ in range(60_000):
    step()
"""


@pytest.fixture
def panel(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[Locator]:
    """The panel of a run whose cell blocks the kernel."""
    with opened(lab, page, "control", [MODEL, request.param, "print('the cell after')"]):
        root = page.locator(".torchdial").first
        expect(line(root)).to_contain_text("running", timeout=60_000)
        yield root


def line(panel: Locator) -> Locator:
    return panel.locator(".torchdial-readout").first


def press(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=name, exact=True).click()


def open_events(panel: Locator) -> None:
    panel.get_by_role("button", name=re.compile(r"^\d+ (events?|more) ")).click()


@pytest.mark.parametrize("panel", [IN_A_LOOP], indirect=True)
def test_pause_dial_resume_and_stop_work_in_a_blocking_loop(panel: Locator, page: Page) -> None:
    press(panel, "pause")
    expect(line(panel)).to_contain_text("paused")
    dial = panel.get_by_role("slider").first
    dial.focus()
    for _ in range(5):
        dial.press("PageDown")
    open_events(panel)
    expect(panel).to_contain_text("learning rate × ")
    press(panel, "resume")
    expect(line(panel)).to_contain_text("running")
    press(panel, "stop")
    expect_output(page, "ended finished early")
    expect_output(page, "the cell after")


@pytest.mark.slow
@pytest.mark.parametrize("panel", [PLAIN], indirect=True)
def test_a_plain_loop_is_stopped_in_one_line(panel: Locator, page: Page) -> None:
    press(panel, "stop")
    expect_output(page, "as asked.")
    expect(page.locator(".jp-OutputArea-output", has_text="Traceback")).to_have_count(0)


@pytest.mark.parametrize("panel", [IN_A_LOOP], indirect=True)
def test_an_interrupt_ends_the_loop_after_its_step(panel: Locator, page: Page) -> None:
    page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect_output(page, "ended finished early")
    open_events(panel)
    expect(panel).to_contain_text("by an interrupt")
