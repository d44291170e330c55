"""Programs that show notebooks, as servers in the folder of the scene."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page

import torchdial as td
from tests.e2e.lab import Lab, wait_for_kernel
from tests.e2e.server import Server
from tests.hosts.scene import PLOTS, RUN, SHOWN, make_truth

ROOT = Path(__file__).parents[2]
HOSTS = ROOT / ".venv-hosts/bin"
COLAB = ROOT / ".venv-colab/bin"
SHARED = Path(sys.prefix) / "share/jupyter"  # extensions of the environment that runs the tests
VSCODE = Path(__file__).parent / "vscode/build"
JUPYTER = ("--ServerApp.token=", "--ServerApp.password=", "--no-browser", "--allow-root")

P = TypeVar("P", bound="SavedPage")


class HostServer(Server):
    """A server that finds the extensions of the environment that runs the tests."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"JUPYTER_PATH": str(SHARED)}

    def at(self, option: str = "") -> list[str]:
        """Return where to serve as options of a Jupyter application."""
        return [f"--{option}port={self.port}", f"--{option}ip=127.0.0.1"]


class Notebook7(Lab, HostServer):
    def open(self, page: Page, name: str) -> None:
        page.goto(f"{self.url}/notebooks/{name}.ipynb")
        wait_for_kernel(page, name)

    def environment(self) -> dict[str, str]:
        """Put JupyterLab's application directory beside Notebook's, which is in another place."""
        application = self.folder / "application"
        schemas = application / "schemas"
        schemas.mkdir(parents=True)
        (application / "themes").symlink_to(SHARED / "lab/themes")
        for place in (SHARED, HOSTS.parent / "share/jupyter"):
            for each in (place / "lab/schemas").iterdir():
                if not (schemas / each.name).exists():
                    (schemas / each.name).symlink_to(each)
        return super().environment() | {"JUPYTERLAB_DIR": str(application)}

    def command(self) -> list[str]:
        return [
            *(str(HOSTS / "python"), "-m", "notebook", *JUPYTER, *self.at()),
            f"--ServerApp.root_dir={self.folder}",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]


class Notebook6(Server):
    """Notebook 6, with a kernel that has Colab's versions."""

    def command(self) -> list[str]:
        return [
            *(str(COLAB / "python"), "-m", "notebook", "--no-browser", "--allow-root"),
            *(f"--port={self.port}", "--ip=127.0.0.1", f"--notebook-dir={self.folder}"),
            *("--NotebookApp.token=", "--NotebookApp.password="),
        ]


class VsCode(HostServer):
    """A server for kernels and for the page with VS Code's renderer."""

    def command(self) -> list[str]:
        anywidget = self.folder / "static/anywidget.js"
        shutil.copytree(VSCODE, anywidget.parent)
        shutil.copy(SHARED / "nbextensions/anywidget/index.js", anywidget)
        return [
            *(sys.executable, "-m", "jupyter", "server", *JUPYTER, *self.at()),
            f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.extra_static_paths=['{anywidget.parent}']",
        ]


class Marimo(HostServer):
    ready = "/health"

    def command(self) -> list[str]:
        marimo = str(HOSTS / "marimo")
        subprocess.run(
            [marimo, "-q", "convert", "scene.ipynb", "-o", "scene.py"],
            cwd=self.folder,
            env=self.environment(),
            check=True,
        )
        return [
            *(marimo, "-q", "-y", "run", "scene.py", "--headless", "--no-token"),
            *("--host=127.0.0.1", f"--port={self.port}"),
        ]


class Voila(HostServer):
    ready = "/voila/static/voila.js"

    def environment(self) -> dict[str, str]:
        """Let its own templates take precedence over nbconvert's of the same names."""
        own = HOSTS.parent / "share/jupyter"
        return super().environment() | {"JUPYTER_PATH": f"{own}{os.pathsep}{SHARED}"}

    def command(self) -> list[str]:
        return [
            *(str(HOSTS / "voila"), "scene.ipynb", "--no-browser", "--token="),
            *(f"--port={self.port}", "--Voila.ip=127.0.0.1"),
        ]


class SavedPage:
    """The scene run and saved as a page, which is opened from disk."""

    options: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = (folder / "scene.html").as_uri()

    def __enter__(self: P) -> P:
        command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute"]
        subprocess.run(
            [*command, *self.options, "scene.ipynb"],
            cwd=self.folder,
            env=os.environ | {"JUPYTER_CONFIG_DIR": str(self.folder)},
            check=True,
            capture_output=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Report(SavedPage):
    """The widgets written into one file by `torchdial.save_html`."""

    def __enter__(self) -> Report:
        folder = self.folder
        names = make_truth()
        exec(f"{RUN}\n{PLOTS}", names)
        td.save_html([names[name] for name in SHOWN], folder / "scene.html")
        return self


class SavedWithoutState(SavedPage):
    options = ("--ExecutePreprocessor.store_widget_state=False",)


class Reopened(Lab):
    """JupyterLab over a notebook that was run and saved elsewhere."""

    def command(self) -> list[str]:
        subprocess.run(
            [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace",
             *SavedWithoutState.options, "scene.ipynb"],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )  # fmt: skip
        return super().command()
