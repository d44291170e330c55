"""Prints what an extra of torchdial requires: python scripts/extra.py docs."""

from __future__ import annotations

import sys
from importlib.metadata import requires

from packaging.requirements import Requirement

for text in requires("torchdial") or ():
    requirement = Requirement(text)
    if requirement.marker and requirement.marker.evaluate({"extra": sys.argv[1]}):
        print(requirement.name, requirement.specifier, sep="")
