"""Waiting in a page for what no locator can be asked."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from playwright.sync_api import Page


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
