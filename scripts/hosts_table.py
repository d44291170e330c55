"""Writes the table of hosts in docs/quality/hosts.md from the results of their tests.

python scripts/hosts_table.py results.xml             # writes the table
python scripts/hosts_table.py results.xml --check     # fails if the page has another one
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

from marked_table import to_markdown, write_or_check

PAGE = Path(__file__).parent.parent / "docs" / "quality" / "hosts.md"
START, END = "<!-- hosts: written by scripts/hosts_table.py -->\n", "<!-- /hosts -->\n"
HEADINGS = {
    "test_shown": "all widgets shown",
    "test_dial": "dial → exact mask, kernel stopped",
    "test_boxes": "dials → exact boxes, kernel stopped",
    "test_kernel": "dial reaches the kernel",
    "test_pages": "further pages",
    "test_live": "live points",
    "test_names": "hostile names stay text",
    "test_quiet": "nothing fetched or thrown",
    "test_bytes": "bytes come as",
}


def read_results(path: Path) -> dict[str, dict[str, str]]:
    """Return for each host what each test recorded; a failed test is "**no**"."""
    found: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        test, _, host = case.attrib["name"].rstrip("]").partition("[")
        recorded = {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        failed = case.find("failure") is not None or case.find("error") is not None
        found.setdefault(host, {})[test] = "**no**" if failed else recorded["does"]
    return found


def to_table(results: dict[str, dict[str, str]]) -> str:
    """Return a table with a row for each host."""
    rows = [["", *HEADINGS.values()], ["---"] * (1 + len(HEADINGS))]
    rows += [[host, *(does[test] for test in HEADINGS)] for host, does in results.items()]
    return to_markdown(rows)


def main() -> None:
    """Write the table, or check it."""
    table = to_table(read_results(Path(sys.argv[1])))
    write_or_check(PAGE, START, END, table)


if __name__ == "__main__":
    main()
