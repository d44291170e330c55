"""Real JupyterLab in real Chromium: starts it, opens notebooks and runs their cells."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    TimeoutError as PlaywrightTimeout,
    expect,
)

from tests.chromium import on_path
from tests.e2e.eventually import eventually
from tests.e2e.server import STARTUP_SECONDS, Server

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
KERNEL_IS_READY = """path => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const kernel = panel?.context?.sessionContext?.session?.kernel;
  return panel?.context?.path === path && panel.context.isReady && panel.content.widgets.length > 0
    && kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
# Messages of a page may be lost even after it reports a connection.
ANSWERS = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
  const answer = kernel.requestKernelInfo().then(() => true, () => false);
  return Promise.race([answer, new Promise(done => setTimeout(done, 2000, false))]);
}"""
# JupyterLab may ignore a run-all right after opening a notebook, so its effect is checked.
HAS_STARTED = """() => {
  const [cell] = jupyterapp.shell.currentWidget.content.widgets;
  return cell.model.executionState === 'running' || cell.model.executionCount !== null;
}"""
# How a cell waits for its test; a fixed number of seconds would not fit every machine.
WAIT = """
import os, time
def wait_for(name, meanwhile=lambda: None):
    until = time.monotonic() + 120
    while not os.path.exists(f'{name}.signal'):
        assert time.monotonic() < until, 'the test has ended'
        time.sleep(0.1)
        meanwhile()
"""
CHANGE_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })"
# Cleans a kernel for the next test.
CLEAN = """
import ipywidgets
from torchdial.training.runs import forget_runs
ipywidgets.Widget.close_all()
forget_runs()
get_ipython().reset(new_session=True)
"""
# A request right after an error is aborted, so it is repeated. A missing answer must fail the test:
# `evaluate` itself has no timeout.
RUN_IN_KERNEL = """async ([code, seconds]) => {
  const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
  const isLate = new Promise((_, fail) => setTimeout(() => {
    const how = `${kernel.connectionStatus}, ${kernel.status}`;
    fail(Error(`no answer from the kernel (${how}) within ${seconds} s to: ${code}`));
  }, 1000 * seconds));
  for (;;) {
    let text = '';
    const future = kernel.requestExecute({ code, stop_on_error: false });
    future.onIOPub = ({ content }) => { text += content.text ?? ''; };
    const { content } = await Promise.race([future.done, isLate]);
    if (content.status === 'ok') return text;
    if (content.status === 'error') return content.traceback.join('\\n');
    await new Promise(done => setTimeout(done, 200));
  }
}"""
ANSWER_SECONDS = 120
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'


def launch_chromium(playwright: Playwright, density: float = 1) -> Browser:
    """Launch the Chromium on PATH, else the one that Playwright has downloaded.

    Args:
        playwright: launches the browser.
        density: device pixels for each CSS pixel. Resize observers ignore the density that a
            context emulates, so both must be equal.
    """
    flags = [*CHROMIUM_FLAGS, f"--force-device-scale-factor={density}"]
    return playwright.chromium.launch(executable_path=on_path(), args=flags)


class Lab(Server):
    """A JupyterLab server with its own folder and home."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._spare = ""  # the session whose kernel the next test may use

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--port={self.port}", "--ip=127.0.0.1", f"--ServerApp.root_dir={self.folder}"),
            *("--IdentityProvider.token=", "--ServerApp.password="),
            *("--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True"),
        ]

    def environment(self) -> dict[str, str]:
        settings = self.home / "settings"
        notification = settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        notification.parent.mkdir(parents=True)
        notification.write_text(NO_NEWS)
        return super().environment() | {
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
        }

    def write_notebook(self, name: str, cells: Sequence[str]) -> None:
        """Write a notebook of code cells."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.folder / f"{name}.ipynb")

    def reuse_kernel(self, name: str) -> None:
        """Give a notebook the kernel of the last one: starting one takes longer than most tests."""
        notebook = {"path": f"{name}.ipynb", "name": f"{name}.ipynb", "type": "notebook"}
        spare, self._spare = self._spare, ""
        if spare:
            self._request("PATCH", f"sessions/{spare}", notebook)
        else:
            self.end_kernels()
            self._request("POST", "sessions", {**notebook, "kernel": {"name": "python3"}})

    def keep_kernel(self, page: Page) -> None:
        """Keep the kernel for the next test if it is idle; else end it.

        The server reports a kernel as idle when only a subshell of it is, so the kernel is kept
        only after it has answered.
        """
        sessions = self._request("GET", "sessions")
        if [session["kernel"]["execution_state"] for session in sessions] != ["idle"]:
            self.end_kernels()
            return
        in_kernel(page, CLEAN)
        self._spare = sessions[0]["id"]

    def end_kernels(self) -> None:
        """End all kernels, so that the next test gets a new one."""
        for session in self._request("GET", "sessions"):
            self._request("DELETE", f"sessions/{session['id']}")

    def _request(self, method: str, what: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/api/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=STARTUP_SECONDS) as answer:
            return json.loads(answer.read() or b"null")

    def open(self, page: Page, name: str) -> None:
        """Open a notebook and wait for its kernel."""
        page.goto(f"{self.url}/lab/workspaces/{name}/tree/{name}.ipynb")
        wait_for_kernel(page, name)

    def signal(self, name: str) -> None:
        """Make `wait_for(name)` in a cell return, see `WAIT`."""
        (self.folder / f"{name}.signal").touch()

    def run_all(self, page: Page) -> None:
        """Start all cells, without waiting for them."""
        for _ in range(10):
            page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
            try:
                page.wait_for_function(HAS_STARTED, timeout=3000)
            except PlaywrightTimeout:
                continue
            return
        raise RuntimeError("JupyterLab did not run the cells.")


@contextmanager
def opened(lab: Lab, page: Page, name: str, cells: Sequence[str]) -> Iterator[Page]:
    """Write, open and run a notebook; keep its kernel for the next one."""
    lab.write_notebook(name, cells)
    with in_lab(lab, page, name):
        yield page


@contextmanager
def in_lab(lab: Lab, page: Page, name: str) -> Iterator[Page]:
    """Open and run a notebook in the server's folder."""
    for signal in lab.folder.glob("*.signal"):  # of other tests
        signal.unlink()
    lab.reuse_kernel(name)
    lab.open(page, name)
    lab.run_all(page)
    yield page
    lab.keep_kernel(page)  # but not after a failed test: something may still run


