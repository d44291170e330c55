"""The image grid in real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import Lab, opened

pytestmark = pytest.mark.browser

IMPORTS = """
import time, numpy as np, torch, torchdial as td
images = torch.rand(200, 3, 200, 200, generator=torch.Generator().manual_seed(0))
images[1] = torch.tensor([0.25, 0.5, 1.0])[:, None, None]
mask = torch.zeros(200, 200, dtype=torch.bool)
mask[:100] = True
"""
HOSTILE = "<img src=x onerror=planted()>"
SHOW = (
    f"grid = td.ImageGrid(images, captions=[{HOSTILE!r}] + ['n'] * 199, "
    "targets=[mask] + [None] * 199); grid"
)

# The colour of a canvas in the middle of its upper and its lower half, as [r, g, b, a].
COLORS = """canvas => [0.25, 0.75].map(at => Array.from(canvas.getContext('2d').getImageData(
  Math.floor(canvas.width / 2), Math.floor(canvas.height * at), 1, 1).data))"""


def opened_grid(page: Page) -> Locator:
    root = page.locator(".torchdial")
    expect(root.locator(".torchdial-cell").first).to_be_visible(timeout=60_000)
    return root


def colors(root: Locator, layer: str, cell: int) -> list[list[int]]:
    found: list[list[int]] = root.locator(f"canvas.torchdial-{layer}").nth(cell).evaluate(COLORS)
    return found


def expect_blue(root: Locator) -> None:
    """Wait until the second picture is drawn, all of it."""
    blue = [64, 128, 255, 255]
    eventually(root.page, lambda: colors(root, "picture", 1) == [blue, blue])


def expect_alpha(root: Locator, fits: Callable[[int], bool]) -> None:
    """Wait until the mask over the first picture is as opaque as it should be."""
    eventually(root.page, lambda: fits(colors(root, "overlay", 0)[0][3]))


def test_shows_chooses_zooms_and_turns_pages(lab: Lab, page: Page) -> None:
    cells = [IMPORTS, SHOW, "print(grid.selected)"]
    with opened(lab, page, "grid", cells):
        root = opened_grid(page)
        expect(root.locator(".torchdial-cell")).to_have_count(64)
        expect_blue(root)
        expect_alpha(root, lambda alpha: 0 < alpha < 255)
        above, below = colors(root, "overlay", 0)
        assert above[:3] == pytest.approx([230, 159, 0], abs=2)
        assert below[3] == 0
        expect(root).to_contain_text(HOSTILE)
        assert root.locator("img").count() == 0

        frames = root.locator(".torchdial-frame")
        frames.nth(1).hover()
        expect(root.locator(".torchdial-hovered")).to_contain_text("0.25, 0.5, 1")
        frames.nth(1).click()
        frames.nth(3).click()
        expect(root).to_contain_text("2 chosen")
        frames.nth(3).click()
        expect(root).to_contain_text("1 chosen")

        # Zooming asks for the whole of a picture that came reduced.
        root.locator(".torchdial-grid").focus()
        for _ in range(6):
            page.keyboard.press("+")
        assert float(root.locator(".torchdial-grid").get_attribute("data-zoom") or 1) > 8
        page.wait_for_timeout(500)
        expect_blue(root)
        page.keyboard.press("0")
        page.keyboard.press("o")
        expect_alpha(root, lambda alpha: alpha == 0)

        root.get_by_role("button", name="›").click()
        expect(root).to_contain_text("65–128 of 200")
        expect(root.locator(".torchdial-waiting:visible")).to_have_count(0)
        expect(root.locator(".torchdial-caption").first).to_have_text("n")


def test_every_control_of_the_toolbar_does_something(lab: Lab, page: Page) -> None:
    with opened(lab, page, "controls", [IMPORTS, SHOW]):
        root = opened_grid(page)
        expect_alpha(root, lambda alpha: 0 < alpha < 255)
        root.get_by_label("overlay").fill("1")
        expect_alpha(root, lambda alpha: alpha == 255)
        root.locator(".torchdial-frame").nth(2).click()
        root.get_by_role("button", name="clear").click()
        expect(root.locator(".torchdial-marked")).to_have_count(0)
        root.locator(".torchdial-frame").nth(2).dblclick()
        grid = root.locator(".torchdial-grid")
        expect(grid).to_have_attribute("data-zoom", "2.000")
        root.get_by_role("button", name="reset").click()
        expect(grid).to_have_attribute("data-zoom", "1.000")
        root.get_by_role("button", name="?").click()
        expect(root.locator(".torchdial-keys")).to_be_visible()
        root.locator(".torchdial-caption").nth(5).click()
        expect(root.locator(".torchdial-cell")).to_have_count(1)
        root.get_by_role("button", name="all pictures").click()
        expect(root.locator(".torchdial-cell")).to_have_count(64)


def test_follows_a_loop_that_refreshes_and_a_module_that_is_watched(lab: Lab, page: Page) -> None:
    loop = """
layer = torch.nn.Conv2d(3, 4, 1, bias=False)
torch.nn.init.ones_(layer.weight)
grid.watch(layer)
for i in range(3):
    layer(torch.full((1, 3, 8, 8), i / 6))
    time.sleep(0.7)
"""
    show = "grid = td.ImageGrid(torch.zeros(1, 1, 8, 8), normalize=(0, 1)); grid"
    with opened(lab, page, "watched", [IMPORTS, show, loop]):
        root = opened_grid(page)
        expect(root.locator(".torchdial-cell")).to_have_count(4, timeout=30_000)
        expect(root).to_have_attribute("data-version", "3", timeout=30_000)
        white = [255, 255, 255, 255]
        eventually(page, lambda: colors(root, "picture", 3) == [white, white])
