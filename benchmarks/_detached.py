"""Real JupyterLab in a Chromium that nothing watches.

Playwright has every WebSocket message encoded and sent to it, which takes longer than to show a
widget of some megabytes. So it only opens the notebook and then leaves the page, which is asked for
the results of its scripts alone.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket
from _browser import SETUP, STOPWATCH, browser_of
from playwright.sync_api import sync_playwright

from tests.chromium import on_path
from tests.e2e.lab import CHROMIUM_FLAGS, Lab

START_SECONDS = 60
# Runs the code in the last cell, whose output is the only one, until `shown` resolves; then returns
# that and what was printed.
RUN_LAST_CELL = """async ([code, shown]) => {
  await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
  await new Promise(done => setTimeout(done, 700));
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  content.activeCell.model.sharedModel.setSource(code);
  const isShown = eval(shown)();
  await jupyterapp.commands.execute('notebook:run-cell');
  const result = await isShown;
  const texts = [...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.innerText);
  return [result, texts.join('\\n')];
}"""


class DetachedPage:
    """A page, and which browser it is in."""

    def __init__(self, address: str, browser: str) -> None:
        self.browser = browser
        self._socket = websocket.create_connection(address, suppress_origin=True)
        self._sent = 0

    def run_cell(self, code: str, shown: str) -> tuple[Any, str]:
        """Run code in the last cell; return what `shown` resolves to, and the printed text."""
        result, text = self.evaluate(RUN_LAST_CELL, [code, shown])
        return result, text

    def evaluate(self, function: str, given: Any = None) -> Any:
        """Call a function of JavaScript and return what it returns or resolves to."""
        expression = f"({function})({json.dumps(given)})"
        options = {"awaitPromise": True, "returnByValue": True}
        answer = self.send("Runtime.evaluate", expression=expression, **options)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key; of one that writes nothing, the code is that of Windows."""
        text = {"text": key} if len(key) == 1 else {}
        options = {"key": key, "windowsVirtualKeyCode": code, **text}
        self.send("Input.dispatchKeyEvent", type="keyDown", **options)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def send(self, method: str, **options: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": options}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._sent:
            pass  # an event
        result: dict[str, Any] = answer["result"]
        return result


@contextmanager
def detached_notebook(name: str, cells: Sequence[str]) -> Iterator[DetachedPage]:
    """Run a notebook in a fresh JupyterLab; its first cell is that of `notebook`."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        lab.write_notebook(name, [SETUP, *cells])
        with _chromium() as address:
            with sync_playwright() as playwright:
                browser = playwright.chromium.connect_over_cdp(address)
                page = browser.contexts[0].pages[0]
                page.add_init_script(f"({STOPWATCH})()")
                lab.open(page, name)
                lab.run_all(page)
                page.wait_for_timeout(5000)
                found = browser_of(page)
            with urllib.request.urlopen(f"{address}/json") as targets:
                tabs = [tab for tab in json.load(targets) if tab["url"].startswith(lab.url)]
            yield DetachedPage(tabs[0]["webSocketDebuggerUrl"], found)


@contextmanager
def _chromium() -> Iterator[str]:
    """Start Chromium and return the address of its DevTools."""
    with sync_playwright() as playwright:
        path = on_path() or playwright.chromium.executable_path
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = [*CHROMIUM_FLAGS, "--headless", "--window-size=1200,1700", "--hide-scrollbars"]
        command = [path, *flags, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        process = subprocess.Popen([*command, "about:blank"], stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{_port(Path(profile) / 'DevToolsActivePort')}"
        finally:
            process.terminate()
            process.wait()


def _port(file: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while not file.exists() or not file.read_text():
        if time.monotonic() > until:
            raise TimeoutError("Chromium did not start.")
        time.sleep(0.1)
    return file.read_text().split()[0]
