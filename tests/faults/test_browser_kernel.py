"""A kernel that is restarted, killed or shut down under live widgets, in JupyterLab."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dial import DialOnPage
from tests.e2e.lab import Lab, opened
from tests.e2e.maps import mask_at
from tests.e2e.panel import PanelOnPage
from tests.faults import notebook
from tests.faults.notebook import PREVIEW, RUN, SETUP

pytestmark = pytest.mark.browser

GONE = "The kernel that made this is gone."
RESTART = "() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
KILL = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
  kernel.requestExecute({ code: 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)' });
}"""
SHUT_DOWN = "() => jupyterapp.shell.currentWidget.context.sessionContext.shutdown()"
OTHERS = "td.LossPlot(monitor), td.ModelTree(model, monitor=monitor), td.ImageGrid(images)"
NOTICE_SECONDS = 3
# Keeps when the host knew that the kernel had ended, and when all widgets said so, in ms.
WATCH = """([words, count]) => {
  const { sessionContext } = jupyterapp.shell.currentWidget.context;
  let host = null;
  sessionContext.statusChanged.connect((_, status) => {
    const ended = ['restarting', 'autorestarting', 'dead', 'unknown'];
    if (ended.includes(status)) host ??= performance.now();
  });
  const says = root => [...root.querySelectorAll('[role=alert]')]
    .some(notice => !notice.hidden && notice.textContent.includes(words));
  window.noticed = new Promise(done => {
    const look = () => {
      const roots = [...document.querySelectorAll('.torchdial')];
      if (roots.length === count && roots.every(says)) done([host, performance.now()]);
      else setTimeout(look, 20);
    };
    look();
  });
}"""


@pytest.fixture(scope="module")
def probs() -> Any:
    rng = np.random.default_rng(7)
    rng.integers(0, 256, (2, 24, 32, 3), dtype=np.uint8)
    return rng.integers(0, 101, (2, 24, 32)).astype(np.float32) / np.float32(100)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(RESTART, "kernel gone at step", id="restarted"),
        pytest.param(KILL, "kernel gone at step", id="killed", marks=pytest.mark.slow),
        pytest.param(SHUT_DOWN, "stopped at step", id="shut down", marks=pytest.mark.slow),
    ],
)
def test_a_lost_kernel_is_reported_and_the_dial_still_moves_the_picture(
    lab: Lab, page: Page, probs: Any, fault: str, words: str
) -> None:
    errors: list[str] = []
    notebook.close_dialogs(page)
    page.on("pageerror", lambda error: errors.append(f"{error.message}\n{error.stack}"))
    page.set_viewport_size({"width": 1200, "height": 4000})  # what is out of sight is not drawn
    with opened(lab, page, "gone", [SETUP, PREVIEW, f"display({OTHERS})", RUN]):
        dial, panel = DialOnPage(page), PanelOnPage(page, index=1)
        panel.expect_text("running")
        panel.eventually(lambda: len(notebook.shown(panel)) > 5)
        page.evaluate(WATCH, [GONE, 5])
        page.evaluate(fault)
        host, noticed = page.evaluate("() => window.noticed")
        assert (noticed - host) / 1000 < NOTICE_SECONDS
        expect(panel.state).to_contain_text(words)
        for name in ("pause", "stop"):
            usable = panel.root.get_by_role("button", name=name, exact=True, disabled=False)
            expect(usable).to_have_count(0)
        seen = notebook.shown(panel)
        assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
        for stop in (12, 88):
            dial.drag_to(stop)
            assert dial.shows(0, mask_at(probs[0], stop))
        assert not errors
        lab.end_kernels()
