"""The built site, opened from a disk in a browser without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from playwright.sync_api import Page

import torchdial.demo
from tests.docs.site import SITE, python_blocks
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import eventually

pytestmark = pytest.mark.docs

GROUND = "() => getComputedStyle(document.querySelector('.torchdial')).backgroundColor"
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 25, 29)"}


@pytest.fixture
def offline(page: Page) -> Iterator[Page]:
    """A page that requests nothing but files."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.context.set_offline(True)
    yield page
    page.context.set_offline(False)
    page.emulate_media(color_scheme=None)
    assert requests
    assert not [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]


def opened(page: Page, name: str) -> Page:
    page.goto(f"{SITE.as_uri()}/{name}")
    return page


def start_preview(monkeypatch: pytest.MonkeyPatch) -> torchdial.SegmentationPreview:
    """Return what the first block of the start page makes, in Python."""
    from page_code import run
    from trained_once import trained_once

    monkeypatch.setattr(torchdial.demo, "train_unet", trained_once(torchdial.demo.train_unet))
    torch.manual_seed(0)
    return run(python_blocks("index.md")[0], {}, "index.md")[0]


def test_the_dial_of_the_start_page_gives_pythons_pixels(
    offline: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = start_preview(monkeypatch)
    opened(offline, "index.html")
    frame = offline.locator(".live iframe").first
    frame.scroll_into_view_if_needed()
    dial = DialOnPage(offline, frame=frame.content_frame)
    dial.button("Mask").click()
    for stop in (50, 90, 12):
        dial.drag_to(stop)
        preview.threshold = stop / 100
        assert 0 < preview.mask(0).mean() < 255
        for cell in (0, 3):
            dial.eventually(lambda cell=cell: dial.shows(cell, preview.mask(cell)))


@pytest.mark.parametrize("theme", GROUNDS)
def test_a_frame_fits_its_widget_and_has_the_theme(theme: str, offline: Page) -> None:
    offline.emulate_media(color_scheme=theme)
    opened(offline, "index.html")
    handle = offline.locator(".live iframe").first
    handle.scroll_into_view_if_needed()
    element = handle.element_handle()
    frame = element.content_frame()
    assert frame
    frame.wait_for_selector("body[data-shown]")
    eventually(offline, lambda: frame.evaluate(GROUND) == GROUNDS[theme])
    fits = "() => document.documentElement.scrollHeight === innerHeight"
    eventually(offline, lambda: frame.evaluate(fits))
    other = {"light": "dark", "dark": "light"}[theme]
    offline.evaluate("theme => { document.documentElement.dataset.theme = theme; }", other)
    eventually(offline, lambda: frame.evaluate(GROUND) == GROUNDS[other])


def test_the_search_finds_the_words_of_an_error(offline: Page) -> None:
    opened(offline, "search.html?q=memory+for+one+image+at+a+time")
    found = offline.locator("#search-results li a", has_text="Troubleshooting")
    found.first.wait_for()


def test_a_frame_far_below_is_loaded_when_it_is_near(offline: Page) -> None:
    opened(offline, "gallery.html")
    frames = offline.locator(".live iframe")
    assert frames.count() >= 5
    offline.wait_for_timeout(500)
    assert frames.last.get_attribute("data-shown") is None
    frames.last.scroll_into_view_if_needed()
    eventually(offline, lambda: frames.last.get_attribute("data-shown") == "true")
