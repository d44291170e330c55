"""The detection preview in JupyterLab: what involves the kernel and the notebook."""

from __future__ import annotations

import inspect

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import detections
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.detections import kept, make
from tests.e2e.eventually import eventually
from tests.e2e.lab import (
    WAIT,
    Lab,
    change_theme,
    expect_in_kernel,
    expect_output,
    in_kernel,
    opened,
)

pytestmark = pytest.mark.browser

DETECTIONS = inspect.getsource(detections)
CELLS = [DETECTIONS, "w = make()\nw"]


def test_the_boxes_drawn_are_those_kept_in_page_and_kernel(lab: Lab, page: Page) -> None:
    with opened(lab, page, "boxes", CELLS):
        dials, ours = BoxesOnPage(page), make()
        assert dials.boxes() == kept(ours)
        dials.drag(dials.score, 0.2)
        dials.drag(dials.nms, 0.66)
        score, stop = dials.position()
        ours.score_threshold, ours.nms_iou = score, stop / 100
        assert dials.boxes() == kept(ours)
        expect_in_kernel(page, "(w.score_threshold, w.nms_iou)", (score, stop / 100))

        expect(dials.map.locator(".torchdial-map-waiting")).to_be_hidden(timeout=10_000)
        dials.drag_on_map((0.25, 0.5), (0.05, 0.9))
        score, stop = dials.position()
        dials.root.get_by_label("max det").fill("17")
        page.keyboard.press("Tab")
        dials.root.get_by_label("class").select_option("3")
        dials.set(0.4)
        dials.root.get_by_label("class").select_option("")
        dials.settle()
        ours.score_threshold, ours.nms_iou, ours.max_det = score, stop / 100, 17
        ours.class_thresholds = [None, None, None, 0.4, *[None] * 6]
        assert dials.boxes() == kept(ours)
        expect_in_kernel(page, "kept(w)", kept(ours))
        expect_in_kernel(page, "w.export()", ours.export())


@pytest.mark.slow
def test_dials_and_refresh_work_while_a_cell_blocks_the_kernel(lab: Lab, page: Page) -> None:
    blocking = (
        "import time\n"
        "wait_for('look')\n"
        "for _ in range(6):\n"
        "    time.sleep(0.2)\n"
        "    w.refresh(newer)\n"
        "wait_for('two drags')\n"
        "print('training over')"
    )
    with opened(lab, page, "blocked", [WAIT, *CELLS, blocking]):
        dials = BoxesOnPage(page)
        lab.signal("look")
        dials.drag(dials.score, 0.4)
        dials.drag(dials.nms, 0.3)
        score, stop = dials.position()
        expected = []
        for found in (detections.found, detections.newer):
            ours = make(found, score_threshold=score, nms_iou=stop / 100)
            expected.append(kept(ours))
        eventually(page, lambda: dials.boxes() in expected)
        lab.signal("two drags")
        expect_output(page, "training over")
        expect(dials.root).to_have_attribute("data-version", "6")
        dials.settle()
        assert dials.boxes() == expected[1]
        expect_in_kernel(page, "(w.score_threshold, w.nms_iou)", (score, stop / 100))


@pytest.mark.slow
def test_python_sets_what_a_page_shows_in_two_views_and_after_a_reload(
    lab: Lab, page: Page
) -> None:
    show = "w = make(class_thresholds={'3': 0.7})\ndisplay(w, w)"
    with opened(lab, page, "python", [DETECTIONS, show]):
        first, second = BoxesOnPage(page), BoxesOnPage(page, index=1)
        in_kernel(page, "w.score_threshold = 0.123456; w.nms_iou = 0.704; w.max_det = 9")
        ours = make(class_thresholds={"3": 0.7})
        ours.score_threshold, ours.nms_iou, ours.max_det = 0.123456, 0.704, 9
        for dials in (first, second):
            dials.expect_at(0.123456, 70)
            assert dials.boxes() == kept(ours)
        second.drag(second.nms, 0.2)
        first.expect_at(0.123456, 20)
        ours.nms_iou = 0.2
        assert first.boxes() == kept(ours)
        expect(first.root.get_by_label("class").locator("option").nth(4)).to_have_text("3 (0.70)")
        page.wait_for_timeout(600)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        lab.open(page, "python")
        dials = BoxesOnPage(page)
        dials.expect_at(0.123456, 20)
        assert dials.boxes() == kept(ours)


@pytest.mark.slow
def test_a_bad_frame_leaves_the_last_good_one_and_a_notice(lab: Lab, page: Page) -> None:
    bad = "newer[0]['boxes'][0, 0] = float('nan')\nprint('shown:', w.refresh(newer))"
    with opened(lab, page, "bad_frame", [*CELLS, bad]):
        dials = BoxesOnPage(page)
        expect_output(page, "shown: False")
        expect(dials.root.locator(".torchdial-notice")).to_contain_text("not finite")
        assert dials.boxes() == kept(make())


@pytest.mark.slow
def test_it_follows_the_dark_theme(lab: Lab, page: Page) -> None:
    with opened(lab, page, "dark", CELLS):
        dials = BoxesOnPage(page)
        color = "e => getComputedStyle(e).color"
        light = dials.root.evaluate(color)
        try:
            change_theme(page, "JupyterLab Dark")
            eventually(page, lambda: dials.root.evaluate(color) != light)
        finally:
            change_theme(page, "JupyterLab Light")
        eventually(page, lambda: dials.root.evaluate(color) == light)
