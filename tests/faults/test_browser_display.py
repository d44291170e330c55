"""Display code that breaks in the browser, in JupyterLab: words, and all others go on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.lab import Lab, opened
from tests.e2e.panel import PanelOnPage
from tests.faults.notebook import RUN, SETUP

pytestmark = pytest.mark.browser

ERROR = "This widget has an error"
BREAKABLE = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (...how) {
  return window.isBroken ? null : get.apply(this, how);
};
window.isBroken = true;
"""
MAKE = """
box = torch.tensor([[2., 2, 9, 9]])
found = [dict(boxes=box, scores=torch.ones(1), labels=torch.zeros(1, dtype=torch.long))] * 2
made = [
    td.SegmentationPreview(images, probs), td.DetectionPreview(images, found, found),
    td.ImageGrid(images), td.LossPlot({'loss': [2.0, 1.0]}), td.GradientPlot(monitor),
]
"""
SHOW = "display(*made)\ndisplay(td.ModelTree(model))"


def test_without_a_canvas_there_are_words_and_with_one_pictures(lab: Lab, page: Page) -> None:
    page.add_init_script(BREAKABLE)
    with opened(lab, page, "broken", [SETUP, MAKE, SHOW, RUN]):
        panel = PanelOnPage(page, index=2)
        panel.expect_text("running")
        widgets = page.locator(".torchdial")
        expect(widgets).to_have_count(7)
        for i in (0, 1, 2, 3, 6):
            widgets.nth(i).scroll_into_view_if_needed()
            expect(widgets.nth(i).get_by_text(ERROR)).to_be_visible()
        tree = widgets.nth(5)
        tree.scroll_into_view_if_needed()
        expect(tree.get_by_text(ERROR)).to_have_count(0)
        expect(tree.get_by_role("row")).to_have_count(6)
        page.evaluate("() => { window.isBroken = false; }")
        panel.show()
        panel.eventually(lambda: panel.root.get_by_text(ERROR).count() == 0)
        expect(panel.root.locator("canvas").first).to_be_visible()
        panel.eventually(lambda: len(panel.copied()) > 0)
