"""Reads a report as a browser would, by the standard library alone."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


@dataclass
class Report(HTMLParser):
    """The parts of a page: the policy, texts of elements by id or tag, and names of all tags."""

    path: Path
    policy: str = ""
    tags: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = ""
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""
        self._inside = named.get("id") or ("boot" if named.get("type") == "module" else tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def part(self, name: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.texts[f"torchdial-{name}"]))

    @property
    def widgets(self) -> list[dict[str, Any]]:
        """What the widgets are made of, with bytes in their places."""
        data = self.part("bytes")

        def put(value: dict[str, Any]) -> Any:
            if "$bytes" not in value:
                return value
            start, length = value["$bytes"]
            return data[start : start + length]

        found: list[dict[str, Any]] = json.loads(self.part("state"), object_hook=put)
        return found
