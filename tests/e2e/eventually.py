"""Waits on a page for conditions that no locator expresses."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from playwright.sync_api import Locator, Page, expect

COMPUTING = ".torchdial-waiting:visible, .torchdial-map-waiting:visible"


def eventually(
    page: Page,
    check: Callable[[], bool],
    seconds: float = 60,
    explain: Callable[[], str] = lambda: "",
) -> None:
    """Wait until a check passes; `explain` tells the state if it does not."""
    until = monotonic() + seconds
    while not check():
        assert monotonic() < until, f"the check did not pass within {seconds} s {explain()}"
        page.wait_for_timeout(100)


def copied_by(button: Locator) -> str:
    """Press a button and return what it copies."""
    page = button.page
    page.evaluate("() => navigator.clipboard.writeText('')")
    button.click()
    texts: list[str] = []

    def is_there() -> bool:
        texts.append(page.evaluate("() => navigator.clipboard.readText()"))
        return texts[-1] != ""

    eventually(page, is_there)
    return texts[-1]


class Changes:
    """Runs actions on a widget, each of which must change its picture."""

    def __init__(self, root: Locator) -> None:
        self._root = root
        self._before = still_picture(root)

    def __call__(self, action: Callable[[], object]) -> None:
        action()
        self._root.page.mouse.move(0, 0)
        self._root.page.evaluate("() => document.activeElement?.blur()")
        eventually(self._root.page, self._has_changed)

    def _has_changed(self) -> bool:
        before, self._before = self._before, still_picture(self._root)
        return before != self._before


def still_picture(root: Locator) -> bytes:
    """Return a screenshot after all computation and movement has ended."""
    expect(root.locator(COMPUTING)).to_have_count(0)
    earlier, now = b"", root.screenshot()
    while now != earlier:
        root.page.wait_for_timeout(50)
        earlier, now = now, root.screenshot()
    return now
