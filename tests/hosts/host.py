"""The hosts of widgets, and how each shows the scene."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page, expect

from tests.e2e.lab import Lab
from tests.hosts.scene import CELLS
from tests.hosts.servers import (
    Marimo,
    Notebook6,
    Notebook7,
    Reopened,
    Report,
    SavedPage,
    SavedWithoutState,
    Voila,
    VsCode,
)

CLASSIC_IS_READY = """() => {
  const notebook = window.Jupyter?.notebook;
  const kernel = notebook?.kernel;
  return notebook?._fully_loaded && kernel?.is_connected() && kernel.widget_manager;
}"""
# Its manager requests the kernel's widgets and then renders all outputs again; outputs made in
# between are lost, a plain slider's too. So this waits for such a request before it runs the cells.
RUN_CLASSIC = """async () => {
  await Jupyter.notebook.kernel.widget_manager._loadFromKernel();
  Jupyter.notebook.execute_all_cells();
}"""


@dataclass(frozen=True)
class Host:
    """A host of widgets.

    Attributes:
        name: as in the README.
        serve: starts it with the folder of the scene.
        show: opens and runs the scene in a page.
        shows: working widgets, only their static pictures, or nothing.
        buffers: JavaScript type in which it delivers bytes.
        has_kernel: whether widgets have a kernel in it.
        offline: whether it is opened from disk.
        wants: prefixes of the addresses that the host itself requests.
        pictures: selector of the pictures, if it shows no widgets.
    """

    name: str
    serve: Callable[[Path], AbstractContextManager[Any]]
    show: Callable[[Any, Page], None]
    shows: Literal["widgets", "pictures", "nothing"] = "widgets"
    buffers: str = "DataView"
    has_kernel: bool = True
    offline: bool = False
    wants: tuple[str, ...] = ()
    pictures: str = "img"


@dataclass
class Shown:
    """The scene in a page of a host.

    Attributes:
        requests: blocked requests to other servers than the host's.
        errors: errors of the page's scripts.
    """

    host: Host
    page: Page
    folder: Path
    requests: list[str]
    errors: list[str]

    @contextmanager
    def kernel_stopped(self) -> Iterator[None]:
        """Suspend the process of the kernel, if there is one."""
        if not self.host.has_kernel:
            yield
            return
        process = int((self.folder / "kernel.pid").read_text())
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)


def _show_in_lab(lab: Lab, page: Page) -> None:
    lab.open(page, "scene")
    lab.run_all(page)


def _show_in_notebook_6(server: Notebook6, page: Page) -> None:
    page.goto(f"{server.url}/notebooks/scene.ipynb")
    page.wait_for_function(CLASSIC_IS_READY, timeout=60_000, polling=200)
    page.evaluate(RUN_CLASSIC)


def _show_in_vscode(server: VsCode, page: Page) -> None:
    page.goto(f"{server.url}/static/page.html")
    page.evaluate("cells => { window.ran = runCells(cells) }", CELLS)


def _show_page(server: Any, page: Page) -> None:
    # Voila answers with a page as it runs the notebook, which takes as long as that.
    page.goto(server.url, wait_until="commit")


def _show_reopened(lab: Lab, page: Page) -> None:
    lab.open(page, "scene")
    expect(page.locator(".jp-OutputArea-output").first).to_be_attached()


LAB_PICTURES = ".jp-OutputArea img"
ICONS = ("https://cdn.jsdelivr.net/npm/@fortawesome/",)
SCRIPTS = ("https://cdnjs.cloudflare.com/ajax/libs/", "https://unpkg.com/@jupyter-widgets/")

HOSTS = (
    Host("JupyterLab 4", Lab, _show_in_lab),
    Host("Notebook 7", Notebook7, _show_in_lab),
    Host("VS Code's renderer", VsCode, _show_in_vscode),
    Host("Notebook 6, Colab's versions", Notebook6, _show_in_notebook_6),
    Host("marimo", Marimo, _show_page),
    Host("Voila", Voila, _show_page, wants=ICONS),
    Host("a file by `save_html`", Report, _show_page, has_kernel=False, offline=True),
    Host("a notebook opened again", Reopened, _show_reopened, "pictures", pictures=LAB_PICTURES),
    Host("nbconvert", SavedWithoutState, _show_page, "pictures", offline=True, wants=SCRIPTS),
    Host("nbconvert, state saved", SavedPage, _show_page, "nothing", offline=True, wants=SCRIPTS),
)
