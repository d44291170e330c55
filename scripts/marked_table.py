"""A table between two marks of a Markdown page, written from test results or compared with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


def to_markdown(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a Markdown table; the second one is the line below the headings."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_or_check(page: Path, start: str, end: str, table: str) -> None:
    """Write a table between two marks, or with --check exit if the page has another one there."""
    before, rest = page.read_text(encoding="utf-8").split(start)
    current, after = rest.split(end)
    if "--check" not in sys.argv[2:]:
        page.write_text(f"{before}{start}{table}{end}{after}", encoding="utf-8")
    elif current != table:
        sys.exit(f"{page.name} differs from what the tests found:\n{table}")
