"""Nested values with bytes among them, as JSON and a block; js/src/lib/report/unpack_bytes.ts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def without_bytes(value: Any, add: Callable[[Any], dict[str, Any]]) -> Any:
    """Return a value for JSON, with its bytes moved elsewhere.

    Args:
        value: plain values, and bytes anywhere among them.
        add: takes bytes and returns their placeholder, such as `Joined.add`.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return add(value)
    if isinstance(value, Mapping):
        return {str(key): without_bytes(item, add) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_bytes(item, add) for item in value]
    return value


class Joined:
    """Bytes one after the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, data: Any) -> dict[str, Any]:
        """Add bytes; return their placeholder for JSON."""
        self._parts.append(bytes(data))
        place = [self._length, len(self._parts[-1])]
        self._length += place[1]
        return {"$bytes": place}

    def bytes(self) -> bytes:
        """Return all bytes."""
        return b"".join(self._parts)
