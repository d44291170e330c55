"""The module tree in JupyterLab, beside a run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import Lab, expect_in_kernel, in_kernel, opened
from tests.e2e.tree import TreeOnPage

pytestmark = pytest.mark.browser

SETUP = """
import asyncio
import torch, torchdial as td
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.Sequential(nn.ReLU(), nn.Linear(16, 1)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, y = torch.randn(32, 8), torch.randn(32, 1)
monitor = td.TrainingMonitor(model, optimizer, budget=1)
tree, plot = td.ModelTree(model, monitor=monitor), td.GradientPlot(monitor)
display(tree, plot)

async def train():
    while True:
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
        await asyncio.sleep(0.02)

task = asyncio.create_task(train())
"""
AT_STEP = re.compile("at step")


def test_a_tree_is_updated_while_an_async_cell_trains(lab: Lab, page: Page) -> None:
    with opened(lab, page, "live_tree", [SETUP]):
        tree = TreeOnPage(page)
        gradient, update = tree.statistic("1.1", 0), tree.statistic("1.1", 1)
        expect(gradient).to_have_attribute("title", AT_STEP, timeout=60_000)
        expect(update).to_have_attribute("title", AT_STEP)
        expect(tree.statistic("1.0", 2)).to_contain_text(" %")
        expect(tree.statistic("1.0", 0)).to_have_attribute("title", "no gradient yet")

        first = gradient.get_attribute("title") or ""
        expect(gradient).not_to_have_attribute("title", first)
        expect(gradient).to_have_attribute("aria-label", AT_STEP)
        eventually(page, lambda: tree.ink("1.1") > 20)

        tree.line("1.1").locator(".torchdial-tree-name").click()
        expect_in_kernel(page, "tree.selected", "1.1")
        chosen = page.locator(".torchdial-layer-labels [aria-pressed=true]")
        expect(chosen).to_have_attribute("title", "1.1.weight")

        in_kernel(page, "model[0].weight.register_hook(lambda grad: grad * float('nan'))")
        alarm = tree.root.get_by_role("alert")
        expect(alarm).to_contain_text("⚠ step", timeout=30_000)
        expect(alarm).to_contain_text("0.weight")
        bad = tree.root.locator(".torchdial-tree-failed")
        expect(bad).to_have_attribute("data-path", "0")
        expect(bad.locator(".torchdial-tree-mark")).to_have_attribute("title", re.compile("^step"))
        expect(tree.statistic("", 0)).to_contain_text("NaN")
        alarm.get_by_role("button").click()
        expect(tree.root.locator(".torchdial-tree-focused")).to_have_class(
            re.compile("torchdial-tree-failed")
        )

        in_kernel(page, "task.cancel(); tree.close(); monitor.close()")
        left = "print(sum(len(m._forward_hooks) for m in model.modules()), repr(monitor.problem))"
        assert in_kernel(page, left).strip() == "0 ''"
