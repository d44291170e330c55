"""The segmentation preview in JupyterLab: what involves the kernel and the notebook."""

from __future__ import annotations

import base64
import inspect
import re

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.lab import WAIT, Lab, expect_in_kernel, expect_output, in_kernel, opened
from tests.e2e.maps import mask_at

pytestmark = pytest.mark.browser

MAPS = inspect.getsource(maps)
IMPORT = "import time, torch, torchdial as td"
MAKE = "w = td.SegmentationPreview(images, probs, targets)\nw.view = 'mask'\n"
CELLS = [MAPS, IMPORT, MAKE + "w"]
COUNT_CELLS = "() => jupyterapp.shell.currentWidget.content.widgets.length"
COUNT_COMMS = """() => {
  const panel = jupyterapp.shell.currentWidget;
  return panel.context.sessionContext.session.kernel._comms.size;
}"""


def version(dial: DialOnPage) -> int:
    """Return the number of refreshes that the page has received."""
    return int(dial.root.get_attribute("data-version") or 0)


def test_dragging_shows_exactly_the_mask_and_reaches_the_kernel(lab: Lab, page: Page) -> None:
    with opened(lab, page, "drag", CELLS):
        dial = DialOnPage(page)
        for stop in (0, 37, 100):
            dial.drag_to(stop)
            for cell in range(3):
                assert dial.shows(cell, mask_at(maps.probs[cell], stop)), (stop, cell)
        expect_in_kernel(page, "w.threshold", 1.0)
        for key, stop in (("ArrowLeft", 99), ("ArrowDown", 98), ("Home", 0), ("PageUp", 10)):
            page.keyboard.press(key)
            dial.expect_stop(stop)
        expect_in_kernel(page, "w.threshold", 0.1)
        for key in ("b", "a", "x"):  # JupyterLab: new cells, and a cell cut out
            page.keyboard.press(key)
        assert page.evaluate(COUNT_CELLS) == len(CELLS)


def test_dial_and_refresh_work_while_a_cell_blocks_the_kernel(lab: Lab, page: Page) -> None:
    blocking = (
        "import itertools\n"
        "turns = itertools.cycle([newer, probs])\n"
        "wait_for('drag', lambda: w.refresh(next(turns)))\n"
        "w.refresh(newer)\n"
        "print('training over')"
    )
    with opened(lab, page, "blocking", [WAIT, *CELLS, blocking]):
        dial = DialOnPage(page)
        dial.eventually(lambda: version(dial) >= 2)
        first = version(dial)
        dial.drag_to(71)
        seen = dial.mask(0, *maps.probs[0].shape).tolist()  # once: they take turns
        assert seen in [mask_at(probs[0], 71).tolist() for probs in (maps.probs, maps.newer)]
        dial.eventually(lambda: version(dial) > first)
        dial.expect_stop(71)
        lab.signal("drag")
        expect_output(page, "training over")
        expect_in_kernel(page, "w.threshold", 0.71)
        assert dial.shows(0, mask_at(maps.newer[0], 71))


def test_a_number_leads_to_its_pictures_while_a_cell_blocks_the_kernel(
    lab: Lab, page: Page
) -> None:
    many = "w = td.SegmentationPreview(*(np.repeat(a, 7, 0) for a in (images, probs, targets)))\n"
    with opened(lab, page, "numbers", [WAIT, MAPS, IMPORT, many + "w", "wait_for('click')"]):
        dial = DialOnPage(page)
        dial.drag_to(71)
        dial.root.get_by_text("confusion matrix").click()
        dial.root.get_by_role("button", name="target on, predicted background:").click()
        expect(dial.root.locator(".torchdial-chosen")).to_contain_text("21 of 21 pictures")
        captions = dial.root.locator(".torchdial-caption").all_inner_texts()
        first = [int(re.findall(r"\d+", caption)[0]) - 1 for caption in captions]
        lab.signal("click")
        expect_in_kernel(page, "w.threshold", 0.71)
        expect_in_kernel(page, "list(w.images_of('on', None))[:16]", first)


def test_page_reload_restores_the_state(lab: Lab, page: Page) -> None:
    with opened(lab, page, "reload", [MAPS, IMPORT, MAKE + "w.refresh(newer)\nw"]):
        dial = DialOnPage(page)
        dial.drag_to(64)
        dial.button("Outline").click()
        dial.button("Mask").click()
        page.wait_for_timeout(300)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        saved = nbformat.read(lab.folder / "reload.ipynb", as_version=4)
        png = saved.cells[-1].outputs[0].data["image/png"]
        assert base64.b64decode(png).startswith(b"\x89PNG"), "the static picture is saved"
        lab.open(page, "reload")
        dial = DialOnPage(page)
        dial.expect_stop(64)
        assert dial.shows(1, mask_at(maps.newer[1], 64))


