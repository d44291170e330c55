"""A notebook of the repository, run from top to bottom in real JupyterLab."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.lab import Lab, expect_in_kernel, in_lab

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[3] / "notebooks/07_compose_with_bqplot.ipynb"
# Whether each code cell has finished, and the types of its outputs.
ALL_RAN = """() => jupyterapp.shell.currentWidget.content.widgets.every(({ model }) =>
  model.type !== 'code' || (model.executionCount !== null && model.executionState === 'idle'))"""
OUTPUT_TYPES = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap(({ model }) =>
  model.type === 'code' ? model.outputs.toJSON().map(output => output.output_type) : [])"""


@pytest.mark.slow
def test_the_notebook_of_figures_runs_and_its_widgets_work(lab: Lab, page: Page) -> None:
    shutil.copy(NOTEBOOK, lab.folder / "figures.ipynb")
    with in_lab(lab, page, "figures"):
        page.wait_for_function(ALL_RAN, timeout=180_000)
        assert "error" not in page.evaluate(OUTPUT_TYPES)
        previews = page.locator(".torchdial")
        expect(previews).to_have_count(2)
        expect(page.locator(".bqplot svg").first).to_be_visible()
        segmentation, detection = previews.nth(0), previews.nth(1)
        segmentation.scroll_into_view_if_needed()
        segmentation.locator(".torchdial-dial-input").fill("80")
        expect(segmentation).to_have_attribute("data-stop", "80")
        detection.scroll_into_view_if_needed()
        detection.get_by_label("score threshold", exact=True).fill("0.25")
        expect(detection).to_have_attribute("data-score", "0.25")
        expect_in_kernel(page, "preview.threshold", 0.8)
