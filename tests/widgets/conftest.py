"""A widget without a browser: what it sends is kept, what a browser would send is played."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from torchdial.training.runs import forget_runs


@pytest.fixture(autouse=True)
def _no_earlier_runs() -> None:
    """Runs are a process's; those of other tests are not to be drawn."""
    forget_runs()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[dict[str, Any], list[Any]]]]:
    """Every message of every widget, as (data, buffers)."""
    messages: list[tuple[dict[str, Any], list[Any]]] = []

    def record(_self: Any, data: dict[str, Any], buffers: Any = None) -> None:
        messages.append((data, list(buffers or [])))

    monkeypatch.setattr(ipywidgets.Widget, "_send", record)
    return messages
