"""The image grid in JupyterLab: what involves the kernel and the notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.grid import GridOnPage
from tests.e2e.lab import Lab, expect_in_kernel, opened

pytestmark = pytest.mark.browser

IMPORT = "import time, torch, torchdial as td"
SHOW = """
images = torch.rand(200, 3, 200, 200, generator=torch.Generator().manual_seed(0))
images[1] = torch.tensor([0.25, 0.5, 1.0])[:, None, None]
images[64] = 1
grid = td.ImageGrid(images)
grid
"""


def test_the_kernel_gets_the_selection_and_sends_the_other_tiles(lab: Lab, page: Page) -> None:
    blue, white = [64, 128, 255, 255], [255, 255, 255, 255]
    with opened(lab, page, "grid", [IMPORT, SHOW]):
        grid = GridOnPage(page)
        expect(grid.cells).to_have_count(64)
        grid.expect_color(1, blue)
        grid.frames.nth(1).hover()
        expect(grid.hovered).to_contain_text("0.25, 0.5, 1")
        for place in (1, 3, 5, 3):
            grid.frames.nth(place).click()
        expect_in_kernel(page, "list(grid.selected)", [1, 5])

        # Zooming requests the whole version of a reduced picture.
        grid.pictures.focus()
        for _ in range(6):
            page.keyboard.press("+")
        assert grid.zoom() > 8
        page.wait_for_timeout(500)
        grid.expect_color(1, blue)
        page.keyboard.press("0")
        grid.button("›").click()
        expect(grid.root).to_contain_text("65–128 of 200")
        expect(grid.root.locator(".torchdial-waiting:visible")).to_have_count(0)
        grid.expect_color(0, white)


@pytest.mark.slow
def test_follows_a_loop_that_refreshes_and_a_watched_module(lab: Lab, page: Page) -> None:
    loop = """
layer = torch.nn.Conv2d(3, 4, 1, bias=False)
torch.nn.init.ones_(layer.weight)
grid.watch(layer)
for i in range(3):
    layer(torch.full((1, 3, 8, 8), i / 6))
    time.sleep(0.7)
"""
    show = "grid = td.ImageGrid(torch.zeros(1, 1, 8, 8), normalize=(0, 1)); grid"
    with opened(lab, page, "watched", [IMPORT, show, loop]):
        grid = GridOnPage(page)
        expect(grid.cells).to_have_count(4, timeout=30_000)
        expect(grid.root).to_have_attribute("data-version", "3", timeout=30_000)
        grid.expect_color(3, [255, 255, 255, 255])
