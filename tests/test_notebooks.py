"""The notebooks as they are committed: nothing of a run in them, a badge, and what they install."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import torchdial
from scripts.run_notebooks import NOTEBOOKS, results_in

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
ON_COLAB = "https://colab.research.google.com/github/torchdial/torchdial/blob/main/notebooks/"
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
INSTALL = """\
try:
    import torchdial as td
except ImportError:  # as on Colab
    import subprocess
    import sys

    pip = [sys.executable, "-m", "pip", "install", "-q", "pandas", "scikit-image", "scikit-learn"]
    repository = "https://github.com/torchdial/torchdial"
    if subprocess.run([*pip, "torchdial"], capture_output=True).returncode:  # before its release
        subprocess.run([*pip, f"{repository}/archive/refs/heads/main.zip"], check=True)
    import torchdial as td
"""
ARCHIVE = "https://github.com/torchdial/torchdial/archive/refs/heads/main.zip"
# What that brings: torchdial, what it depends on, and what its demo's pictures are made of.
INSTALLED = {"torchdial", "torch", "numpy", "ipywidgets", "IPython", "bqplot", "matplotlib"}
INSTALLED |= {"pandas", "skimage", "sklearn"}
MACHINE = re.compile(r"/(home|root|Users|tmp|work|content|mnt)/|[A-Z]:\\|localhost|127\.0\.0\.1")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_each_has_a_number_of_its_own() -> None:
    numbers = [int(path.stem[:2]) for path in PATHS]
    assert len(numbers) >= 8
    assert numbers == sorted(set(numbers))


def test_nothing_of_a_run_is_committed(path: Path) -> None:
    assert results_in(read(path)) == []
    assert not MACHINE.search("\n".join(cell.source for cell in read(path).cells))


def test_the_badge_opens_this_notebook(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert f"{BADGE}({ON_COLAB}{path.name})" in first.source


def test_the_first_cell_of_code_installs_what_is_missing(path: Path) -> None:
    first, *others = code_of(read(path))
    assert f"{first}\n".startswith(INSTALL)
    lines = "\n".join(others).splitlines()
    assert not [line for line in lines if line.lstrip().startswith(("%", "!"))]


@pytest.mark.parametrize("released", [True, False], ids=["released", "before the release"])
def test_the_first_cell_installs_from_where_it_can(
    released: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        installed.append(command[-1])
        fails = command[-1] == "torchdial" and not released
        if not fails:
            sys.modules["torchdial"] = torchdial
        return subprocess.CompletedProcess(command, int(fails))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setitem(sys.modules, "torchdial", None)  # as if it were not there
    names: dict[str, Any] = {}
    exec(INSTALL, names)
    assert names["td"] is torchdial
    assert installed == (["torchdial"] if released else ["torchdial", ARCHIVE])


def test_what_is_imported_is_installed(path: Path) -> None:
    sources = "\n".join(code_of(read(path)))
    assert imported(ast.parse(sources)) - sys.stdlib_module_names <= INSTALLED


def imported(tree: ast.AST) -> set[str]:
    """Return what is imported for certain; after `try` or `if` the notebook can do without."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
        elif not isinstance(node, ast.Try | ast.If):
            found |= imported(node)
    return found


def run_it(notebook: Any) -> None:
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text="said")]


def count_it(notebook: Any) -> None:
    next(cell for cell in notebook.cells if cell.cell_type == "code").execution_count = 1


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        (run_it, "outputs"),
        (count_it, "execution counts"),
        (lambda n: n.metadata.update(widgets={}), "widget state"),
        (lambda n: n.metadata.kernelspec.update(name="my-env"), "metadata of a machine"),
        (lambda n: n.metadata.language_info.update(version="3.11.2"), "metadata of a machine"),
        (lambda n: n.metadata.update(colab={"provenance": []}), "metadata of a machine"),
        (lambda n: n.cells[0].metadata.update(id="x"), "metadata of a machine"),
    ],
    ids=["output", "count", "widgets", "kernel", "version", "Colab", "cell"],
)
def test_what_a_run_leaves_is_found(leave: Callable[[Any], None], expected: str) -> None:
    notebook = read(PATHS[0])
    leave(notebook)
    assert results_in(notebook) == [expected]
