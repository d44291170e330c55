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


@pytest.fixture(scope="module")
def probs() -> Any:
    rng = np.random.default_rng(7)
    rng.integers(0, 256, (2, 24, 32, 3), dtype=np.uint8)
    return rng.integers(0, 101, (2, 24, 32)).astype(np.float32) / np.float32(100)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(RESTART, GONE, id="restarted"),
        pytest.param(KILL, GONE, id="killed", marks=pytest.mark.slow),
        # Its last message says that the run stops, or that it has.
        pytest.param(SHUT_DOWN, "stopp", id="shut down", marks=pytest.mark.slow),
    ],
)
def test_a_lost_kernel_is_told_of_and_the_dial_still_moves_the_picture(
    lab: Lab, page: Page, probs: Any, fault: str, words: str
) -> None:
    errors: list[str] = []
    notebook.close_dialogs(page)
    page.on("pageerror", lambda error: errors.append(f"{error.message}\n{error.stack}"))
    with opened(lab, page, "gone", [SETUP, PREVIEW, f"display({OTHERS})", RUN]):
        dial, panel = DialOnPage(page), PanelOnPage(page, index=1)
        panel.expect_text("running")
        panel.eventually(lambda: len(notebook.shown(panel)) > 5)
        page.evaluate(fault)
        panel.expect_text(words, seconds=30)
        seen = notebook.shown(panel)
        assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
        for stop in (12, 88):
            dial.drag_to(stop)
            assert dial.shows(0, mask_at(probs[0], stop))
        page.wait_for_timeout(500)  # a drag is told when it rests
        expect(dial.root.get_by_role("alert").filter(has_text=GONE)).to_be_visible()
        if words == GONE:
            expect(panel.button("pause")).to_be_disabled()
            for widget in page.locator(".torchdial").all():
                widget.scroll_into_view_if_needed()
                expect(widget.get_by_role("alert").filter(has_text=GONE)).to_be_visible()
        assert not errors
        lab.end_kernels()
