"""The words of every error that torchdial raises, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import torchdial

SOURCES = Path(torchdial.__file__).parent
VALUE = "…"


def messages(source: str) -> Iterator[str]:
    """Yield the words of each error in a file, with … for what depends on the call."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(args=[name, *_], keywords=[_, *_] as given):
                parts = {word.arg: words(word.value) for word in given}
                expected, remedy = parts.get("expected", VALUE), parts.get("remedy", VALUE)
                if expected != VALUE or ("got" in parts and remedy != VALUE):
                    got = parts.get("got", VALUE)
                    yield f"{words(name)}: expected {expected}, got {got}. {remedy}"
            case ast.Raise(exc=ast.Call(func=kind, args=[text, *_])):
                if ast.unparse(kind).endswith("Error") and words(text) != VALUE:
                    yield words(text)


def words(node: ast.expr) -> str:
    """Return a text of the source, with … for what is computed."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(words(part) for part in parts)
        case ast.BinOp(left, ast.Add(), right):
            return words(left) + words(right)
    return VALUE


def by_part() -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of torchdial and their messages."""
    for part in sorted(SOURCES.iterdir()):
        files = sorted(part.rglob("*.py")) if part.is_dir() else [part]
        found = [
            text for file in files if file.suffix == ".py" for text in messages(file.read_text())
        ]
        if found:
            yield f"torchdial.{part.stem}", sorted(set(found), key=str.casefold)
