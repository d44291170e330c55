"""The same checks in every host: what works, and what is shown where widgets cannot work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.boxes import BoxesOnPage
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import eventually
from tests.e2e.panel import PanelOnPage
from tests.hosts.host import Shown
from tests.hosts.hostile import NAMES
from tests.hosts.scene import SHOWN, make_truth

pytestmark = pytest.mark.hosts

FIRST_WIDGET_MS = 100_000  # its kernel imports torch
# Whether a text node contains the start of the name, apart from directions and white space.
HAS_TEXT = r"""(root, name) => {
  const plain = text => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '').replace(/\s+/g, ' ');
  return plain(root.textContent).includes(plain(name).slice(0, 60));
}"""
# The contrast ratio of text and background as WCAG defines it.
CONTRAST = """root => {
  const { color, backgroundColor } = getComputedStyle(root);
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  const light = css => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, alpha] = context.getImageData(0, 0, 1, 1).data;
    const linear = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
    const sum = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    return { sum, alpha };
  };
  const [ink, ground] = [light(color), light(backgroundColor)];
  if (ground.alpha < 255) return 0;
  return (Math.max(ink.sum, ground.sum) + 0.05) / (Math.min(ink.sum, ground.sum) + 0.05);
}"""
FOREIGN = "img, script, style, b, svg[onload], [onerror], [onload], [onfocus]"
Does = Callable[[str], None]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return make_truth()


@pytest.fixture
def does(record_property: Callable[[str, object], None]) -> Does:
    """Record what a host does, for the README's table."""

    def write(words: str) -> None:
        record_property("does", words)

    return write


def root_of(shown: Shown, name: str) -> Locator:
    return shown.page.locator(".torchdial").nth(SHOWN.index(name))


def is_still(shown: Shown) -> bool:
    """Return whether the host shows no widgets, after checking that it has none."""
    if shown.host.shows == "widgets":
        return False
    expect(shown.page.locator(".torchdial")).to_have_count(0)
    return True


def test_shown(shown: Shown, does: Does) -> None:
    if shown.host.shows == "widgets":
        for name in SHOWN:
            expect(root_of(shown, name)).to_be_visible(timeout=FIRST_WIDGET_MS)
            assert root_of(shown, name).evaluate(CONTRAST) >= 7, "low contrast"
        at = root_of(shown, SHOWN[0]).bounding_box
        eventually(
            shown.page, lambda: (at(), shown.page.wait_for_timeout(1500))[0] == at(), seconds=30
        )
        return does("yes")
    assert is_still(shown)
    pictures = shown.page.locator(shown.host.pictures)
    if shown.host.shows == "nothing":
        shown.page.wait_for_timeout(2000)
        expect(pictures).to_have_count(0)
        return does("blank")
    expect(pictures).to_have_count(len(SHOWN))
    sizes = pictures.evaluate_all("images => images.map(i => [i.naturalWidth, i.naturalHeight])")
    assert min(min(size) for size in sizes) > 100
    return does("picture")


PLOT_HEIGHTS = """plot => [plot, plot.querySelector('svg')].map(
  element => element.getBoundingClientRect().height)"""


def test_dial(shown: Shown, truth: dict[str, Any], does: Does) -> None:
    """Dragged while the kernel is suspended, the picture is Python's at each stop."""
    if is_still(shown):
        return does("–")
    dial = DialOnPage(shown.page, index=SHOWN.index("preview"))
    preview = truth["preview"]
    dial.button("Mask").click()  # a notebook may scroll to the cell that is clicked first
    shown.page.wait_for_timeout(500)
    heights = dial.root.locator(".torchdial-dial-plot").evaluate(PLOT_HEIGHTS)
    assert abs(heights[0] - heights[1]) <= 2, "the curve is not where its scale is"
    with shown.kernel_stopped():
        for stop in (37, 83):
            dial.drag_to(stop)
            preview.threshold = stop / 100
            for cell in range(3):
                seen, expected = dial.mask(cell, 24, 32), preview.mask(cell)
                assert np.array_equal(seen, expected), (stop, cell)
    return does("yes")


