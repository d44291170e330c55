"""The segmentation preview in real JupyterLab and real Chromium."""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import Any

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import expect_change
from tests.e2e.lab import WAIT, Lab, expect_told, opened, output_of

pytestmark = pytest.mark.browser

# Runs in the notebook and here, so that the test knows the truth without asking the widget.
DATA = """
import numpy as np
rng = np.random.default_rng(7)
N, H, W = 3, 24, 32
images = rng.integers(0, 256, (N, H, W, 3), dtype=np.uint8)
probs = rng.integers(0, 101, (N, H, W)).astype(np.float32) / np.float32(100)
targets = (rng.random((N, H, W)) < probs).astype(np.uint8)
newer = np.flip(probs, axis=2).copy()
logits = rng.normal(size=(N, 4, H, W)).astype(np.float32)
labels = rng.integers(0, 4, (N, H, W))
"""
IMPORT = "import torchdial as td, torch, time\n" + DATA
MAKE = "w = td.SegmentationPreview(images, probs, targets)\nw.view = 'mask'\n"


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(DATA, names)
    return names


def oracle(probs: np.ndarray, stop: int) -> np.ndarray:
    """Return p > t in float32, the definition."""
    return np.where(probs > np.float32(stop / 100), 255, 0)


def agrees(dial: DialOnPage, cell: int, expected: np.ndarray) -> bool:
    seen = dial.mask(cell, *expected.shape)
    return bool(np.array_equal(seen[seen >= 0], expected[seen >= 0]) and (seen >= 0).any())


