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


def expect_change(root: Locator, action: Callable[[], object], rest: float) -> None:
    """Do something, and wait until what is shown is another picture; each after seconds of rest."""

    def picture() -> bytes:
        root.page.wait_for_timeout(1000 * rest)
        return root.screenshot()

    before = picture()
    action()
    root.page.mouse.move(0, 0)
    root.page.evaluate("() => document.activeElement?.blur()")
    eventually(root.page, lambda: picture() != before)
