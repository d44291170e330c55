"""Drives a detection preview on a page and reads its boxes and pixels."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.dial import expect_painted

# What is drawn over each picture; detections by their index in the input.
MARKS = """root => root.torchdialDrawn().map(drawn => drawn?.marks.map(({ as, index, faded }) => {
  const isTarget = ["miss", "aside", "target"].includes(as);
  return { as, faded: !!faded, isTarget, index: isTarget ? index : drawn.image.found.index[index] };
}))"""


class BoxesOnPage:
    """A detection preview on a page."""

    def __init__(self, page: Page, timeout: float = 60, index: int = 0, version: int = 0) -> None:
        self.page = page
        self.root: Locator = page.locator(".torchdial").nth(index)
        self.score, self.nms = (
            self.root.get_by_label(name, exact=True) for name in ("score threshold", "NMS IoU")
        )
        self.map = self.root.get_by_role("slider", name="operating map")
        self.hovered = self.root.locator(".torchdial-hovered")
        expect(self.score).to_be_visible(timeout=1000 * timeout)
        expect(self.root).to_have_attribute("data-version", str(version), timeout=20_000)
        expect_painted(self.root, timeout)

    def button(self, text: str) -> Locator:
        return self.root.get_by_role("button", name=text, exact=True)

    def settle(self) -> None:
        """Wait for the next paint."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => setTimeout(r)))")

    def set(self, score: float | None = None, stop: int | None = None) -> None:
        if score is not None:
            self.score.fill(str(score))
        if stop is not None:
            self.nms.fill(str(stop))
        self.expect_at(score, stop)

    def expect_at(self, score: float | None = None, stop: int | None = None) -> None:
        if score is not None:
            expect(self.root).to_have_attribute("data-score", f"{score:g}")
        if stop is not None:
            expect(self.root).to_have_attribute("data-stop", str(stop))
        self.settle()

    def drag(self, dial: Locator, to: float) -> None:
        """Press in the middle of a dial and move the mouse to a fraction of it."""
        dial.scroll_into_view_if_needed()
        box = dial.bounding_box()
        assert box
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 8 + (box["width"] - 16) * to, y, steps=8)
        self.page.mouse.up()
        self.settle()

    def drag_on_map(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press on the operating map and move the mouse; (score, NMS IoU) from 0 to 1."""
        self.map.scroll_into_view_if_needed()
        self.page.mouse.move(*self._on_map(*start))
        self.page.mouse.down()
        for _ in range(2):  # the readout above the map may grow by a line, once
            self.page.mouse.move(*self._on_map(*end), steps=6)
            self.settle()
        self.page.mouse.up()
        self.settle()

    def _on_map(self, score: float, nms: float) -> tuple[float, float]:
        box = self.map.bounding_box()
        assert box
        return box["x"] + score * box["width"], box["y"] + (1 - nms) * box["height"]

    def position(self) -> tuple[float, int]:
        data = self.root.evaluate("e => ({ ...e.dataset })")
        return float(data["score"]), int(data["stop"])

    def readout(self) -> str:
        return self.root.locator(".torchdial-readout").inner_text()

    def marks(self) -> list[dict[str, list[int]]]:
        """Return for each picture the indices of the boxes over it, by how they are drawn."""
        cells: list[list[dict[str, Any]]] = self.root.evaluate(MARKS)
        sorts = ("box", "ghost", "hit", "falseAlarm", "ignored", "miss", "aside")
        return [
            {sort: [m["index"] for m in cell if m["as"] == sort] for sort in sorts}
            for cell in cells
            if cell is not None  # not drawn yet
        ]

    def drawn(self, cell: int, *, faded: bool = False) -> tuple[set[int], set[int]]:
        """Return the detections and the targets over a picture, faded or not."""
        self.settle()
        marks = [m for m in self.root.evaluate(MARKS)[cell] if m["faded"] == faded]
        found, targets = ({m["index"] for m in marks if m["isTarget"] == t} for t in (False, True))
        return found, targets

    def boxes(self) -> list[list[int]]:
        """Return for each picture the boxes over it, the highest score first."""
        return [cell["box"][::-1] for cell in self.marks()]

    def lines(self, cell: int) -> np.ndarray:
        """Return the canvas of lines over a picture, uint8 (H, W, RGBA) in device pixels."""
        canvas = self.root.locator("canvas.torchdial-overlay").nth(cell)
        url: str = canvas.evaluate("canvas => canvas.toDataURL()")
        image = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
        return np.asarray(image.convert("RGBA"))

    def hover(self, cell: int, x: float, y: float, size: tuple[int, int]) -> None:
        """Point at a map pixel of a picture that is shown as a whole; size is (height, width)."""
        frame = self.root.locator(".torchdial-frame").nth(cell)
        frame.scroll_into_view_if_needed()
        box = frame.bounding_box()
        assert box
        height, width = size
        self.page.mouse.move(
            box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height
        )
        self.settle()
