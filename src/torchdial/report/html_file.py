"""Writes widgets into one HTML file that works without kernel and network.

The content security policy of the page (https://www.w3.org/TR/CSP3/) allows only the file's own
scripts and style, by their hashes. Texts from users are stored in compressed JSON, so that no name
can end a script element or begin a comment; js/src/report.ts reads it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import math
import platform
import warnings
import zlib
from collections.abc import Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from torchdial.atomic_files import whole_file
from torchdial.inputs.arguments import of_kind, refuse_no_path
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_whole
from torchdial.js_bundle import bundle
from torchdial.report.packed_bytes import without_bytes
from torchdial.report.saved_widget import MAX_BYTES, SavedWidget
from torchdial.version import __version__

GZIP = 31  # zlib's wbits for a gzip header and its checksum
NAME_BYTES = 64  # upper bound for the key and position of one plane
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{made}</p>
<p>Opening the report, which needs JavaScript.</p>
</main>
<footer>This file needs no network: nothing is fetched.</footer>
<script type="text/plain" id="torchdial-state">{state}</script>
<script type="text/plain" id="torchdial-bytes">{bytes}</script>
<script type="text/plain" id="torchdial-code">{code}</script>
<script type="module">{boot}</script>
</body>
</html>
"""


def write_html(
    widgets: Sequence[SavedWidget],
    path: str | PathLike[str],
    *,
    title: str = "torchdial",
    max_bytes: int | None = MAX_BYTES,
) -> None:
    """Write widgets into one HTML file, see `torchdial.save_html`.

    Args:
        widgets: the widgets, at least one.
        path: the file. An existing one stays until the new one is complete.
        title: title of the page.
        max_bytes: largest size of the file, None for no limit. If not all images fit, the first
            ones of each widget are kept, with a note in the page and a warning.

    Raises:
        OSError: the file cannot be written.
        ValueError: not even one image fits.
    """
    refuse_no_path("path", path)
    of_kind("title", title, str, expected="text", remedy="Pass a title as a string.")
    if max_bytes is not None:
        max_bytes = to_whole("max_bytes", max_bytes, 1, remedy="Pass 64 << 20, or None.")
    block = _Block()
    entries = [_entry(each, block) for each in widgets]
    room = math.inf if max_bytes is None else max_bytes - len(_page(title, entries, block).encode())
    start = block.size()
    block = _with_pictures(widgets, entries, block, room)
    block = _with_frames(widgets, entries, block, room + start)
    for entry, each in zip(entries, widgets, strict=True):
        _note_left_out(entry, each, max_bytes)
    page = _page(title, entries, block).encode()
    if max_bytes is not None and len(page) > max_bytes:
        raise _too_little(max_bytes, f"at least {len(page):,}")
    with whole_file(Path(path)) as file:
        file.write(page)


def _entry(saved: SavedWidget, block: _Block) -> dict[str, Any]:
    """Return the entry of a widget, without pictures, for js/src/lib/report/file_host.ts."""
    return {
        "stem": saved.stem,
        "state": without_bytes(saved.state, block.add),
        "distributions": without_bytes(saved.distributions, block.add),
        "pictures": {},
        "frames": {},
        "kept": 0,
        "note": "",
        "title": saved.title,
        "text": saved.text,
    }


def _with_pictures(
    saved: Sequence[SavedWidget], entries: Sequence[dict[str, Any]], block: _Block, room: float
) -> _Block:
    """Add the first picture of every widget, then the second, until the room is used up."""
    names, start = 0, block.size()
    for index in range(max(each.num_pictures for each in saved)):
        for each, entry in zip(saved, entries, strict=True):
            if index >= each.num_pictures:
                continue
            larger = block.copy()
            pictures = without_bytes(each.picture(index), larger.add)
            names += NAME_BYTES * len(pictures)
            if larger.size() - start + names > room:
                return block
            block = larger
            entry["pictures"] |= pictures
            entry["kept"] = index + 1
    return block


