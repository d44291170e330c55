"""Where the built JavaScript lies."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"


def bundle(name: str) -> Path:
    """Return the path of a built file.

    Raises:
        FileNotFoundError: it has not been built.
    """
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(
            f"torchdial's browser part is missing: expected {path}. In a checkout run "
            "`pip install -e .` (it brings its own Node); otherwise reinstall torchdial."
        )
    return path