@pytest.mark.slow
def test_created_displayed_and_updated_in_one_cell(lab: Lab, page: Page) -> None:
    cell = MAKE + "display(w)\nw.threshold = 0.3\nw.refresh(newer)"
    with opened(lab, page, "one_cell", [MAPS, IMPORT, cell]):
        dial = DialOnPage(page)
        dial.expect_stop(30)
        expect(dial.root).to_have_attribute("data-version", "1")
        assert dial.shows(2, mask_at(maps.newer[2], 30))


@pytest.mark.slow
def test_a_bad_frame_leaves_the_last_good_one_and_a_notice(lab: Lab, page: Page) -> None:
    bad = "newer[0, 3, 4] = np.nan\nprint('shown:', w.refresh(newer))"
    with opened(lab, page, "bad_frame", [*CELLS, bad]):
        dial = DialOnPage(page)
        notice = dial.root.locator(".torchdial-notice")
        expect(notice).to_contain_text("1 of 2,304 not finite, the first at index (0, 0, 3, 4)")
        expect_output(page, "shown: False")
        assert dial.shows(0, mask_at(maps.probs[0], 50))


@pytest.mark.slow
def test_jslink_moves_dial_and_slider_together(lab: Lab, page: Page) -> None:
    link = (
        "import ipywidgets\n"
        "slider = ipywidgets.FloatSlider(min=0, max=1, step=0.01, value=0.5)\n"
        "link = ipywidgets.jslink((slider, 'value'), (w, 'threshold'))\n"
        "display(slider, w)"
    )
    with opened(lab, page, "jslink", [MAPS, IMPORT, MAKE + link]):
        dial = DialOnPage(page)
        readout = page.locator(".widget-slider .widget-readout")
        dial.drag_to(77)
        expect(readout).to_have_text("0.77")
        readout.click()
        page.keyboard.press("Control+a")
        page.keyboard.type("0.23")
        page.keyboard.press("Enter")
        dial.expect_stop(23)
        assert dial.shows(0, mask_at(maps.probs[0], 23))


@pytest.mark.slow
def test_styles_apply(lab: Lab, page: Page) -> None:
    """Swatches, the notice and the line for screen readers have their styles."""
    bad = "newer[:] = np.nan\nw.refresh(newer)\nw.view = 'errors'"
    with opened(lab, page, "looks", [*CELLS, bad]):
        root = DialOnPage(page).root
        expect(root.locator(".torchdial-swatch")).to_have_count(3)
        page.wait_for_timeout(1500)

        def box(name: str) -> dict[str, float]:
            found = root.locator(f".torchdial-{name}:visible").first.bounding_box()
            assert found, name
            return found

        assert box("swatch")["width"] >= 10
        spoken = root.locator(".torchdial-spoken").bounding_box()
        assert spoken
        assert spoken["width"] <= 2
        assert box("notice")["height"] >= 20
        value, lines = box("value"), root.locator(".torchdial-lines span").first.bounding_box()
        assert lines
        assert lines["x"] > value["x"] + value["width"], "the readout runs together"
        for name in ("button", "select", "caption"):
            assert box(name)["height"] >= 24, f"{name} is too small to hit"


@pytest.mark.slow
def test_the_best_button_can_be_hit_while_refreshing(lab: Lab, page: Page) -> None:
    busy = "for step in range(120):\n    time.sleep(0.05)\n    w.refresh(newer)"
    with opened(lab, page, "best", [MAPS, IMPORT, MAKE + "w.threshold = 0.9\nw", busy]):
        dial = DialOnPage(page)
        dial.eventually(lambda: version(dial) >= 5)
        best = dial.root.get_by_title("Go to the best threshold")
        text = re.search(r"at 0\.(\d\d)", best.inner_text())
        assert text
        best.click(delay=150)
        dial.expect_stop(int(text[1]))


@pytest.mark.slow
def test_kernel_and_page_exchange_messages_during_and_after_an_async_cell(
    lab: Lab, page: Page
) -> None:
    """ipywidgets stops sending traits here; the last value of a drag must still arrive."""
    cell = "import asyncio\nfor _ in range(60): await asyncio.sleep(0.1)\nprint('cell over')"
    with opened(lab, page, "asynchronous", [*CELLS, cell]):
        dial = DialOnPage(page)
        page.wait_for_timeout(1500)
        for stop in (20, 80, 12):
            dial.drag_to(stop)
            page.wait_for_timeout(300)
        expect_output(page, "cell over")
        expect_in_kernel(page, "w.threshold", 0.12)
        dial.drag_to(65)
        expect_in_kernel(page, "w.threshold", 0.65)
        in_kernel(page, "w.threshold = 0.34")
        dial.expect_stop(34)


