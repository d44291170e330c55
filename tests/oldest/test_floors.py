"""`make oldest` tests with the oldest versions that pyproject.toml allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.version import Version

from tests.pins import assert_wins, pins_of

PINS = {pin.name: pin for pin in pins_of(Path(__file__).parent)}
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
EXTRAS = ("metrics", "lightning", "transformers", "demo")
REQUIREMENTS = [
    Requirement(line)
    for lines in (
        PROJECT["dependencies"],
        *(PROJECT["optional-dependencies"][extra] for extra in EXTRAS),
    )
    for line in lines
]
# JupyterLab does not run in the kernel; torch comes from the development environment.
FLOORS = [
    requirement for requirement in REQUIREMENTS if requirement.name not in ("jupyterlab", "torch")
]


@pytest.mark.parametrize("floor", FLOORS, ids=str)
def test_floor_is_pinned(floor: Requirement) -> None:
    (least,) = floor.specifier
    assert least.operator == ">="
    (pin,) = PINS[floor.name].specifier
    release = Version(least.version).release
    assert Version(pin.version).release[: len(release)] == release


@pytest.mark.parametrize("pin", PINS.values(), ids=str)
def test_pin_wins_over_the_development_environment(pin: Requirement) -> None:
    assert_wins(pin)
