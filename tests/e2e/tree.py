"""Drives a module tree on a page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class TreeOnPage:
    """The only tree on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        grid = page.get_by_role("treegrid")
        self.root: Locator = page.locator(".torchdial").filter(has=grid)
        self.body = self.root.locator(".torchdial-tree-body")
        self.times = self.root.locator(".torchdial-tree-times")
        self.search = self.root.get_by_label("search modules")
        expect(self.root).to_be_visible(timeout=60_000)

    def button(self, text: str) -> Locator:
        return self.root.get_by_role("button", name=text)

    def line(self, path: str) -> Locator:
        return self.root.locator(f'.torchdial-tree-line[data-path="{path}"]')

    def expect_second(self, name: str) -> None:
        """Wait until the row under the model is this one."""
        expect(self.root.locator(".torchdial-tree-name").nth(1)).to_have_text(name)

    def statistic(self, path: str, i: int) -> Locator:
        """Return the cell of the gradient (0), the update (1) or near zero (2)."""
        return self.line(path).locator(".torchdial-tree-statistic").nth(i)

    def ink(self, path: str) -> int:
        """Return the number of drawn pixels of a row's sparklines."""
        count: int = (
            self.line(path)
            .locator("canvas")
            .evaluate(
                """canvas => {
              const context = canvas.getContext('2d');
              const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
              return data.filter((v, i) => i % 4 === 3 && v > 0).length;
            }"""
            )
        )
        return count
