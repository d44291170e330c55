"""Live plots and the training panel in JupyterLab."""

from __future__ import annotations

import json
import re
import time

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import KERNEL_IS_READY, Lab, in_kernel, opened
from tests.e2e.panel import PanelOnPage, distinct_paints

pytestmark = pytest.mark.browser

SETUP = """
import asyncio, math, time
import torch, torchdial as td
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(32, 8), torch.randn(32, 1)
monitor = td.TrainingMonitor(model, optimizer)

def step(pause=0.01):
    loss = (model(x) - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    monitor.log(loss=loss.item() + 0.1 * math.sin(monitor.step))
    time.sleep(pause)
"""
HOSTILE = '<img src=x onerror=\\"window.hacked=1\\"><b>loss</b>'


def interrupt(page: Page) -> None:
    page.evaluate(
        "() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.interrupt()"
    )


def save_of(lab: Lab, page: Page, name: str) -> nbformat.NotebookNode:
    page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    return nbformat.read(lab.folder / f"{name}.ipynb", as_version=4)


def pictures_in(notebook: nbformat.NotebookNode) -> list[str]:
    return [
        output["data"]["image/png"]
        for cell in notebook.cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def test_a_blocking_cell_is_plotted_live_and_an_interrupt_loses_nothing(
    lab: Lab, page: Page
) -> None:
    cell = "display(td.TrainingPanel(monitor))\nfor _ in range(100_000):\n    step()"
    with opened(lab, page, "live", [SETUP, cell]):
        panel = PanelOnPage(page)
        panel.eventually(lambda: "step" in panel.line())
        paints = distinct_paints(page, 5)
        assert sum(paints) >= 25, paints
        assert min(paints) >= 3, paints
        first = pictures_in(save_of(lab, page, "live"))
        check_hidden(panel)
        interrupt(page)
        expect(page.get_by_text("KeyboardInterrupt").first).to_be_visible(timeout=20_000)
        steps = in_kernel(page, "monitor.flush(); print(len(monitor.history['loss']))").strip()
        panel.eventually(lambda: len(panel.copied()) >= int(steps))
        assert page.locator(".torchdial-live:visible").count() == 1
        assert len(first) == 1


def check_hidden(panel: PanelOnPage) -> None:
    """Check that a panel is not drawn while it is invisible, and is drawn again afterwards."""
    panel.root.evaluate("root => { root.parentElement.style.display = 'none'; }")
    panel.page.wait_for_timeout(500)
    before = panel.root.get_attribute("data-paints")
    panel.page.wait_for_timeout(700)
    assert panel.root.get_attribute("data-paints") == before
    panel.root.evaluate("root => { root.parentElement.style.display = ''; }")
    panel.eventually(lambda: panel.root.get_attribute("data-paints") != before)


def test_controls_work_while_a_thread_trains(lab: Lab, page: Page) -> None:
    train = (
        "def train():\n    for _ in monitor.loop(range(100_000)):\n        step()\n"
        "monitor.dial('lr', min=0.01, max=100, log=True)\n"
        "display(td.TrainingPanel(monitor))\nhandle = monitor.start(train)"
    )
    with opened(lab, page, "thread", [SETUP, train]):
        panel = PanelOnPage(page)
        panel.expect_text("running")
        (first,) = pictures_in(save_of(lab, page, "thread"))
        check_controls(panel, page)
        assert in_kernel(page, "print(handle.is_done)").strip() == "True"
        panel.eventually(lambda: pictures_in(save_of(lab, page, "thread")) != [first])
        assert len(pictures_in(save_of(lab, page, "thread"))) == 1
        assert page.locator(".torchdial-live:visible").count() == 1


@pytest.mark.slow
def test_controls_work_while_an_async_cell_trains(lab: Lab, page: Page) -> None:
    train = (
        "monitor.dial('lr', min=0.01, max=100, log=True)\n"
        "display(td.TrainingPanel(monitor))\n"
        "for _ in monitor.loop(range(100_000)):\n    step()\n    await asyncio.sleep(0)\n"
        "print('cell over')"
    )
    with opened(lab, page, "async", [SETUP, train]):
        check_controls(PanelOnPage(page), page)
        expect(page.get_by_text("cell over", exact=True)).to_be_visible()


def paused_step(panel: PanelOnPage) -> str:
    """Return the step in the status line; rates and memory may still arrive beside it."""
    found = re.search(r"paused at [\d,]+|step [\d,]+", panel.line())
    assert found is not None, panel.line()
    return found[0]


def check_controls(panel: PanelOnPage, page: Page) -> None:
    """Pause, resume, turn the dial and stop, and check the effect of each."""
    panel.expect_text("running")
    panel.button("pause").click()
    panel.expect_text("paused")
    page.wait_for_timeout(500)
    before = paused_step(panel)
    page.wait_for_timeout(500)
    assert paused_step(panel) == before, "it goes on"
    panel.button("resume").click()
    panel.expect_text("running")
    dial = panel.root.get_by_role("slider", name="learning rate")
    dial.fill("250")  # a quarter of the way from 0.01 to 100
    expect(panel.root.locator(".torchdial-dials")).to_contain_text("× 0.1")
    panel.root.get_by_role("button", name=re.compile("event")).first.click()
    panel.root.locator(".torchdial-event-list button").first.click()
    panel.button("whole run").click()
    expect(panel.button("whole run")).to_be_hidden()
    panel.button("stop").click()
    panel.expect_text("stopped at step")
    received = in_kernel(
        page, "print([e.kind for e in monitor.events], monitor.control.dials['lr'])"
    )
    assert "dial" in received
    assert "value=0.1" in received


@pytest.mark.slow
def test_a_zoomed_window_shows_every_step_as_the_kernel_has_it(lab: Lab, page: Page) -> None:
    cell = "td.LossPlot({'loss': np.arange(300_000) * 7919 % 1000})"
    with opened(lab, page, "loss", ["import numpy as np, torchdial as td", cell]):
        plot = PanelOnPage(page)
        plot.root.get_by_label("smoothing").fill("0")
        # A window of about forty steps, whose details the page has requested.
        plot.zoom_in(times=3)
        for share in (0.11, 0.37, 0.62, 0.93):
            plot.eventually(lambda share=share: plot.reads(share, lambda step: step * 7919 % 1000))


def test_a_y_lock_keeps_its_limits_while_values_come(lab: Lab, page: Page) -> None:
    cells = [
        "import torchdial as td\nfrom torchdial.training.history.history import History\n"
        "history = History('run')\nplot = td.LossPlot(history)\n"
        "def add(first):\n"
        "    for step in range(first, first + 10):\n"
        "        history.record(step, {'loss': step + 1.0}, time=step)\n"
        "    plot.refresh()",
        "add(0)\nplot",
    ]
    with opened(lab, page, "lock", cells):
        plot = PanelOnPage(page)
        locked = plot.y_limits("loss")
        plot.button("lock y").click()
        in_kernel(page, "add(10)")
        last = plot.root.locator("[data-panel=loss] .torchdial-number")
        expect(last).to_have_text("20")
        assert plot.y_limits("loss") == locked
        plot.button("lock y").click()
        plot.eventually(lambda: plot.y_limits("loss")[1] > 20)


def test_the_browsers_copy_is_the_kernels(lab: Lab, page: Page) -> None:
    run = (
        f'NAME = "{HOSTILE}"\n'
        "panel = td.TrainingPanel(monitor)\n"
        "display(panel)\ndisplay(panel)\n"
        "for i in range(10_000):\n"
        "    monitor.log({'loss': math.sin(i) / (i + 1)}, step=i)\n"
        "    if i % 100 == 0:\n        monitor.log({NAME: i}, step=i)\n"
        "    time.sleep(0.0005)\n"
        "monitor.flush()\nprint('run over')"
    )
    setup = SETUP.replace("monitor = td.TrainingMonitor(model, optimizer)", "").replace(
        "def step", "monitor = td.TrainingMonitor(model)\n\ndef step"
    )
    with opened(lab, page, "copy", [setup, run]):
        panels = [PanelOnPage(page, index) for index in (0, 1)]
        sizes = []

        def is_over() -> bool:
            page.wait_for_timeout(1500)
            sizes.append(heap_of(page))
            return page.get_by_text("run over", exact=True).count() > 0

        eventually(page, is_over, seconds=120)
        received = in_kernel(
            page,
            "import json; s = monitor.history['loss']\n"
            "print(json.dumps([[int(a), float(b)] for a, b in zip(s.steps, s.values)]))",
        )
        truth = [("loss", step, value) for step, value in json.loads(received)]
        assert len(truth) == 10_000
        for panel in panels:
            panel.eventually(lambda panel=panel: len(panel.copied()) >= 10_100)
            assert [row for row in panel.copied() if row[0] == "loss"] == truth
            expect(panel.root.get_by_text("<b>loss</b>").first).to_be_visible()
        assert page.evaluate("() => window.hacked") is None
        assert sizes[-1] < sizes[len(sizes) // 2] + 2e6, sizes  # the points that came take half
        save_of(lab, page, "copy")
        page.reload()
        page.wait_for_function(KERNEL_IS_READY, arg="copy.ipynb", timeout=60_000)
        start = time.monotonic()
        page.wait_for_selector(".torchdial-live .uplot", timeout=60_000)
        assert time.monotonic() - start < 2
        panel = PanelOnPage(page)
        panel.eventually(lambda: [row for row in panel.copied() if row[0] == "loss"] == truth)


def heap_of(page: Page) -> float:
    """Return the bytes that the page's scripts use, after a garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    return next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")
