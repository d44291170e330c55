"""Checks a wheel before it is published; prints what is wrong and fails.

python scripts/check_wheel.py dist/*.whl                 # holds the package and its JavaScript
python scripts/check_wheel.py dist/*.whl --tag v0.1.0    # and is of the version that is tagged
"""

from __future__ import annotations

import argparse
import runpy
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/torchdial"
STATIC = PACKAGE / "static"
BUILT = {".ts": ".js", ".css": ".css"}


def expected_files() -> set[str]:
    """Return what belongs into the package: its sources, and a built file for each widget's."""
    python = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and STATIC not in path.parents and "__pycache__" not in path.parts
    }
    entries = (path for path in (ROOT / "js/src").iterdir() if path.suffix in BUILT)
    return python | {f"torchdial/static/{path.stem}{BUILT[path.suffix]}" for path in entries}


def problems(wheel: Path, tag: str | None = None) -> list[str]:
    """Return what is wrong with a wheel, a line each.

    Args:
        wheel: the file.
        tag: the tag of its release, such as "v0.1.0"; None does not compare it.
    """
    expected = expected_files()
    version = runpy.run_path(str(PACKAGE / "version.py"))["__version__"]
    about = f"torchdial-{version}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    found = {name for name in sizes if not name.startswith(f"{about}/")}
    lines = [f"missing: {name}" for name in sorted(expected - found)]
    lines += [f"does not belong into it: {name}" for name in sorted(found - expected)]
    lines += [f"empty: {name}" for name in sorted(found) if "/static/" in name and not sizes[name]]
    if f"{about}/licenses/LICENSE" not in sizes:
        lines.append(f"missing: {about}/licenses/LICENSE")
    if tag is not None and tag != f"v{version}":
        lines.append(f"expected the tag v{version}, got {tag}: src/torchdial/version.py has it")
    return lines


def main() -> None:
    """Check the wheel that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--tag")
    arguments = parser.parse_args()
    wrong = problems(arguments.wheel, arguments.tag)
    if wrong:
        sys.exit("\n".join([f"{arguments.wheel}:", *wrong]))
    print(f"{arguments.wheel}: complete")


if __name__ == "__main__":
    main()
