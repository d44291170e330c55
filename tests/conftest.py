"""One JupyterLab and one Chromium for the browser tests of a process, and a new page for each."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # tests without a browser need no Playwright
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

    from tests.e2e.lab import Lab
    from tests.e2e.page import Show


def pytest_collection_finish() -> None:
    """Exclude the imported modules from garbage collection, which makes it faster."""
    gc.freeze()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from tests.e2e.lab import Lab

    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    from tests.e2e.lab import launch_chromium

    chromium = launch_chromium(playwright)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def contexts() -> dict[float, BrowserContext]:
    """Contexts by device pixels per CSS pixel, kept for what pages have fetched and compiled."""
    return {}


@pytest.fixture
def page(
    playwright: Playwright,
    browser: Browser,
    contexts: dict[float, BrowserContext],
    request: pytest.FixtureRequest,
) -> Iterator[Page]:
    from tests.e2e.lab import launch_chromium

    density = getattr(request, "param", 1)
    if density not in contexts:
        chromium = browser if density == 1 else launch_chromium(playwright, density)
        contexts[density] = chromium.new_context(
            viewport={"width": 1200, "height": 1000}, device_scale_factor=density
        )
        contexts[density].grant_permissions(["clipboard-read", "clipboard-write"])
    page = contexts[density].new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    failed_before = request.session.testsfailed
    yield page
    if request.session.testsfailed > failed_before:
        failures = Path(__file__).parent / "e2e" / "failures"
        failures.mkdir(exist_ok=True)
        page.screenshot(path=failures / f"{request.node.name}.png")
    page.close()
    assert not [error for error in errors if "torchdial" in error]


@pytest.fixture
def show(page: Page, tmp_path: Path) -> Iterator[Show]:
    """Show widgets in a bare page."""
    from tests.e2e.page import bare_page

    with bare_page(page, tmp_path) as show:
        yield show
