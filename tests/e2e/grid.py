"""Drives an image grid on a page and reads its colours."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.e2e.eventually import eventually

# The colour of a canvas in the middle of its upper and its lower half, as [r, g, b, a].
COLORS = """canvas => [0.25, 0.75].map(at => Array.from(canvas.getContext('2d').getImageData(
  Math.floor(canvas.width / 2), Math.floor(canvas.height * at), 1, 1).data))"""


class GridOnPage:
    """The only grid on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root: Locator = page.locator(".torchdial")
        self.pictures = self.root.locator(".torchdial-grid")
        self.cells = self.root.locator(".torchdial-cell")
        self.frames = self.root.locator(".torchdial-frame")
        self.hovered = self.root.locator(".torchdial-hovered")
        expect(self.cells.first).to_be_visible(timeout=60_000)

    def button(self, text: str) -> Locator:
        return self.root.get_by_role("button", name=text, exact=True)

    def colors(self, layer: str, cell: int) -> list[list[int]]:
        """Return the colours of a picture's upper and lower half."""
        canvas = self.root.locator(f"canvas.torchdial-{layer}").nth(cell)
        found: list[list[int]] = canvas.evaluate(COLORS)
        return found

    def expect_color(self, cell: int, color: list[int]) -> None:
        """Wait until both halves of a picture have this colour."""
        eventually(self.page, lambda: self.colors("picture", cell) == [color, color])

    def expect_alpha(self, fits: Callable[[int], bool]) -> None:
        """Wait until the opacity of the mask over the first picture fits."""
        eventually(self.page, lambda: fits(self.colors("overlay", 0)[0][3]))

    def zoom(self) -> float:
        return float(self.pictures.get_attribute("data-zoom") or 1)
