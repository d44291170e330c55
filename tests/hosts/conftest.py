"""Starts each host once for all of its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.hosts.host import HOSTS, Host, Shown
from tests.hosts.scene import write_scene

PICTURES = Path(__file__).parent / "pictures"
HEIGHT = 8000  # the whole scene is visible: hosts remove outputs that are not


@pytest.fixture(scope="module", params=HOSTS, ids=lambda host: host.name)
def shown(
    request: pytest.FixtureRequest,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shown]:
    host: Host = request.param
    folder = tmp_path_factory.mktemp("host")
    write_scene(folder)
    with host.serve(folder) as server:
        context = browser.new_context(viewport={"width": 1200, "height": HEIGHT})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_offline(host.offline)
        page = context.new_page()
        page.set_default_timeout(60_000)
        requests, errors = _watched(page, server.url)
        host.show(server, page)
        yield Shown(host, page, folder, requests, errors)
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{re.sub('[^a-z0-9]+', '-', host.name.lower())}.png")
        context.close()


def _watched(page: Page, home: str) -> tuple[list[str], list[str]]:
    """Block requests to other servers; return lists of them and of the page's errors."""
    requests: list[str] = []
    errors: list[str] = []

    def block_others(route: Route) -> None:
        if route.request.url.startswith((home, "data:", "blob:")):
            route.continue_()
        else:
            requests.append(route.request.url)
            route.abort()

    page.route("**/*", block_others)
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    return requests, errors
