"""The image grid in a bare page, without a kernel."""

from __future__ import annotations

import re

import pytest
import torch
from playwright.sync_api import expect

import torchdial as td
from tests.e2e.grid import GridOnPage
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

HOSTILE = "</script><!--<b onclick=planted()>\u202e<img src=x onerror='window.planted=1'>"
X = torch.arange(200.0).expand(200, 200)  # the column of each pixel
POINTED = re.compile(r"picture 3 \(\d+, \d+\)\s+\S+, \S+, \S+$")
BLUE = [64, 128, 255, 255]


@pytest.fixture
def grid(show: Show) -> GridOnPage:
    """130 pictures: a mask over the first, the second blue, the third of all colors."""
    images = torch.zeros(130, 3, 200, 200)
    images[1] = torch.tensor([0.25, 0.5, 1.0])[:, None, None]
    images[2, 0], images[2, 1] = X / 200, X.T / 200
    mask = torch.zeros(200, 200, dtype=torch.bool)
    mask[:100] = True
    captions = [HOSTILE] + ["n"] * 129
    widget = td.ImageGrid(images, captions=captions, targets=[mask] + [None] * 129)
    return GridOnPage(show(widget))


def test_shows_chooses_zooms_and_turns_pages(grid: GridOnPage) -> None:
    expect(grid.cells).to_have_count(64)
    grid.expect_color(1, BLUE)
    grid.expect_alpha(lambda alpha: 0 < alpha < 255)
    above, below = grid.colors("overlay", 0)
    assert above[:3] == pytest.approx([230, 159, 0], abs=2)
    assert below[3] == 0
    expect(grid.root).to_contain_text("<img src=x onerror=")
    assert grid.root.locator("img").count() == 0

    grid.frames.nth(1).hover()
    expect(grid.hovered).to_contain_text("0.25, 0.5, 1")
    width = grid.frames.nth(2).evaluate("e => e.clientWidth")
    grid.frames.nth(2).hover(position={"x": 0.3 * width, "y": 0.8 * width})
    expect(grid.hovered).to_have_text(POINTED)
    _, x, y, *values = map(float, re.findall(r"[\d.]+", grid.hovered.inner_text()))
    assert (abs(x - 60) <= 1, abs(y - 160) <= 1) == (True, True)
    assert values == pytest.approx([x / 200, y / 200, 0], abs=1e-4)
    grid.frames.nth(1).click()
    grid.frames.nth(3).click()
    expect(grid.root).to_contain_text("2 chosen")
    grid.frames.nth(3).click()
    expect(grid.root).to_contain_text("1 chosen")

    grid.pictures.focus()
    for _ in range(6):
        grid.page.keyboard.press("+")
    assert grid.zoom() > 8
    grid.expect_color(1, BLUE)
    grid.page.keyboard.press("0")
    grid.page.keyboard.press("o")
    grid.expect_alpha(lambda alpha: alpha == 0)

    grid.button("›").click()
    expect(grid.root).to_contain_text("65–128 of 130")
    expect(grid.root.locator(".torchdial-waiting:visible")).to_have_count(0)
    expect(grid.root.locator(".torchdial-caption").first).to_have_text("n")


def test_every_control_of_the_toolbar_does_something(grid: GridOnPage) -> None:
    grid.expect_alpha(lambda alpha: 0 < alpha < 255)
    grid.root.get_by_label("overlay").fill("1")
    grid.expect_alpha(lambda alpha: alpha == 255)
    grid.frames.nth(2).click()
    grid.button("clear").click()
    expect(grid.root.locator(".torchdial-marked")).to_have_count(0)
    grid.frames.nth(2).dblclick()
    expect(grid.pictures).to_have_attribute("data-zoom", "2.000")
    grid.button("reset").click()
    expect(grid.pictures).to_have_attribute("data-zoom", "1.000")
    grid.button("?").click()
    expect(grid.root.locator(".torchdial-keys")).to_be_visible()
    grid.root.locator(".torchdial-caption").nth(5).click()
    expect(grid.cells).to_have_count(1)
    grid.button("all pictures").click()
    expect(grid.cells).to_have_count(64)


