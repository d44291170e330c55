"""The module tree in real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import Lab, opened

pytestmark = pytest.mark.browser

MODEL = """
import time, torch, torchdial as td
from torch import nn

class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
    def forward(self, x):
        time.sleep(0.01)  # so that the blocks take longest on any machine
        return x + self.norm(self.conv(x)).relu()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.blocks = nn.Sequential(*(Block(16) for _ in range(12)))
        self.head = nn.Linear(HEAD, 10)
        self.add_module("<img src=x onerror=planted()>", nn.Identity())
    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))
"""
SHOW = "tree = td.ModelTree(Net(), torch.rand(2, 3, 34, 34)); tree"


@pytest.fixture
def tree(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[Locator]:
    head = getattr(request, "param", 16)
    with opened(lab, page, "tree", [MODEL.replace("HEAD", str(head)), SHOW, "tree.selected"]):
        root = page.locator(".torchdial")
        expect(root.get_by_role("treegrid")).to_be_visible(timeout=60_000)
        yield root


def expect_second(root: Locator, name: str) -> None:
    """Wait until the row under the model is this one."""
    expect(root.locator(".torchdial-tree-name").nth(1)).to_have_text(name)


def line(root: Locator, path: str) -> Locator:
    return root.locator(f'.torchdial-tree-line[data-path="{path}"]')


def run_last_cell(page: Page) -> Locator:
    """Run the notebook's last cell again and return what it puts out."""
    page.evaluate(
        """async () => {
      const panel = jupyterapp.shell.currentWidget;
      panel.content.activeCellIndex = panel.content.widgets.length - 1;
      await jupyterapp.commands.execute('notebook:run-cell');
    }"""
    )
    return page.locator(".jp-OutputArea-output").last


def test_folds_opens_searches_sorts_and_chooses(tree: Locator, page: Page) -> None:
    expect_second(tree, "stem")
    expect(tree.locator(".torchdial-tree-times")).to_have_text("×12")
    expect(line(tree, "stem").locator(".torchdial-tree-number").first).to_have_text("448")
    expect(line(tree, "blocks.0").locator(".torchdial-tree-output")).to_have_text("2×16×32×32")

    tree.locator(".torchdial-tree-times").click()
    expect(line(tree, "blocks.11")).to_be_visible()
    tree.locator(".torchdial-tree-times").first.click()
    expect(line(tree, "blocks.11")).to_have_count(0)

    tree.get_by_label("search modules").fill("norm")
    expect(line(tree, "blocks.0.norm")).to_be_visible()
    expect(line(tree, "stem")).to_have_count(0)
    tree.get_by_label("search modules").fill("")

    tree.get_by_role("button", name="FLOPs").click()
    expect_second(tree, "blocks")
    tree.get_by_role("button", name="FLOPs").click()
    expect_second(tree, "stem")

    line(tree, "head").click()
    expect(line(tree, "head")).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(500)
    expect(run_last_cell(page)).to_have_text("'head'")


def test_every_control_of_the_toolbar_does_something(tree: Locator, page: Page) -> None:
    tree.get_by_label("depth").select_option("1")
    expect(line(tree, "blocks.0")).to_have_count(0)
    tree.get_by_label("depth").select_option("all")
    expect(line(tree, "blocks.0.conv")).to_be_visible()
    line(tree, "blocks").locator(".torchdial-tree-toggle").click()
    expect(line(tree, "blocks.0")).to_have_count(0)
    for name, largest in (("parameters", "blocks"), ("activations", "blocks"), ("time", "blocks")):
        tree.get_by_role("button", name=name).click()
        expect_second(tree, largest)
        sorted_by = tree.locator('[aria-sort="descending"]')
        expect(sorted_by).to_have_text(name)
    tree.get_by_role("button", name="copy").click()
    eventually(page, lambda: "Block ×12" in page.evaluate("() => navigator.clipboard.readText()"))
    tree.get_by_role("button", name="?").click()
    expect(tree.locator(".torchdial-keys")).to_be_visible()


def test_keys_move_open_and_choose(tree: Locator, page: Page) -> None:
    body = tree.locator(".torchdial-tree-body")
    body.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(line(tree, "blocks.0.conv")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(line(tree, "blocks.0.conv")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(line(tree, "blocks.0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("*")
    expect(line(tree, "blocks.0.norm")).to_be_visible()
    page.keyboard.press("/")
    expect(tree.get_by_label("search modules")).to_be_focused()


@pytest.mark.parametrize("tree", [17], indirect=True)
def test_a_broken_forward_is_marked_where_it_broke(tree: Locator) -> None:
    failed = tree.locator(".torchdial-tree-failed")
    expect(failed).to_have_attribute("data-path", "head")
    expect(failed).to_contain_text("failed, given 2×16")
    expect(tree.locator(".torchdial-readout")).to_contain_text("mat1 and mat2")


def test_names_from_a_person_are_text(tree: Locator, page: Page) -> None:
    expect(tree).to_contain_text("<img src=x onerror=planted()>")
    assert tree.locator("img").count() == 0


def test_two_thousand_modules_are_drawn_as_they_come_into_sight(lab: Lab, page: Page) -> None:
    wide = (
        "tree = td.ModelTree(nn.Sequential(*(nn.Sequential(nn.Linear(2, i % 3 + 1), nn.ReLU())"
        " for i in range(700)))); tree"
    )
    with opened(lab, page, "wide", [MODEL.replace("HEAD", "16"), wide]):
        root = page.locator(".torchdial")
        expect(root.get_by_role("treegrid")).to_be_visible(timeout=60_000)
        root.get_by_label("depth").select_option("all")
        expect(root).to_have_attribute("data-rows", "2101")
        assert root.locator(".torchdial-tree-line").count() < 40
        root.locator(".torchdial-tree-body").evaluate("e => { e.scrollTop = e.scrollHeight }")
        expect(line(root, "699.1")).to_be_visible()