@pytest.mark.slow
def test_class_and_class_thresholds_reach_the_kernel(lab: Lab, page: Page) -> None:
    make = (
        "w = td.SegmentationPreview(images, logits, labels, task='multiclass', from_logits=True,"
        " threshold=0.3)\nw"
    )
    with opened(lab, page, "classes", [MAPS, IMPORT, make]):
        dial = DialOnPage(page)
        choice = dial.root.get_by_label("class")
        choice.select_option("2")
        dial.drag_to(45)
        of_their_own = {"class_thresholds": [0.3, 0.3, 0.45, 0.3], "task": "multiclass"}
        of_one = of_their_own | {"label": 2}
        expect_in_kernel(page, "(w.export(), w.label)", (of_one, 2))
        choice.select_option("")
        expect_in_kernel(page, "(w.export(), w.label)", (of_their_own, None))


@pytest.mark.slow
def test_later_pages_are_requested(lab: Lab, page: Page) -> None:
    make = (
        "import torchdial.widgets.preview.preview as module\nmodule.FIRST_PAGE_BYTES = 0\n"
        "module.OPENING_BYTES = 0\n"
        "w = td.SegmentationPreview(np.repeat(images, 7, 0), np.repeat(probs, 7, 0),"
        " np.repeat(targets, 7, 0))\nw.view = 'mask'\nw"
    )
    refresh = "wait_for('first page')\nw.refresh(np.repeat(newer, 7, 0))"
    with opened(lab, page, "pages", [WAIT, MAPS, IMPORT, make, refresh]):
        dial = DialOnPage(page)
        lab.signal("first page")
        expect(dial.root).to_have_attribute("data-version", "1")
        dial.button("›").click()
        expect(dial.root.get_by_text("17–21 of 21")).to_be_visible()
        dial.eventually(lambda: not dial.root.locator(".torchdial-waiting:visible").count())
        dial.set_stop(55)
        assert dial.shows(4, mask_at(maps.newer[20 // 7], 55))


def wave(height: int, width: int, shift: int) -> np.ndarray:
    """Return a map that is large enough to be sent compressed, float32 (H, W)."""
    rows, columns = np.mgrid[:height, :width]
    return np.float32(0.5 + 0.5 * np.sin((rows + shift) / 9) * np.cos(columns / 7))


@pytest.mark.slow
def test_large_maps_and_their_refreshes_arrive_exactly(lab: Lab, page: Page) -> None:
    make = (
        f"{inspect.getsource(wave)}\n"
        "shown = np.random.default_rng(0).integers(0, 256, (20, 300, 400, 3), dtype=np.uint8)\n"
        "w = td.SegmentationPreview(shown, np.stack([wave(300, 400, i) for i in range(20)]))\n"
        "w.view = 'mask'\nw"
    )
    refresh = "w.refresh(np.stack([wave(300, 400, 50 + i) for i in range(20)]))"
    with opened(lab, page, "large", [IMPORT, "import numpy as np", make]):
        dial = DialOnPage(page)
        dial.input.press("3")  # alone, so that each pixel of the map is seen
        dial.set_stop(30)
        dial.eventually(lambda: dial.shows(0, mask_at(wave(300, 400, 2), 30)))
        in_kernel(page, refresh)
        dial.eventually(lambda: version(dial) == 1)
        dial.eventually(lambda: dial.shows(0, mask_at(wave(300, 400, 52), 30)))
        dial.button("all pictures").click()
        dial.button("›").click()  # which the opening state does not hold
        dial.input.press("4")
        dial.eventually(lambda: dial.shows(0, mask_at(wave(300, 400, 69), 30)))


@pytest.mark.slow
def test_closing_frees_the_model_and_the_comm(lab: Lab, page: Page) -> None:
    close = (
        "import weakref, gc\n"
        "from ipywidgets import Widget\n"
        "w.close(); ref = weakref.ref(w); del w; Out.clear(); _ = __ = ___ = None; gc.collect()\n"
        "print('kernel freed', ref() is None)\n"
    )
    cells = [WAIT, MAPS, IMPORT, MAKE + "display(w)", "wait_for('count')", close]
    with opened(lab, page, "closing", cells):
        dial = DialOnPage(page)
        opened_comms = page.evaluate(COUNT_COMMS)
        assert opened_comms > 0
        lab.signal("count")
        expect_output(page, "kernel freed True")
        expect(dial.root).to_have_count(0)
        dial.eventually(lambda: page.evaluate(COUNT_COMMS) < opened_comms)
