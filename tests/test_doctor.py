"""`python -m torchdial doctor`, in plain Python and in a kernel."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.widgets.live.kernel import Kernel, kernel
from torchdial.doctor import doctor, versions
from torchdial.version import __version__
from torchdial.widgets.notebook_host import notebook_host

NAMES = (
    *("torchdial", "Python", "torch", "widgets", "kernel"),
    *("pages", "others", "host", "shows", "clicks"),
)
RUN = "%run -m torchdial doctor"


def lines_of(text: str) -> dict[str, str]:
    pairs = [line.split(maxsplit=1) for line in text.splitlines()]
    assert tuple(name for name, _ in pairs) == NAMES
    return dict(pairs)


def in_new_python(*arguments: str) -> dict[str, str]:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return lines_of(done.stdout)


@pytest.fixture(scope="module")
def notebook() -> Iterator[Kernel]:
    with kernel() as started:
        yield started


def test_the_command_in_plain_python() -> None:
    lines = in_new_python("-m", "torchdial", "doctor")
    assert lines["torchdial"] == f"{__version__}, JavaScript: built"
    assert lines["Python"].startswith(f"{platform.python_version()} on ")
    assert lines["torch"].startswith(f"{torch.__version__}, ")
    assert lines["host"] == "plain Python"
    assert RUN in lines["shows"]


def test_every_version_is_that_of_the_installed_package() -> None:
    lines = lines_of(doctor())
    text = ", ".join(lines[name] for name in ("widgets", "kernel", "pages", "others"))
    found = dict(item.split() for item in text.split(", "))
    assert {"ipywidgets", "anywidget", "ipykernel", "numpy"} <= found.keys()
    installed: dict[str, str] = {}
    for each in metadata.distributions():  # the first of a name is the one that is imported
        name = re.sub(r"[-_.]+", "_", each.metadata["Name"] or "").lower()
        installed.setdefault(name, each.version)
    assert found == {name: installed.get(name, "–") for name in found}


def test_a_package_that_is_not_installed_is_a_dash() -> None:
    name = "torchdial-of-another-name"
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version(name)
    assert versions(["numpy", name]) == f"numpy {metadata.version('numpy')}, {name} –"


def test_without_the_built_javascript_it_says_so(tmp_path: Any) -> None:
    code = (
        f"import pathlib, torchdial.js_bundle as b; b.STATIC = pathlib.Path({str(tmp_path)!r})\n"
        "from torchdial.doctor import doctor; print(doctor())"
    )
    assert "FileNotFoundError: torchdial's browser part" in in_new_python("-c", code)["torchdial"]


def test_without_torch_it_says_so() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from torchdial.doctor import doctor; print(doctor())"
    )
    lines = in_new_python("-c", code)
    assert lines["torch"].startswith(f"{metadata.version('torch')}, ModuleNotFoundError: ")


def test_in_a_kernel(notebook: Kernel) -> None:
    lines = lines_of(notebook.run(RUN))
    assert lines["host"] == "Jupyter"
    assert lines["shows"].startswith("widgets")
    assert "while `monitor.loop` blocks its cell" in lines["clicks"]


def test_in_a_kernel_of_vs_code(notebook: Kernel) -> None:
    notebook.run("__vsc_ipynb_file__ = 'a.ipynb'")
    try:
        lines = lines_of(notebook.run(RUN))
    finally:
        notebook.run("del __vsc_ipynb_file__")
    assert lines["host"] == "VS Code"
    assert lines["clicks"].startswith("Clicks act here once the cell has ended")


HOSTS = {
    "jupyter lab": ({}, ["/opt/bin/python3", "/opt/bin/jupyter-lab"], "JupyterLab"),
    "python -m jupyterlab": ({}, ["python", "-m", "jupyterlab"], "JupyterLab"),
    "jupyter lab on Windows": ({}, ["jupyter-lab.exe", "--port=8889"], "JupyterLab"),
    "jupyter notebook": ({}, ["python", "/opt/notebook/bin/jupyter-notebook"], "Notebook"),
    "a lab in a folder named notebook": ({}, ["python", "jupyter-lab", "notebook"], "JupyterLab"),
    "voila": ({}, ["python", "/opt/bin/voila", "a.ipynb"], "Voila"),
    "a hub": ({}, ["python", "/opt/bin/jupyterhub-singleuser"], "Jupyter"),
    "unknown": ({}, [], "Jupyter"),
    "VS Code": ({"__vsc_ipynb_file__": "a.ipynb"}, ["node"], "VS Code"),
}


@pytest.mark.parametrize(("user_ns", "server", "name"), HOSTS.values(), ids=HOSTS)
def test_the_host_is_recognised(user_ns: dict[str, str], server: list[str], name: str) -> None:
    shell = SimpleNamespace(kernel=object(), user_ns=user_ns)
    assert notebook_host(shell, (), server) == name


def test_colab_is_recognised_by_its_module() -> None:
    shell = SimpleNamespace(kernel=object(), user_ns={})
    assert notebook_host(shell, {"google.colab"}, ["python", "jupyter-notebook"]) == "Colab"


@pytest.mark.parametrize("shell", [None, SimpleNamespace(user_ns={})], ids=["python", "ipython"])
def test_without_a_kernel_it_is_plain_python(shell: Any) -> None:
    assert notebook_host(shell, {"google.colab"}, ["jupyter-lab"]) == "plain Python"