def test_boxes(shown: Shown, truth: dict[str, Any], does: Does) -> None:
    """While the kernel is suspended, the boxes are those that Python keeps."""
    if is_still(shown):
        return does("–")
    dials, boxes = BoxesOnPage(shown.page, index=SHOWN.index("boxes")), truth["boxes"]
    dials.button("Boxes").click()
    with shown.kernel_stopped():
        for dial, to in ((dials.score, 0.6), (dials.nms, 0.2)):
            dials.drag(dial, to)
            score, stop = dials.position()
            boxes.score_threshold, boxes.nms_iou = score, stop / 100
            kept = [boxes.kept(image)["indices"].tolist() for image in range(3)]
            assert dials.boxes() == kept
    return does("yes")


def test_kernel(shown: Shown, does: Does) -> None:
    """The kernel gets the position of the dial, and the page its answer."""
    if is_still(shown):
        return does("–")
    dial = DialOnPage(shown.page, index=SHOWN.index("preview"))
    dial.drag_to(64)
    notice = dial.root.locator(".torchdial-notice")
    if not shown.host.has_kernel:
        expect(notice).to_be_hidden()
        return does("–")
    expect(notice).to_have_text("the kernel sees 0.64", timeout=20_000)
    return does("yes")


def test_pages(shown: Shown, does: Does) -> None:
    """A page of pictures that is not there yet is requested and arrives as bytes."""
    if is_still(shown):
        return does("–")
    grid = root_of(shown, "grid")
    grid.get_by_role("button", name="›").click()
    expect(grid).to_contain_text("65–128 of 200")
    color = "c => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]"
    canvas = grid.locator("canvas.torchdial-picture").nth(10)
    gray = [round(255 * 74 / 200)] * 3
    eventually(shown.page, lambda: canvas.evaluate(color)[:3] == gray, seconds=30)
    grid.get_by_role("button", name="‹").click()
    return does("yes")


def test_live(shown: Shown, does: Does) -> None:
    """Values logged after a plot was opened reach it, to the last digit."""
    if is_still(shown) or not shown.host.has_kernel:
        return does("–")
    dial = DialOnPage(shown.page, index=SHOWN.index("preview"))
    dial.drag_to(29)
    panel = PanelOnPage(shown.page)

    def arrived() -> bool:
        return 0.29 in [value for name, _, value in panel.copied() if name == "echo"]

    eventually(shown.page, arrived, seconds=30)
    return does("yes")


def test_names(shown: Shown, does: Does) -> None:
    """Names of every kind are text: they become no elements and run no code."""
    if not is_still(shown):
        root_of(shown, "tree").get_by_label("depth").select_option("all")
        for widget in ("boxes", "grid", "tree", "panel"):
            root = root_of(shown, widget)
            assert root.locator(FOREIGN).count() == root.locator(".torchdial-dial-name b").count()
            for kind, name in NAMES.items():
                text = name.replace(".", "") if widget == "tree" else name
                assert root.evaluate(HAS_TEXT, text), (widget, kind)
    assert shown.page.evaluate("() => window.__hit") is None
    return does("yes")


def test_bytes(shown: Shown, does: Does) -> None:
    """A small widget gets bytes in the type that is listed for the host."""
    if is_still(shown) or not shown.host.has_kernel:
        return does("–")
    probe = shown.page.locator(".probe")
    for what in ("trait", "message"):
        expect(probe).to_have_attribute(f"data-{what}", shown.host.buffers)
    return does(shown.host.buffers)


def test_quiet(shown: Shown, does: Does) -> None:
    """There are no requests to other servers, except the host's own, and no errors."""
    assert [url for url in shown.requests if not url.startswith(shown.host.wants)] == []
    # anywidget imports the bundles from blobs.
    assert [error for error in shown.errors if "torchdial" in error or "blob:" in error] == []
    return does("yes")
