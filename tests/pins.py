"""The versions that an environment is made of: what is asked for, and what is there."""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement


def pins_of(folder: Path) -> list[Requirement]:
    """Return what a folder's requirements.txt asks for on this Python."""
    lines = (folder / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]


def assert_wins(pin: Requirement) -> None:
    """See that it comes before what the development environment has of it."""
    found = distribution(pin.name)
    assert found.version in pin.specifier
    assert Path(str(found.locate_file(""))).is_relative_to(sys.prefix)
