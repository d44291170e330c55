"""The rules of CONTRIBUTING.md about files: imports point one way, and a name means one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON, TYPESCRIPT = ROOT / "src", ROOT / "js/src"
COMPUTATION = ("inputs", "sweeps", "training", "structure", "models")
SHOWING = ("torchdial.widgets", "ipywidgets", "anywidget")
TWINS = {"TorchdialCallback"}  # of Lightning and of transformers


def module_name(path: Path) -> str:
    parts = path.relative_to(PYTHON).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in PYTHON.rglob("*.py")}


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports anywhere, also inside functions and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def python_imports() -> dict[str, set[str]]:
    """Return which modules in src each one imports."""
    found: dict[str, set[str]] = {}
    for module, tree in MODULES.items():
        found[module] = set()
        for name in imported_names(tree):
            target = name if name in MODULES else name.rpartition(".")[0]
            if target in MODULES and target != module:
                found[module].add(target)
    return found


def typescript_imports() -> dict[str, set[str]]:
    """Return which files each one imports, also for types alone."""
    return {
        str(path.relative_to(TYPESCRIPT)): {
            str(((path.parent / name).resolve()).relative_to(TYPESCRIPT)) + ".ts"
            for name in re.findall(r'from "(\.[^"]+)"', path.read_text("utf-8"))
        }
        for path in TYPESCRIPT.rglob("*.ts")
    }


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return files that import each other in a circle, or nothing."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("imports_of", [python_imports, typescript_imports])
def test_no_files_import_each_other(imports_of: Callable[[], dict[str, set[str]]]) -> None:
    found = imports_of()
    assert sum(map(len, found.values())) > 500  # the imports are found
    assert circle(found) == []


def test_a_circle_would_be_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize("package", COMPUTATION)
def test_computation_imports_nothing_that_shows(package: str) -> None:
    for module, tree in MODULES.items():
        if f"{module}.".startswith(f"torchdial.{package}."):
            shows = [name for name in imported_names(tree) if name.startswith(SHOWING)]
            assert shows == [], module


@pytest.mark.parametrize(("folder", "kind"), [(PYTHON, "py"), (TYPESCRIPT, "ts")])
def test_no_two_files_share_a_name(folder: Path, kind: str) -> None:
    names = [path.name for path in folder.rglob(f"*.{kind}") if path.stem != "__init__"]
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_no_two_classes_share_a_name() -> None:
    modules = defaultdict(list)
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(module)
    assert {name for name, found in modules.items() if len(found) > 1} == TWINS
