"""Widgets in a bare page: a file by `save_html`, opened from disk in an offline browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

import torchdial as td

# The hostile names of the tests set `window.planted` if one is executed.
WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective));
"""
# Difference between the width of a canvas and its width in device pixels.
OFF_DENSITY = """canvas => {
  const { width } = canvas.getBoundingClientRect();
  return Math.abs(canvas.width - width * devicePixelRatio);
}"""
Show = Callable[..., Page]


@contextmanager
def bare_page(page: Page, folder: Path) -> Iterator[Show]:
    """Yield a function that shows widgets, with the options of `save_html`.

    Checks at the end that nothing was fetched, refused by the page's policy, executed or thrown.
    """
    expected: list[str] = []
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(WATCH)

    def show(*widgets: Any, **options: Any) -> Page:
        path = folder / f"{len(expected)}.html"
        td.save_html(widgets, path, **options)
        expected.append(path.as_uri())
        page.goto(path.as_uri())
        expect(page.locator("body")).to_have_attribute("data-shown", str(len(widgets)))
        return page

    page.context.set_offline(True)
    try:
        yield show
    finally:
        page.context.set_offline(False)
    assert requests == expected
    assert errors == []
    assert page.evaluate("() => [window.refused, window.planted ?? 0]") == [[], 0]
