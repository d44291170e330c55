"""The documentation as `make docs` built it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs"
SITE = ROOT / "build" / "site"

# The build's own code, which runs the blocks of the pages.
sys.path.insert(0, str(PAGES / "_extensions"))


def python_blocks(page: str) -> list[str]:
    """Return the Python blocks of a page's source."""
    blocks: list[str] = []
    inside = False
    for line in (PAGES / page).read_text(encoding="utf-8").splitlines():
        if line == "```python":
            blocks.append("")
            inside = True
        elif line == "```":
            inside = False
        elif inside:
            blocks[-1] += f"{line}\n"
    return blocks
