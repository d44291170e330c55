"""A report in a frame of another page, both opened from a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page

import torchdial as td
from tests.e2e import maps
from tests.e2e.eventually import eventually

pytestmark = pytest.mark.browser

AROUND = """<!doctype html>
<iframe src="report.html" width="900" height="150"></iframe>
<script>
const frame = document.querySelector("iframe");
window.heights = [];
addEventListener("message", ({ source, data }) => {
  if (source === frame.contentWindow && data.type === "torchdial-height") heights.push(data.height);
});
const send = (type, theme) => frame.contentWindow.postMessage({ type, theme }, "*");
</script>
"""
STYLES = """() => {
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".torchdial"));
  return [color, backgroundColor, getComputedStyle(document.documentElement).colorScheme];
}"""
LIGHT = ["rgb(31, 35, 40)", "rgb(255, 255, 255)", "light"]
DARK = ["rgb(230, 232, 234)", "rgb(22, 25, 29)", "dark"]


@pytest.fixture
def report(page: Page, tmp_path: Path) -> Frame:
    td.SegmentationPreview(maps.images, maps.probs, maps.probs > 0.5).save_html(
        tmp_path / "report.html", title="A report"
    )
    around = tmp_path / "page.html"
    around.write_text(AROUND)
    page.goto(around.as_uri())
    (frame,) = page.main_frame.child_frames
    frame.wait_for_selector("body[data-shown]")
    return frame


def height_of(report: Frame) -> int:
    return report.evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")


def last_height(page: Page) -> int:
    return page.evaluate("() => heights.at(-1)")


def test_sends_its_height_and_each_new_one(page: Page, report: Frame) -> None:
    eventually(page, lambda: last_height(page) == height_of(report))
    before = last_height(page)
    assert before > 300
    page.evaluate("() => { frame.width = 300; }")
    eventually(page, lambda: last_height(page) > before and last_height(page) == height_of(report))


@pytest.mark.parametrize("system", ["light", "dark"])
def test_has_the_theme_of_the_page_whatever_the_system_has(
    system: str, page: Page, report: Frame
) -> None:
    page.emulate_media(color_scheme=system)
    for theme, colors in [("dark", DARK), ("light", LIGHT), ("dark", DARK)]:
        page.evaluate("theme => send('torchdial-theme', theme)", theme)
        eventually(page, lambda colors=colors: report.evaluate(STYLES) == colors)
    page.emulate_media(color_scheme=None)


def test_leaves_title_and_footer_to_the_page(page: Page, report: Frame) -> None:
    assert report.locator("h1").is_visible()
    page.evaluate("() => send('torchdial-theme', 'light')")
    report.locator("h1").wait_for(state="hidden")
    assert not report.locator("footer").is_visible()
    eventually(page, lambda: last_height(page) == height_of(report))


def test_takes_no_other_message_and_no_other_sender(page: Page, report: Frame) -> None:
    page.emulate_media(color_scheme="light")
    page.evaluate("() => send('theme', 'dark')")
    report.evaluate("() => window.postMessage({ type: 'torchdial-theme', theme: 'dark' }, '*')")
    report.evaluate("() => new Promise(done => setTimeout(done, 50))")
    assert report.evaluate(STYLES)[:2] == LIGHT[:2]
    assert report.locator("h1").is_visible()
    page.emulate_media(color_scheme=None)
