"""The module tree in a bare page, without a kernel."""

from __future__ import annotations

import re

import pytest
import torch
from playwright.sync_api import Locator, expect
from torch import nn

import torchdial as td
from tests.e2e.eventually import copied_by, eventually
from tests.e2e.nets import Net
from tests.e2e.page import Show
from tests.e2e.tree import TreeOnPage

pytestmark = pytest.mark.browser


@pytest.fixture
def tree(show: Show) -> TreeOnPage:
    return TreeOnPage(show(td.ModelTree(Net(), torch.rand(2, 3, 34, 34))))


def test_folds_opens_searches_sorts_and_chooses(tree: TreeOnPage) -> None:
    tree.expect_second("stem")
    expect(tree.times).to_have_text("×12")
    expect(tree.line("stem").locator(".torchdial-tree-number").first).to_have_text("448")
    expect(tree.line("blocks.0").locator(".torchdial-tree-output")).to_have_text("2×16×32×32")

    tree.times.click()
    expect(tree.line("blocks.11")).to_be_visible()
    tree.times.first.click()
    expect(tree.line("blocks.11")).to_have_count(0)

    tree.search.fill("norm")
    expect(tree.line("blocks.0.norm")).to_be_visible()
    expect(tree.line("stem")).to_have_count(0)
    tree.search.fill("")

    tree.button("FLOPs").click()
    tree.expect_second("blocks")
    tree.button("FLOPs").click()
    tree.expect_second("stem")

    tree.line("head").click()
    expect(tree.line("head")).to_have_attribute("aria-selected", "true")


def test_every_control_of_the_toolbar_does_something(tree: TreeOnPage) -> None:
    depth = tree.root.get_by_label("depth")
    depth.select_option("1")
    expect(tree.line("blocks.0")).to_have_count(0)
    depth.select_option("all")
    expect(tree.line("blocks.0.conv")).to_be_visible()
    tree.line("blocks").locator(".torchdial-tree-toggle").click()
    expect(tree.line("blocks.0")).to_have_count(0)
    for name in ("parameters", "activations", "time"):
        tree.button(name).click()
        tree.expect_second("blocks")
        expect(tree.root.locator('[aria-sort="descending"]')).to_have_text(name)
    assert "Block ×12" in copied_by(tree.button("copy"))
    tree.button("?").click()
    expect(tree.root.locator(".torchdial-keys")).to_be_visible()


def test_keys_move_open_and_choose(tree: TreeOnPage) -> None:
    keyboard = tree.page.keyboard
    tree.body.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        keyboard.press(key)
    expect(tree.line("blocks.0.conv")).to_be_visible()
    keyboard.press("ArrowLeft")
    expect(tree.line("blocks.0.conv")).to_have_count(0)
    keyboard.press("Enter")
    expect(tree.line("blocks.0")).to_have_attribute("aria-selected", "true")
    keyboard.press("*")
    expect(tree.line("blocks.0.norm")).to_be_visible()
    keyboard.press("/")
    expect(tree.search).to_be_focused()


def test_a_failed_forward_is_marked_at_its_module(show: Show) -> None:
    tree = TreeOnPage(show(td.ModelTree(Net(features=17), torch.rand(2, 3, 34, 34))))
    failed = tree.root.locator(".torchdial-tree-failed")
    expect(failed).to_have_attribute("data-path", "head")
    expect(failed).to_contain_text("failed, given 2×16")
    expect(tree.root.locator(".torchdial-readout")).to_contain_text("mat1 and mat2")


def test_names_from_users_are_text(tree: TreeOnPage) -> None:
    expect(tree.root).to_contain_text("<img src=x onerror=planted()>")
    assert tree.root.locator("img").count() == 0


def test_of_two_thousand_modules_the_visible_ones_are_drawn(show: Show) -> None:
    pairs = (nn.Sequential(nn.Linear(2, i % 3 + 1), nn.ReLU()) for i in range(700))
    tree = TreeOnPage(show(td.ModelTree(nn.Sequential(*pairs))))
    tree.root.get_by_label("depth").select_option("all")
    expect(tree.root).to_have_attribute("data-rows", "2101")
    assert tree.root.locator(".torchdial-tree-line").count() < 40
    tree.body.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(tree.line("699.1")).to_be_visible()


@pytest.fixture
def narrow(show: Show) -> TreeOnPage:
    """A tree with live statistics, 480 pixels wide."""
    model = nn.Sequential()
    for i in range(40):
        model.add_module(f"a_rather_long_name_{i}", nn.Linear(2, 2))
    model.add_module("head", nn.Linear(2, 3))
    monitor = td.TrainingMonitor(model, torch.optim.SGD(model.parameters(), lr=0.01), budget=1)
    tree = td.ModelTree(model, torch.rand(1, 2), monitor=monitor)
    model(torch.rand(1, 2)).sum().backward()
    monitor.record_gradients()
    monitor.log(loss=1.0)
    monitor.flush()
    page = show(tree)
    monitor.close()
    page.set_viewport_size({"width": 480, "height": 800})
    return TreeOnPage(page)


def test_a_narrow_tree_scrolls_its_costs_under_names_and_statistics(narrow: TreeOnPage) -> None:
    row = narrow.line("a_rather_long_name_0")
    kept = [row.locator(".torchdial-tree-module"), narrow.statistic("a_rather_long_name_0", 2)]
    before = [box["x"] for box in map(Locator.bounding_box, kept) if box]
    time = narrow.button("time")
    narrow.body.evaluate("e => { e.scrollTo(e.scrollWidth, 200) }")
    row = narrow.line("a_rather_long_name_9")
    kept = [row.locator(".torchdial-tree-module"), narrow.statistic("a_rather_long_name_9", 2)]
    eventually(  # rows are drawn anew after a scroll
        narrow.page,
        lambda: [box["x"] for box in map(Locator.bounding_box, kept) if box] == before,
    )
    assert before[0] < before[1] < 320
    right = narrow.body.bounding_box()
    end, cell = time.bounding_box(), row.locator(".torchdial-tree-number").last.bounding_box()
    assert right
    assert end
    assert cell
    assert end["x"] + end["width"] <= right["x"] + right["width"]  # it came into view
    assert end["y"] == pytest.approx(right["y"], abs=2)  # and did not scroll away
    assert cell["y"] > end["y"]


def test_what_is_cut_has_an_ellipsis_and_its_words_on_hover(narrow: TreeOnPage) -> None:
    row = narrow.line("head")
    narrow.body.focus()
    narrow.page.keyboard.press("End")
    module = row.locator(".torchdial-tree-module")
    expect(module).to_have_attribute("title", re.compile("head\nLinear\n.*in_features=2.*\n1×3"))
    cut = narrow.root.locator(".torchdial-tree-name, .torchdial-tree-kind").evaluate_all(
        """all => all.filter(e => e.scrollWidth > e.clientWidth)
          .map(e => getComputedStyle(e).textOverflow)"""
    )
    assert set(cut) == {"ellipsis"}


def test_a_search_without_hits_says_so(tree: TreeOnPage) -> None:
    notice = tree.root.locator(".torchdial-notice").first
    tree.search.fill("transformer")
    expect(notice).to_have_text('no module has "transformer" in its name or kind')
    tree.search.fill("norm")
    expect(notice).to_be_hidden()