def wait_for_kernel(page: Page, name: str) -> None:
    """Wait until a page shows a notebook and its kernel answers."""
    page.wait_for_function(KERNEL_IS_READY, arg=f"{name}.ipynb", timeout=60_000)
    eventually(page, lambda: bool(page.evaluate(ANSWERS)), seconds=60)


def in_kernel(page: Page, code: str) -> str:
    """Run code beside the cells of the notebook and return what it prints."""
    text: str = page.evaluate(RUN_IN_KERNEL, [code, ANSWER_SECONDS])
    return text


def expect_in_kernel(page: Page, expression: str, expected: object) -> None:
    """Wait until an expression has this value in the kernel, which gets messages a little later."""
    seen: list[str] = []

    def is_there() -> bool:
        seen[:] = [in_kernel(page, f"print(repr({expression}))").strip()]
        return seen == [repr(expected)]

    eventually(page, is_there, explain=lambda: f"{expression} is {seen}, expected {expected!r}")


def expect_output(page: Page, text: str) -> None:
    """Wait until a cell has this output."""
    expect(page.locator(".jp-OutputArea-output", has_text=text).first).to_be_visible(timeout=30_000)


def change_theme(page: Page, theme: str) -> None:
    """Change JupyterLab's theme, which the server keeps for all its pages.

    JupyterLab may ignore a change shortly after another one, so it is repeated.
    """

    def has_changed() -> bool:
        page.evaluate(CHANGE_THEME, theme)
        page.wait_for_timeout(1000)
        return bool(page.evaluate("theme => document.body.dataset.jpThemeName === theme", theme))

    eventually(page, has_changed)
