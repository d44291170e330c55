"""Waiting in a page for what no locator can be asked."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from playwright.sync_api import Locator, Page


def eventually(
    page: Page,
    check: Callable[[], bool],
    seconds: float = 20,
    explain: Callable[[], str] = lambda: "",
) -> None:
    """Wait until something holds, or explain what holds instead."""
    until = monotonic() + seconds
    while not check():
        assert monotonic() < until, f"did not come true within {seconds} s {explain()}"
        page.wait_for_timeout(100)


class Changes:
    """Does things one after the other, and sees that each changes a picture.

    Args:
        root: what is looked at.
        seconds: how long it takes to come to rest.
    """

    def __init__(self, root: Locator, seconds: float) -> None:
        self._root = root
        self._seconds = seconds

    def __call__(self, action: Callable[[], object]) -> None:
        before = self._picture()
        action()
        self._root.page.mouse.move(0, 0)
        self._root.page.evaluate("() => document.activeElement?.blur()")
        eventually(self._root.page, lambda: self._picture() != before)

    def _picture(self) -> bytes:
        self._root.page.wait_for_timeout(1000 * self._seconds)
        return self._root.screenshot()
