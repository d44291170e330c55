"""A followed panel in JupyterLab, of a run that another process writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import Page

from tests.e2e.lab import Lab, in_kernel, opened
from tests.e2e.panel import PanelOnPage

pytestmark = pytest.mark.browser

WRITER = """
import math, sys, time
from torchdial.training import History
from torchdial.training.history.autosave import Autosave

history = History("elsewhere <b>1</b>")
saver = Autosave(history, sys.argv[1])
for step in range(1, 100_000):
    history.record(step, {"loss": 1 / step + 0.1 * math.sin(step), "val/loss": 0.5})
    history.record_layers("grad_norm", ["0.weight", "0.bias"], step, [1.0, 1 / step])
    if step % 10 == 0:
        saver.save()
    time.sleep(0.01)
"""
FOLLOW = """
import torchdial as td
from torchdial.training.readers import follower
follower.PATIENCE = 4
panel = td.follow("runs/exp.td")
panel
"""
BLOCK = "import time\ntime.sleep(6)"


def test_a_followed_panel_updates_while_another_process_writes(lab: Lab, page: Page) -> None:
    """Also while a cell keeps the kernel busy; then the writer is killed, which is asked about."""
    with opened(lab, page, "follow", [FOLLOW, BLOCK]):
        panel = PanelOnPage(page)
        panel.expect_text("no point yet")
        panel.expect_text("Waiting for runs/exp.td")
        (lab.folder / "runs").mkdir(exist_ok=True)
        path = lab.folder / "runs" / "exp.td"
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        try:
            panel.expect_text("elsewhere <b>1</b>")
            panel.eventually(lambda: "last point 0 s ago" in panel.line())
            steps = []
            for _ in range(3):
                steps.append(last_step(panel))
                panel.eventually(lambda: last_step(panel) > steps[-1])
            panel.expect_text("0.weight")
            assert panel.button("stop").count() == 0 or not panel.button("stop").is_visible()
        finally:
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        panel.eventually(lambda: "writer gone?" in panel.line())
        count = in_kernel(page, "print(len(panel.histories[0]['loss']))").strip()
        losses = [point for point in panel.copied() if point[0] == "loss"]
        assert len(losses) == int(count) == losses[-1][1]
        in_kernel(page, "panel.close()")


def last_step(panel: PanelOnPage) -> int:
    """Return the step in the status line."""
    found = panel.line().split("step ")[1].split()[0]
    return int(found.replace(",", ""))