def test_later_pages_have_their_own_pictures_and_values(show: Show) -> None:
    images = torch.linspace(0, 1, 70)[:, None, None, None].expand(70, 3, 200, 200).clone()
    grid = GridOnPage(show(td.ImageGrid(images, captions=[HOSTILE] * 70)))
    grid.frames.nth(2).hover()
    value = f"{float(images[2, 0, 0, 0]):.4g}"
    expect(grid.hovered).to_contain_text(f"{value}, {value}, {value}")
    grid.button("›").click()
    expect(grid.cells).to_have_count(6)
    expect(grid.root.locator(".torchdial-waiting:visible")).to_have_count(0)
    expect(grid.root.locator(".torchdial-caption").first).to_contain_text("<img src=x")
    grid.frames.nth(5).hover()
    expect(grid.hovered).to_contain_text("picture 70")
    expect(grid.hovered).to_contain_text("1, 1, 1")
    grid.expect_color(5, [255] * 4)


def test_a_picture_without_a_caption_has_the_name_of_its_place_among_all(show: Show) -> None:
    grid = GridOnPage(show(td.ImageGrid(torch.rand(70, 3, 8, 8))))
    first = grid.root.locator("canvas.torchdial-picture").first
    expect(first).to_have_attribute("aria-label", "1")
    grid.button("›").click()
    expect(first).to_have_attribute("aria-label", "65")


def test_boxes_carry_names_and_hover_tells_class_and_value(show: Show) -> None:
    images = torch.full((2, 3, 200, 200), 0.5)
    mask = torch.zeros(200, 200, dtype=torch.long)
    mask[:100] = 1
    boxes = {"boxes": [[20.0, 120, 180, 180], [100, 120, 180, 180]], "labels": [1, 2]}
    targets = [mask, boxes]
    plain = GridOnPage(show(td.ImageGrid(images, targets=targets)))
    unnamed = painted(plain, 1)
    plain.frames.nth(1).hover(position=at(plain, 0.8, 0.75))
    expect(plain.hovered).to_have_text(re.compile(r"0\.5, 0\.5, 0\.5\s+class 2$"))

    names = {1: "<b>cat</b>", 2: "dog"}
    grid = GridOnPage(show(td.ImageGrid(images, targets=targets, class_names=names)))
    assert painted(grid, 1) > unnamed + 100, "names at the boxes"
    for cell, x, y, words in (
        (0, 0.5, 0.25, "<b>cat</b>"),
        (1, 0.2, 0.75, "<b>cat</b>"),
        (1, 0.8, 0.75, "dog"),
    ):
        grid.frames.nth(cell).hover(position=at(grid, x, y))
        expect(grid.hovered).to_have_text(re.compile(rf"0\.5, 0\.5, 0\.5\s+{words}$"))
    grid.frames.nth(0).hover(position=at(grid, 0.5, 0.75))
    expect(grid.hovered).to_have_text(re.compile(r"0\.5, 0\.5, 0\.5$"))


OPACITIES = """canvas => canvas.getContext('2d')
  .getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 3)"""


def painted(grid: GridOnPage, cell: int) -> int:
    """Return how many pixels lie over a picture."""
    canvas = grid.root.locator("canvas.torchdial-overlay").nth(cell)
    counted: int = canvas.evaluate(f"canvas => ({OPACITIES})(canvas).filter(Boolean).length")
    return counted


def at(grid: GridOnPage, x: float, y: float) -> dict[str, float]:
    side = grid.frames.first.evaluate("e => e.clientWidth")
    return {"x": x * side, "y": y * side}


def test_long_captions_give_way_in_the_middle(show: Show) -> None:
    captions = [f"validation/city/very_long_name_of_a_street_{i:04}_left.png" for i in range(30)]
    grid = GridOnPage(show(td.ImageGrid(torch.rand(30, 3, 8, 8), captions=captions)))
    caption = grid.root.locator(".torchdial-caption").nth(7)
    expect(caption).to_have_text(captions[7])
    expect(grid.root.get_by_role("button", name=captions[7], exact=True)).to_be_visible()
    parts = caption.locator("span")
    start, end = (parts.nth(i).bounding_box() for i in (0, 1))
    frame = grid.frames.nth(7).bounding_box()
    assert start
    assert end
    assert frame
    assert captions[7].endswith(parts.nth(1).inner_text())
    assert end["x"] + end["width"] <= frame["x"] + frame["width"] + 1
    assert parts.nth(0).evaluate("e => e.scrollWidth > e.clientWidth"), "the start is cut"
    assert start["width"] > 20
