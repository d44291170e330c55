"""The built site: its links, its size, and that it covers the API and every error."""

from __future__ import annotations

import html
import importlib
import inspect
import re
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from traitlets import TraitType

import torchdial as td
from tests.docs.site import PAGES, SITE

pytestmark = pytest.mark.docs

MB = 1_000_000
MODULES = ("", ".demo", ".figures", ".inputs", ".structure", ".sweeps", ".training")
MEMBERS = (FunctionType, property, cached_property, classmethod, staticmethod, TraitType)
FETCHES = {("img", "src"), ("script", "src"), ("iframe", "src"), ("link", "href")}


class Links(HTMLParser):
    """Names of a page that links may lead to, links, and what a browser fetches for it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.page, self.ids = page, set[str]()
        self.links, self.fetched = list[str](), list[str]()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for name, value in given.items():
            if (tag, name) in FETCHES and given.get("rel") not in ("search", "next", "prev"):
                self.fetched.append(value)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Links]:
    found = [path for path in SITE.rglob("*.html") if "_static" not in path.parts]
    assert len(found) > 30, "build the site first: make docs"
    return {path: Links(path) for path in found}


def test_every_link_leads_to_something(pages: dict[Path, Links]) -> None:
    broken = []
    for page, of in pages.items():
        for link in [*of.links, *of.fetched]:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = target in pages and parts.fragment
            if not target.is_file() or (known and parts.fragment not in pages[target].ids):
                broken.append(f"{page.relative_to(SITE)}: {link}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Links]) -> None:
    outside = {link for of in pages.values() for link in of.fetched if urlsplit(link).netloc}
    assert outside == set()
    for style in SITE.rglob("*.css"):
        urls = re.findall(r"url\(['\"]?([^'\")]+)", style.read_text(encoding="utf-8"))
        assert not [url for url in urls if urlsplit(url).netloc], style


def test_the_site_is_small() -> None:
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    assert size <= 30 * MB


def test_every_page_is_built() -> None:
    sources = {path.relative_to(PAGES).with_suffix("") for path in PAGES.rglob("*.md")}
    built = {path.relative_to(SITE).with_suffix("") for path in SITE.rglob("*.html")}
    assert sources - built == set()


def public() -> list[Any]:
    """Return every public object, once, with its first name."""
    found: dict[int, Any] = {}
    for name in MODULES:
        module = importlib.import_module(f"torchdial{name}")
        for each in module.__all__:
            value = getattr(module, each)
            if not inspect.ismodule(value) and not isinstance(value, str):
                found.setdefault(id(value), pytest.param(value, id=f"torchdial{name}.{each}"))
    return list(found.values())


def documented() -> list[Any]:
    """Return the objects that the API reference has an entry for."""
    text = "".join(path.read_text(encoding="utf-8") for path in (SITE / "api").glob("*.html"))
    return [named(name) for name in re.findall(r'<dt [^>]*id="([\w.]+)"', text)]


def named(name: str) -> Any:
    """Return what a dotted name stands for, None if nothing."""
    value, path = td, "torchdial"
    for part in name.split(".")[1:]:
        path += f".{part}"
        value = getattr(value, part) if hasattr(value, part) else module_at(path)
    return value


def module_at(path: str) -> Any:
    try:
        return importlib.import_module(path)
    except ImportError:
        return None  # an attribute that only instances have


DOCUMENTED = documented() if SITE.exists() else []


@pytest.mark.parametrize("value", public())
def test_the_api_reference_has_every_public_name(value: Any) -> None:
    assert any(value is each for each in DOCUMENTED)


@pytest.mark.parametrize("name", [name for name in dir(td) if inspect.isclass(getattr(td, name))])
def test_the_api_reference_has_every_public_member(name: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (SITE / "api").glob("*.html"))
    own = [base for base in getattr(td, name).__mro__ if base.__module__.startswith("torchdial")]
    members = {
        member
        for base in own
        for member, value in vars(base).items()
        if not member.startswith("_") and isinstance(value, MEMBERS) and value.__doc__
    }
    missing = [each for each in members if f'id="torchdial.{name}.{each}"' not in text]
    assert missing == []


def test_every_error_is_in_the_page_that_is_searched_for_it() -> None:
    from error_messages import by_part

    text = (SITE / "quality" / "troubleshooting.html").read_text(encoding="utf-8")
    shown = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text)))
    messages = [message for _, found in by_part() for message in found]
    assert len(messages) > 150
    assert [m for m in messages if re.sub(r"\s+", " ", m) not in shown] == []