def test_dragging_shows_exactly_the_mask_at_every_stop_and_zoom(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    with opened(lab, page, "drag", [IMPORT, MAKE + "w"]):
        dial = DialOnPage(page)
        grid = dial.root.locator(".torchdial-grid")
        for stop in (0, 37, 50, 83, 100):
            dial.drag_to(stop)
            for cell in range(3):
                assert agrees(dial, cell, oracle(data["probs"][cell], stop)), (stop, cell)
        grid.focus()
        for presses in (1, 2, 3):
            page.keyboard.press("+")
            expect(grid).to_have_attribute("data-zoom", f"{min(1.5**presses, 4):.3f}")
            for stop in (12, 64):
                dial.set_stop(stop)
                assert agrees(dial, 1, oracle(data["probs"][1], stop)), (presses, stop)
            grid.focus()


@pytest.mark.parametrize("page", [2, 1.5], indirect=True)
def test_high_density_screens_are_exact(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    with opened(lab, page, "density", [IMPORT, MAKE + "w"]):
        dial = DialOnPage(page)
        dial.drag_to(42)
        assert agrees(dial, 0, oracle(data["probs"][0], 42))


def test_created_displayed_and_updated_in_one_cell(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    cell = MAKE + "display(w)\nw.threshold = 0.3\nw.refresh(newer)"
    with opened(lab, page, "one_cell", [IMPORT, cell]):
        dial = DialOnPage(page)
        dial.expect_stop(30)
        expect(dial.root).to_have_attribute("data-version", "1")
        assert agrees(dial, 2, oracle(data["newer"][2], 30))


def test_dial_and_refresh_work_while_a_cell_blocks_the_kernel(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    blocking = (
        "import itertools\n"
        "turns = itertools.cycle([newer, probs])\n"
        "wait_for('drag', lambda: w.refresh(next(turns)))\n"
        "w.refresh(newer)\n"
        "print('training over')"
    )
    with opened(lab, page, "blocking", [WAIT + IMPORT, MAKE + "w", blocking]):
        dial = DialOnPage(page)
        dial.eventually(lambda: int(dial.root.get_attribute("data-version") or 0) >= 2)
        first = int(dial.root.get_attribute("data-version") or 0)
        dial.drag_to(71)
        seen = dial.mask(0, *data["probs"][0].shape)  # once: they take turns
        both = [oracle(data[name][0], 71) for name in ("probs", "newer")]
        assert any(np.array_equal(seen, expected) for expected in both)
        dial.eventually(lambda: int(dial.root.get_attribute("data-version") or 0) > first)
        dial.expect_stop(71)
        lab.tell("drag")
        output_of(page, "training over")
        expect_told(dial.root, "w.threshold", 0.71)
        assert agrees(dial, 0, oracle(data["newer"][0], 71))


def test_a_bad_frame_leaves_the_last_good_one_and_a_notice(
    lab: Lab, page: Page, data: dict[str, Any]
) -> None:
    bad = "newer[0, 3, 4] = np.nan\nprint('shown:', w.refresh(newer))"
    with opened(lab, page, "bad_frame", [IMPORT, MAKE + "w", bad]):
        dial = DialOnPage(page)
        notice = dial.root.locator(".torchdial-notice")
        expect(notice).to_contain_text("1 of 2,304 not finite, the first at index (0, 0, 3, 4)")
        output_of(page, "shown: False")
        assert agrees(dial, 0, oracle(data["probs"][0], 50))


def test_page_reload_brings_the_state_back(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    with opened(lab, page, "reload", [IMPORT, MAKE + "w.refresh(newer)\nw"]):
        dial = DialOnPage(page)
        dial.drag_to(64)
        dial.button("Outline").click()
        dial.button("Mask").click()
        page.wait_for_timeout(300)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_timeout(500)
        saved = nbformat.read(lab.folder / "reload.ipynb", as_version=4)
        png = saved.cells[1].outputs[0].data["image/png"]
        assert base64.b64decode(png).startswith(b"\x89PNG"), "the static picture is saved"
        lab.open(page, "reload")
        dial = DialOnPage(page)
        dial.expect_stop(64)
        assert agrees(dial, 1, oracle(data["newer"][1], 64))


def test_jslink_moves_dial_and_slider_together(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    link = (
        "import ipywidgets\n"
        "slider = ipywidgets.FloatSlider(min=0, max=1, step=0.01, value=0.5)\n"
        "link = ipywidgets.jslink((slider, 'value'), (w, 'threshold'))\n"
        "display(slider, w)"
    )
    with opened(lab, page, "jslink", [IMPORT, MAKE + link]):
        dial = DialOnPage(page)
        readout = page.locator(".widget-slider .widget-readout")
        dial.drag_to(77)
        expect(readout).to_have_text("0.77")
        readout.click()
        page.keyboard.press("Control+a")
        page.keyboard.type("0.23")
        page.keyboard.press("Enter")
        dial.expect_stop(23)
        assert agrees(dial, 0, oracle(data["probs"][0], 23))


def test_keys_move_the_dial(lab: Lab, page: Page) -> None:
    with opened(lab, page, "keys", [IMPORT, MAKE + "w"]):
        dial = DialOnPage(page)
        dial.input.focus()
        steps = [("ArrowRight", 51), ("ArrowUp", 52), ("ArrowLeft", 51), ("PageUp", 61)]
        steps += [("PageDown", 51), ("Home", 0), ("End", 100)]
        for key, stop in steps:
            page.keyboard.press(key)
            dial.expect_stop(stop)
        page.keyboard.press("b")
        best = re.search(r"best Dice at 0\.(\d\d)", dial.readout())
        assert best
        dial.expect_stop(int(best[1]))
        page.keyboard.press("r")
        dial.expect_stop(50)
        frames = dial.root.locator(".torchdial-frame")
        for count in (1, 3):
            page.keyboard.press("2")
            expect(frames).to_have_count(count)


def test_turning_the_dial_repaints_the_overlay_alone(lab: Lab, page: Page) -> None:
    count = """() => {
      window.painted = { picture: 0, overlay: 0 };
      const clear = CanvasRenderingContext2D.prototype.clearRect;
      CanvasRenderingContext2D.prototype.clearRect = function (...area) {
        for (const layer in painted) painted[layer] += this.canvas.matches(`.torchdial-${layer}`);
        return clear.apply(this, area);
      };
    }"""
    with opened(lab, page, "repaints", [IMPORT, MAKE + "w"]):
        dial = DialOnPage(page)
        page.wait_for_timeout(500)
        page.evaluate(count)
        for stop in (10, 20, 30):
            dial.set_stop(stop)
        assert page.evaluate("painted") == {"picture": 0, "overlay": 9}


def test_every_control_changes_what_is_shown(lab: Lab, page: Page) -> None:
    make = (
        "w = td.SegmentationPreview(np.repeat(images, 7, 0), np.repeat(probs, 7, 0),"
        " np.repeat(targets, 7, 0), threshold=0.2)\nw"
    )
    with opened(lab, page, "controls", [IMPORT, make]):
        dial = DialOnPage(page)
        root = dial.root
        grid = root.locator(".torchdial-grid")

        changes = partial(expect_change, root, rest=0.2)

        for view in ("Mask", "Heat", "Outline", "Errors", "Overlay"):
            changes(dial.button(view).click)
        for metric in ("iou", "precision", "recall", "specificity", "accuracy", "dice"):
            changes(lambda m=metric: root.get_by_label("curve").select_option(m))
        changes(lambda: root.get_by_label("opacity").fill("1"))
        changes(root.get_by_title("Go to the best threshold").click)
        changes(dial.button("reset").click)
        changes(dial.button("worst first").click)
        changes(dial.button("›").click)
        changes(dial.button("‹").click)
        changes(dial.button("as given").click)
        changes(root.locator(".torchdial-caption").nth(1).click)
        changes(dial.button("all pictures").click)
        changes(dial.button("?").click)
        changes(root.locator("summary").click)
        changes(lambda: (grid.focus(), page.keyboard.press("+")))
        changes(lambda: (grid.focus(), page.keyboard.press("ArrowRight")))
        changes(lambda: (grid.focus(), page.keyboard.press("0")))
        changes(lambda: (grid.focus(), page.keyboard.press("v")))
        changes(root.locator(".torchdial-frame").first.dblclick)
        frame = root.locator(".torchdial-frame").first
        changes(
            lambda: (frame.hover(), page.mouse.down(), page.mouse.move(150, 300), page.mouse.up())
        )
        changes(
            lambda: (
                grid.focus(),
                frame.hover(),
                page.mouse.wheel(0, 300),
                page.wait_for_timeout(200),
            )
        )
        frame.hover()
        expect(root.locator(".torchdial-hovered")).to_contain_text(
            re.compile(r"\(\d+, \d+\), target [01], p (in|≤|>) ")
        )
        dial.button("copy").click()
        expect(dial.button("copied")).to_be_visible()
        assert page.evaluate("() => navigator.clipboard.readText()") == '{"threshold":0.2}'


def test_what_everything_looks_like(lab: Lab, page: Page) -> None:
    """Rules that were lost once: swatches, the notice, the line for screen readers."""
    bad = "newer[:] = np.nan\nw.refresh(newer)\nw.view = 'errors'"
    with opened(lab, page, "looks", [IMPORT, MAKE + "w", bad]):
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


def test_the_best_button_can_be_hit_while_refreshing(lab: Lab, page: Page) -> None:
    busy = "for step in range(120):\n    time.sleep(0.05)\n    w.refresh(newer)"
    with opened(lab, page, "best", [IMPORT, MAKE + "w.threshold = 0.9\nw", busy]):
        dial = DialOnPage(page)
        dial.eventually(lambda: int(dial.root.get_attribute("data-version") or 0) >= 5)
        best = dial.root.get_by_title("Go to the best threshold")
        best.click(delay=150)
        text = re.search(r"at 0\.(\d\d)", best.inner_text())
        assert text
        dial.expect_stop(int(text[1]))


def test_the_kernel_hears_the_dial_during_and_after_an_async_cell(lab: Lab, page: Page) -> None:
    """ipywidgets holds traits back for good here; what a drag ended on must get through."""
    cell = "import asyncio\nfor _ in range(60): await asyncio.sleep(0.1)\nprint('cell over')"
    with opened(lab, page, "asynchronous", [IMPORT, MAKE + "w", cell]):
        dial = DialOnPage(page)
        page.wait_for_timeout(1500)
        for stop in (20, 80, 12):
            dial.drag_to(stop)
            page.wait_for_timeout(300)
        output_of(page, "cell over")
        expect_told(dial.root, "w.threshold", 0.12)
        dial.drag_to(65)
        expect_told(dial.root, "w.threshold", 0.65)


def test_tall_pictures_fit_on_the_screen(lab: Lab, page: Page) -> None:
    make = "td.SegmentationPreview(np.zeros((2, 512, 8, 3), np.uint8), np.zeros((2, 512, 8), 'f4'))"
    with opened(lab, page, "tall", [IMPORT, make]):
        frame = DialOnPage(page).root.locator(".torchdial-frame").first.bounding_box()
        assert frame
        assert frame["height"] <= 650


def test_classes_have_thresholds_of_their_own(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    make = (
        "w = td.SegmentationPreview(images, logits, labels, task='multiclass', from_logits=True,"
        " class_names=['a', 'b', '<b>c</b>', 'd'], threshold=0.3)\nw.view = 'mask'\nw"
    )
    softmax = np.exp(data["logits"]) / np.exp(data["logits"]).sum(1, keepdims=True)
    with opened(lab, page, "classes", [IMPORT, make]):
        dial = DialOnPage(page)
        assert agrees(dial, 0, oracle(softmax[0].max(0), 30))
        choice = dial.root.get_by_label("class")
        choice.select_option("2")
        dial.drag_to(45)
        assert agrees(dial, 1, oracle(softmax[1, 2], 45))
        expect(choice.locator("option").nth(3)).to_have_text("<b>c</b> (0.45)")
        choice.select_option("")
        dial.expect_stop(30)
        at = np.array([30, 30, 45, 30])[softmax[0].argmax(0)] / 100
        expected = np.where(softmax[0].max(0) > at.astype(np.float32), 255, 0)
        assert agrees(dial, 0, expected)
        of_their_own = {"class_thresholds": [0.3, 0.3, 0.45, 0.3]}
        expect_told(dial.root, "(w.export(), w.shown_class)", (of_their_own, None))


def test_curves_of_a_larger_set_are_told_from_the_shown_images(lab: Lab, page: Page) -> None:
    make = (
        "sweep = td.ThresholdSweep()\n"
        "for _ in range(10): sweep.update(torch.from_numpy(newer), torch.from_numpy(targets))\n"
        "td.SegmentationPreview(images, probs, targets, curves=sweep.compute())"
    )
    with opened(lab, page, "larger", [IMPORT, make]):
        readout = DialOnPage(page).readout()
        assert "micro over 30 images" in readout
        assert "micro over the shown 3 images" in readout


def test_later_pages_are_asked_for(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    make = (
        "import torchdial.widgets.preview.segmentation_dial as module\nmodule.OPENING_BYTES = 0\n"
        "w = td.SegmentationPreview(np.repeat(images, 7, 0), np.repeat(probs, 7, 0),"
        " np.repeat(targets, 7, 0))\nw.view = 'mask'\nw"
    )
    refresh = "wait_for('first page')\nw.refresh(np.repeat(newer, 7, 0))"
    with opened(lab, page, "pages", [WAIT + IMPORT, make, refresh]):
        dial = DialOnPage(page)
        lab.tell("first page")
        expect(dial.root).to_have_attribute("data-version", "1")
        dial.button("›").click()
        expect(dial.root.get_by_text("17–21 of 21")).to_be_visible()
        dial.eventually(lambda: not dial.root.locator(".torchdial-waiting:visible").count())
        dial.set_stop(55)
        assert agrees(dial, 4, oracle(data["newer"][20 // 7], 55))


def test_two_models_under_one_dial(lab: Lab, page: Page, data: dict[str, Any]) -> None:
    make = (
        "a = td.SegmentationPreview(images, probs, targets)\n"
        "b = td.SegmentationPreview(images, newer, targets)\n"
        "c = td.compare(a, b, names=['old', 'new'])\nc"
    )
    with opened(lab, page, "compare", [IMPORT, make]):
        dial = DialOnPage(page)
        dial.drag_to(60)
        first, second = (oracle(data[name][0], 60) > 0 for name in ("probs", "newer"))
        colors = dial.pixels(0, *first.shape)
        seen = {
            "both": (colors[first & second], 0x1969696),
            "only old": (colors[first & ~second], 0x1E69F00),
            "only new": (colors[~first & second], 0x156B4E9),
            "neither": (colors[~first & ~second], 0),
        }
        for name, (found, color) in seen.items():
            assert set(found) == {color}, name
        expect(dial.root.locator(".torchdial-readout")).to_contain_text("old  Dice")
        expect(dial.root.locator(".torchdial-readout")).to_contain_text("new  Dice")
        dial.button("Mask").click()
        expect(dial.root.locator(".torchdial-frame")).to_have_count(6)
        dial.eventually(lambda: agrees(dial, 1, oracle(data["newer"][0], 60)))


def test_closing_frees_the_model_and_the_comm(lab: Lab, page: Page) -> None:
    close = (
        "import weakref, gc\n"
        "comm = w.comm.comm_id\n"
        "from ipywidgets import Widget\n"
        "w.close(); ref = weakref.ref(w); del w; Out.clear(); _ = __ = ___ = None; gc.collect()\n"
        "print('kernel freed', ref() is None)\n"
    )
    count = """() => {
      const panel = jupyterapp.shell.currentWidget;
      return panel.context.sessionContext.session.kernel._comms.size;
    }"""
    with opened(
        lab, page, "closing", [WAIT + IMPORT, MAKE + "display(w)", "wait_for('count')", close]
    ):
        dial = DialOnPage(page)
        opened_comms = page.evaluate(count)
        assert opened_comms > 0
        lab.tell("count")
        output_of(page, "kernel freed True")
        expect(dial.root).to_have_count(0)
        dial.eventually(lambda: page.evaluate(count) < opened_comms)
