"""Drives a preview on a page and reads its text and pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.e2e.eventually import eventually

# The colour of the overlay canvas at the middle of each map pixel; -1 outside the canvas.
READ_PIXELS = """(canvas, [width, height, zoom]) => {
  const context = canvas.getContext('2d');
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const out = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const fx = ((x + 0.5) / width - 0.5) * zoom + 0.5;
    const fy = ((y + 0.5) / height - 0.5) * zoom + 0.5;
    const px = Math.floor(fx * canvas.width), py = Math.floor(fy * canvas.height);
    const seen = px >= 0 && py >= 0 && px < canvas.width && py < canvas.height;
    const i = 4 * (py * canvas.width + px);
    const color = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
    out.push(seen ? color | (data[i + 3] ? 1 << 24 : 0) : -1);
  }
  return out;
}"""


def expect_painted(root: Locator, timeout: float = 60) -> None:
    """Wait until the pictures of a preview, if it shows any, are painted."""
    blank = root.locator(".torchdial-grid:not([data-painted]):visible")
    expect(blank).to_have_count(0, timeout=1000 * timeout)


class DialOnPage:
    """A preview on a page, or in a frame of it."""

    def __init__(
        self,
        page: Page,
        timeout: float = 60,
        index: int | None = None,
        frame: FrameLocator | None = None,
    ) -> None:
        self.page = page
        document = frame or page
        dial = document.locator(".torchdial-dial-input")
        roots = document.locator(".torchdial")
        self.root: Locator = roots.filter(has=dial) if index is None else roots.nth(index)
        self.input = self.root.locator(dial).first  # the step dial comes after it
        expect(self.input).to_be_visible(timeout=1000 * timeout)
        expect_painted(self.root, timeout)

    def button(self, text: str) -> Locator:
        return self.root.get_by_role("button", name=text, exact=True)

    def drag_to(self, stop: int, num_stops: int = 101) -> None:
        """Press on the dial at its current stop and move the mouse to another."""
        self.input.scroll_into_view_if_needed()
        box = self.input.bounding_box()
        assert box
        at = lambda k: box["x"] + 8 + (box["width"] - 16) * k / (num_stops - 1)  # noqa: E731
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(at(int(self.root.get_attribute("data-stop") or 0)), y)
        self.page.mouse.down()
        self.page.mouse.move(at(stop), y, steps=8)
        self.page.mouse.up()
        self.expect_stop(stop)

    def set_stop(self, stop: int) -> None:
        self.input.fill(str(stop))
        self.expect_stop(stop)

    def expect_stop(self, stop: int) -> None:
        expect(self.root).to_have_attribute("data-stop", str(stop))
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => setTimeout(r)))")

    def readout(self) -> str:
        return self.root.locator(".torchdial-readout").inner_text()

    def pixels(self, cell: int, height: int, width: int) -> np.ndarray:
        """Return 0xRRGGBB of each map pixel, with 1 << 24 where opaque; -1 outside the canvas."""
        zoom = float(self.root.locator(".torchdial-grid").get_attribute("data-zoom") or 1)
        canvas = self.root.locator("canvas.torchdial-overlay").nth(cell)
        values = canvas.evaluate(READ_PIXELS, [width, height, zoom])
        return np.array(values).reshape(height, width)

    def mask(self, cell: int, height: int, width: int) -> np.ndarray:
        """Return the mask view as 0 and 255, -1 outside the canvas."""
        colors = self.pixels(cell, height, width)
        white, black = 0x1FFFFFF, 0x1000000
        assert set(np.unique(colors)) <= {white, black, -1}, "blurred or not painted"
        return np.select([colors == white, colors == black], [255, 0], -1)

    def shows(self, cell: int, expected: np.ndarray) -> bool:
        """Return whether the visible part of a picture's mask is there, and as expected."""
        try:
            seen = self.mask(cell, *expected.shape)
        except AssertionError:  # planes that were asked for are on their way
            return False
        visible = seen >= 0
        return bool(np.array_equal(seen[visible], expected[visible]) and visible.any())

    def eventually(self, check: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a check passes."""
        eventually(self.page, check, seconds)
