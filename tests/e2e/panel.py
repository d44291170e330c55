"""Drives a training panel on a page and reads its text and charts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.e2e.eventually import copied_by, eventually

FIRST_PIXELS = """() => {
  const canvas = document.querySelector('.torchdial-live .uplot canvas');
  return canvas.toDataURL();
}"""
# Checks the first chart at each frame and records a sum over its pixels whenever it was redrawn.
WATCH = """seconds => new Promise(done => {
  const root = document.querySelector('.torchdial-live');
  const seen = [];
  const start = performance.now();
  let paints = '';
  const look = () => {
    const canvas = root.querySelector('.uplot canvas');
    if (canvas && root.dataset.paints !== paints) {
      paints = root.dataset.paints;
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 3]) >>> 0;
      seen.push([performance.now() - start, sum]);
    }
    if (performance.now() - start < 1000 * seconds) requestAnimationFrame(look);
    else done(seen);
  };
  look();
})"""


class PanelOnPage:
    """A panel on a page."""

    def __init__(self, page: Page, index: int = 0) -> None:
        self.page = page
        self.root: Locator = page.locator(".torchdial-live").nth(index)
        expect(self.root).to_be_visible(timeout=60_000)

    def button(self, text: str) -> Locator:
        return self.root.get_by_role("button", name=text, exact=True)

    def show(self) -> None:
        """Scroll to the panel, since it is drawn only while it is visible."""
        self.root.scroll_into_view_if_needed()

    @property
    def state(self) -> Locator:
        """What the line says first: whether the run goes on, or how it ended."""
        return self.root.locator(".torchdial-state")

    def line(self) -> str:
        """Return the line with the state of the run."""
        return self.root.locator(".torchdial-progress .torchdial-readout").inner_text()

    def expect_text(self, text: str, seconds: float = 15) -> None:
        """Wait for a text in the panel."""
        self.show()
        expect(self.root).to_contain_text(text, timeout=1000 * seconds)

    def copied(self) -> list[tuple[str, int, float]]:
        """Return name, step and value of every point of the browser's copy."""
        _, *rows = csv.reader(io.StringIO(copied_by(self.button("copy")), newline=""))
        return [(row[1], int(row[2]), float(row[4])) for row in rows]

    @property
    def chart(self) -> Locator:
        """The field in which the losses are drawn."""
        return self.root.locator("[data-panel=loss] .u-over")

    def y_limits(self, name: str) -> tuple[float, float]:
        """Return the ends of a chart's y axis, as it is named for screen readers."""
        label = self.root.locator(f"[data-panel={name}] .torchdial-chart").get_attribute(
            "aria-label"
        )
        low, high = (label or "").split("y from ")[1].split(" to ")
        return number(low), number(high)

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """Drag between two places of the losses' chart, given as fractions of its size."""
        box = self.chart.bounding_box()
        assert box
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, stop)
        ]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=5)
        self.page.mouse.up()

    def saved(self, name: str, kind: str) -> bytes:
        """Return the file that a chart is saved as."""
        with self.page.expect_download() as download:
            menu = self.root.locator("details", has=self.page.get_by_label(f"save {name}"))
            menu.locator("summary").click()
            menu.get_by_text(kind.upper()).click()
        assert download.value.suggested_filename == f"{name}.{kind}"
        return download.value.path().read_bytes()

    def zoom_in(self, times: int) -> None:
        """Zoom into a twentieth of the losses' chart, this many times."""
        for _ in range(times):
            self.page.mouse.move(*self.at(0.5))
            self.page.mouse.down()
            self.page.mouse.move(*self.at(0.55), steps=5)
            self.page.mouse.up()

    def reads(self, share: float, value_at: Callable[[int], int]) -> bool:
        """Point at a fraction of the losses' chart; return whether it reads its step's value."""
        self.page.mouse.move(*self.at(share))
        words = self.root.locator(".torchdial-pointed").inner_text()
        step = int(words.removeprefix("step ").replace(",", ""))
        number = self.root.locator("[data-panel=loss] .torchdial-number").first
        return number.inner_text() == str(value_at(step))

    def reads_step(self, share: float, step: int) -> None:
        """Point at a fraction of the losses' chart, and wait until it says about this step."""
        self.page.mouse.move(*self.at(share))
        pointed = self.root.locator(".torchdial-loss .torchdial-pointed")
        expect(pointed).to_have_text(re.compile("^step "))
        found = int(pointed.inner_text().removeprefix("step ").replace(",", ""))
        assert abs(found - step) <= 2, (found, step)

    def at(self, share: float) -> tuple[float, float]:
        box = self.chart.bounding_box()
        assert box
        return box["x"] + share * box["width"], box["y"] + 50

    def eventually(self, check: Callable[[], bool]) -> None:
        """Wait until a check passes."""
        eventually(self.page, check)


def number(text: str) -> float:
    """Read a number as the page writes it: "12,340", "−3.10e-5"."""
    return float(text.replace(",", "").replace("−", "-"))


def distinct_paints(page: Page, seconds: float) -> list[int]:
    """Return how many different pictures the first chart showed in each second."""
    seen = page.evaluate(WATCH, seconds)
    counts = [0] * int(seconds)
    last = None
    for time, picture in seen:
        if picture != last and time < 1000 * seconds:
            counts[int(time / 1000)] += 1
        last = picture
    return counts
