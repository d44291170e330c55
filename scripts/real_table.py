"""Writes the table of docs/real_libraries.md from the results of `make real`.

python scripts/real_table.py results.xml             # writes the table
python scripts/real_table.py results.xml --check     # fails if the page has another one
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

from marked_table import to_markdown, write_or_check

PAGE = Path(__file__).parent.parent / "docs" / "real_libraries.md"
START, END = "<!-- real: written by scripts/real_table.py -->\n", "<!-- /real -->\n"
HEADINGS = ["library", "version", "cases", "differing"]


def read_results(path: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Return for each library and its version how many cases there were and how many differed.

    A test that compares nothing is one case, and one that fails, also as expected, differs in one
    at least.
    """
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        if skipped is not None and skipped.attrib["type"] == "pytest.skip":
            continue
        said = {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        passed = all(case.find(tag) is None for tag in ("failure", "error", "skipped"))
        differing = max(int(said["differing"]), not passed)
        cases = max(int(said["cases"]), 1, differing)
        key = (said["library"], said["version"])
        before = found.get(key, (0, 0))
        found[key] = (before[0] + cases, before[1] + differing)
    return found


def to_table(results: dict[tuple[str, str], tuple[int, int]]) -> str:
    """Return a table with a row for each library."""
    rows = [HEADINGS, ["---", "---", "---:", "---:"]]
    rows += [[*key, *(f"{n:,}" for n in counts)] for key, counts in sorted(results.items())]
    return to_markdown(rows)


def main() -> None:
    """Write the table, or check it."""
    table = to_table(read_results(Path(sys.argv[1])))
    write_or_check(PAGE, START, END, table)


if __name__ == "__main__":
    main()