def _with_frames(
    saved: Sequence[SavedWidget], entries: Sequence[dict[str, Any]], block: _Block, room: float
) -> _Block:
    """Add the most important earlier frame of every widget, then the second, while there is room.

    They show the pictures that are in the file, and come after all of these.
    """
    for index in range(max(len(each.frames) for each in saved)):
        for each, entry in zip(saved, entries, strict=True):
            if index >= len(each.frames) or entry["kept"] < each.num_pictures:
                continue
            larger = block.copy()
            step = each.frames[index]
            frame = without_bytes(each.frame(step), larger.add)
            names = sum(len(json.dumps(one["frames"])) for one in entries) + len(json.dumps(frame))
            if larger.size() + names > room:
                return block
            block = larger
            entry["frames"][str(step)] = frame
    return block


def _note_left_out(entry: dict[str, Any], saved: SavedWidget, max_bytes: int | None) -> None:
    """Add a note to the page and warn if pictures or frames were left out.

    Raises:
        ValueError: all pictures were left out.
    """
    if saved.frames:
        about = entry["state"]["_frame"]["about"]
        about["kept"] = sorted([about["step"], *map(int, entry["frames"])])
    if entry["kept"] == saved.num_pictures:
        if len(entry["frames"]) < len(saved.frames):
            _add_note(
                entry,
                saved,
                f"Pictures of {len(entry['frames']) + 1:,} of {len(saved.frames) + 1:,} steps are "
                f"in this file, to keep it under {max_bytes:,} bytes; metrics cover all steps.",
            )
        return
    if entry["kept"] == 0:
        raise _too_little(max_bytes, "room for one image of each widget")
    entry["state"]["_config"]["in_file"] = entry["kept"]
    only, steps = (", at the newest step alone,", " and steps") if saved.frames else ("", "")
    _add_note(
        entry,
        saved,
        f"{entry['kept']:,} of {saved.num_pictures:,} images{only} are in this file, to keep it "
        f"under {max_bytes:,} bytes; metrics cover all images{steps}.",
    )


def _add_note(entry: dict[str, Any], saved: SavedWidget, note: str) -> None:
    entry["note"] = note
    warnings.warn(f"torchdial.save_html: {saved.stem}: {note}", stacklevel=4)


def _too_little(max_bytes: int | None, expected: str) -> ValueError:
    return refusal(
        "max_bytes",
        expected=expected,
        got=f"{max_bytes:,}",
        remedy="Pass a larger max_bytes, or None for no limit.",
    )


def _page(title: str, entries: Sequence[dict[str, Any]], block: _Block) -> str:
    style, boot, code = (_text(name) for name in ("report.css", "boot.js", "report.js"))
    scripts = f"{_hash(boot)} {_hash(code)}"
    return PAGE.format(
        policy=f"default-src 'none'; script-src {scripts}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        title=html.escape(title),
        style=style,
        made=f"{date.today()} · torchdial {__version__}, PyTorch {torch.__version__}, "
        f"Python {platform.python_version()}",
        state=_base64(gzip.compress(json.dumps(entries, allow_nan=False).encode(), mtime=0)),
        bytes=block.base64(),
        code=_base64(gzip.compress(code.encode(), mtime=0)),
        boot=boot,
    )


def _text(name: str) -> str:
    """Return the text of a built file, without a final newline, as in a script element."""
    found = bundle(name)
    text = found if isinstance(found, str) else found.read_text(encoding="utf-8")
    return text.strip()


def _hash(text: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class _Block:
    """Bytes that are compressed as they are added, so that their size is known."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(wbits=GZIP)
        self._parts: list[bytes] = []
        self._length = 0  # before compression
        self._size = 0  # after it

    def add(self, data: Any) -> dict[str, Any]:
        """Add bytes; return their placeholder for JSON."""
        place = [self._length, memoryview(data).nbytes]
        self._length += place[1]
        self._take(self._compress.compress(data))
        return {"$bytes": place}

    def size(self) -> int:
        """Return the length in base64 so far."""
        self._take(self._compress.flush(zlib.Z_SYNC_FLUSH))
        return self._size * 4 // 3

    def copy(self) -> _Block:
        """Return a copy with the same bytes."""
        block = _Block()
        block._compress, block._parts = self._compress.copy(), list(self._parts)
        block._length, block._size = self._length, self._size
        return block

    def base64(self) -> str:
        """Return all bytes in base64; more may be added later."""
        return _base64(b"".join([*self._parts, self._compress.copy().flush()]))

    def _take(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
