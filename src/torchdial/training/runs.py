"""The runs of this process: numbered, named, the newest last."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from torchdial.training.history import History

KEPT = 32
_lock = threading.Lock()
_runs: list[History] = []
_begun = 0


def begin(name: str | None = None, config: Mapping[str, Any] | None = None) -> History:
    """Return the history of a new run; the earlier ones stay, up to the newest 32.

    Args:
        name: what to call it; None is "run 3" for the third of this process.
        config: its settings.
    """
    global _begun
    with _lock:
        _begun += 1
        history = History(name or f"run {_begun}", config)
        history.number = _begun
        _runs.append(history)
        del _runs[:-KEPT]
    return history


def runs() -> list[History]:
    """Return the histories of this process, the newest last."""
    with _lock:
        return list(_runs)
