"""The classification preview in JupyterLab: what involves the kernel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dial import DialOnPage
from tests.e2e.lab import WAIT, Lab, expect_in_kernel, opened

pytestmark = pytest.mark.browser

MAKE = """
import torch, torchdial as td
random = torch.Generator().manual_seed(0)
scores = torch.rand(500, generator=random)
targets = (scores + torch.rand(500, generator=random) > 1).long()
pictures = torch.rand(500, 1, 8, 8, generator=random)
w = td.ClassificationPreview(scores, targets, pictures)
w
"""


def metrics_on(dial: DialOnPage) -> list[str]:
    return re.findall(r"(?:F1|precision|recall) ([\d.]+)", dial.readout())


IN_KERNEL = "[f'{w.metrics[name]:.3f}' for name in ('f1', 'precision', 'recall')]"


def test_dial_and_samples_work_while_a_cell_blocks_the_kernel(lab: Lab, page: Page) -> None:
    with opened(lab, page, "classification", [WAIT, MAKE, "wait_for('drag')"]):
        dial = DialOnPage(page)
        dial.drag_to(71)
        dial.button("False negatives").click()
        line = dial.root.locator(".torchdial-chosen")
        expect(line).to_contain_text("false negatives")
        seen = metrics_on(dial)
        captions = dial.root.locator(".torchdial-caption").all_inner_texts()
        first = [int(re.findall(r"\d+", caption)[0]) - 1 for caption in captions]
        lab.signal("drag")
        expect_in_kernel(page, "w.threshold", 0.71)
        expect_in_kernel(page, "w.view", "false negatives")
        expect_in_kernel(page, IN_KERNEL, seen)
        expect_in_kernel(page, "w.samples_of('false negatives', 16)", first)


def test_the_kernel_sets_the_dial_and_other_pages_of_samples_are_sent(lab: Lab, page: Page) -> None:
    many = MAKE.replace("8, 8", "300, 300").replace("500", "80")
    with opened(lab, page, "samples", [many, "w.threshold = 0.3"]):
        dial = DialOnPage(page)
        dial.expect_stop(30)
        expect_in_kernel(page, IN_KERNEL, metrics_on(dial))
        dial.button("All").click()
        for _ in range(4):
            dial.root.get_by_role("button", name="›").click()
        captions = dial.root.locator(".torchdial-caption")
        expect(captions.first).to_contain_text("65 · p")
        expect(dial.root.locator(".torchdial-waiting:visible")).to_have_count(0)
