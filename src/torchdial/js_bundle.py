"""The built JavaScript and CSS."""

from __future__ import annotations

import os
from pathlib import Path

STATIC = Path(__file__).parent / "static"


def bundle(name: str) -> str | Path:
    """Return the text of a built file, or with ANYWIDGET_HMR=1 its path, for hot reload.

    anywidget keeps a reference to every widget that is made from a path, so that it is never freed;
    with the text it does not.

    Raises:
        FileNotFoundError: it has not been built.
    """
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(
            f"torchdial's browser part is missing: expected {path}. In a checkout run "
            "`pip install -e .` (it brings its own Node); otherwise reinstall torchdial."
        )
    return path if os.environ.get("ANYWIDGET_HMR") == "1" else path.read_text(encoding="utf-8")
