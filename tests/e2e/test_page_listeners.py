"""A live plot in a page without a host has listeners on the page only while it is shown."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

import torchdial as td
from torchdial.js_bundle import STATIC

pytestmark = pytest.mark.browser

# Tracks the listeners on the window, the document and media queries.
COUNT = """
window.held = new Map();
const { addEventListener, removeEventListener } = EventTarget.prototype;
const ids = new Map();
const idOf = thing => ids.get(thing) ?? (ids.set(thing, ids.size), ids.get(thing));
const keyOf = (target, type, callback, how) =>
  [idOf(target), type, idOf(callback), typeof how === 'object' ? !!how?.capture : !!how].join();
EventTarget.prototype.addEventListener = function (type, callback, how) {
  const target = this ?? window;
  const isOfPage = [window, document].includes(target) || target instanceof MediaQueryList;
  if (isOfPage) held.set(keyOf(target, type, callback, how), target);
  return addEventListener.call(target, type, callback, how);
};
EventTarget.prototype.removeEventListener = function (type, callback, how) {
  held.delete(keyOf(this ?? window, type, callback, how));
  return removeEventListener.call(this ?? window, type, callback, how);
};
"""
IMPORT = """async ([source, data, state]) => {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const widget = (await import(url)).default();
  state._opening.data = Uint8Array.from(atob(data), char => char.charCodeAt(0));
  const model = {
    get: name => state[name], set() {}, save_changes() {}, send() {}, on() {}, off() {},
  };
  window.show = () => { window.hide = widget.render({ model, el: document.body }); };
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 800, "height": 600})
    page = context.new_page()
    page.add_style_tag(path=STATIC / "loss_plot.css")
    page.evaluate(COUNT)
    state = td.LossPlot({"loss": [3.0, 2.0, 1.0]}).get_state()
    frame, data = state["_opening"]["frame"], base64.b64encode(state["_opening"]["data"]).decode()
    source = (STATIC / "loss_plot.js").read_text(encoding="utf-8")
    traits = {"_config": state["_config"], "_opening": {"frame": frame}}
    page.evaluate(IMPORT, [source, data, traits])
    yield page
    context.close()


def held(page: Page) -> set[str]:
    return set(page.evaluate("() => [...held.keys()]"))


def test_listeners_go_with_the_plot(page: Page) -> None:
    expect(page.locator(".uplot canvas")).to_have_count(0)
    before = held(page)  # Playwright's own
    for _ in range(2):
        page.evaluate("() => show()")
        expect(page.locator(".uplot canvas")).to_have_count(1)
        assert {key.split(",")[1] for key in held(page) - before} >= {"change", "resize", "scroll"}
        page.evaluate("() => hide()")
        assert held(page) == before


def test_importing_alone_adds_no_listener(page: Page) -> None:
    assert held(page) == set()


def test_a_plot_is_drawn_with_a_new_pixel_ratio(page: Page) -> None:
    page.evaluate("() => show()")
    canvas = page.locator(".uplot canvas")
    expect(canvas).to_have_attribute("width", "780")
    devtools = page.context.new_cdp_session(page)
    for ratio in (2, 1, 3):
        sizes = {"width": 800, "height": 600, "deviceScaleFactor": ratio, "mobile": False}
        devtools.send("Emulation.setDeviceMetricsOverride", sizes)
        page.evaluate(  # emulation sends no such event
            """() => [...held.values()].filter(target => target instanceof MediaQueryList)
              .forEach(query => query.dispatchEvent(new Event('change')))"""
        )
        expect(canvas).to_have_attribute("width", str(780 * ratio))
