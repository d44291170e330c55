"""The environment of `make colab` has Colab's versions, and torchdial does not change them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

from tests import test_notebooks
from tests.pins import assert_wins, pins_of

PINS = pins_of(Path(__file__).parent)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("pin", PINS, ids=str)
def test_pin_wins_over_the_development_environment(pin: Requirement) -> None:
    assert_wins(pin)


@pytest.mark.parametrize("name", ["anywidget", "ipykernel", "IPython", "ipywidgets", "traitlets"])
def test_pin_is_what_is_imported(name: str) -> None:
    (pin,) = (pin for pin in PINS if pin.name == name.lower())
    assert import_module(name).__version__ in pin.specifier


def test_ipywidgets_is_colabs() -> None:
    assert import_module("ipywidgets").__version__ == "7.7.1"


def requirements_of_torchdial() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dependencies: list[str] = project["dependencies"]
    return dependencies


def changes_by(*requirements: str) -> list[str]:
    """Return what pip would install for these requirements, without an index."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-index"]
    done = subprocess.run([*pip, "--report", "-", *requirements], capture_output=True, text=True)
    if done.returncode != 0:
        return [done.stderr]
    return [item["metadata"]["name"] for item in json.loads(done.stdout)["install"]]


def test_installing_torchdial_changes_no_version_of_colabs() -> None:
    """ipykernel, ipywidgets, traitlets and torch stay as they are."""
    assert changes_by(*requirements_of_torchdial()) == []


def test_the_first_cell_of_the_notebooks_changes_nothing_else() -> None:
    (install,) = re.findall(r'"install", "-q", (.+?)\]', test_notebooks.INSTALL)
    beside = re.findall(r'"([\w-]+)"', install)
    assert beside == ["pandas", "scikit-image", "scikit-learn"]
    assert changes_by(*requirements_of_torchdial(), *beside) == []


def test_a_floor_above_colabs_would_be_noticed() -> None:
    assert changes_by("ipywidgets>=8") != []
