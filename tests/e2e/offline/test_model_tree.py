"""The module tree in a bare page, without a kernel."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

import torchdial as td
from tests.e2e.eventually import copied_by
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
