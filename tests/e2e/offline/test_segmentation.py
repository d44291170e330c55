"""The segmentation preview in a bare page, without a kernel."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from skimage import data

import torchdial as td
from tests.e2e import maps
from tests.e2e.dial import READ_PIXELS, DialOnPage
from tests.e2e.eventually import Changes, copied_by
from tests.e2e.maps import mask_at
from tests.e2e.page import OFF_DENSITY, Show
from torchdial.widgets.preview import segmentation_dial

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.planted=1'><b>c</b>"
# Counts how often each layer of a picture is painted.
COUNT_PAINTS = """() => {
  window.painted = { picture: 0, overlay: 0 };
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    for (const layer in painted) painted[layer] += this.canvas.matches(`.torchdial-${layer}`);
    return clear.apply(this, area);
  };
}"""


def make(times: int = 1, **options: Any) -> td.SegmentationPreview:
    """Return a preview of the binary maps, repeated so many times."""
    arrays = (np.repeat(a, times, 0) for a in (maps.images, maps.probs, maps.targets))
    return td.SegmentationPreview(*arrays, **options)


def make_classes() -> td.SegmentationPreview:
    """Return a preview of the maps of four classes, shown as masks."""
    preview = td.SegmentationPreview(
        maps.images,
        maps.logits,
        maps.labels,
        task="multiclass",
        from_logits=True,
        class_names=["a", "b", HOSTILE, "d"],
        threshold=0.3,
    )
    preview.view = "mask"
    return preview


# Collects the elements that are added to the captions and the readout.
COLLECT_ADDED = """root => {
  window.added = [];
  const observer = new MutationObserver(records => {
    for (const { addedNodes } of records) added.push(...[...addedNodes].map(n => n.nodeName));
  });
  for (const of of root.querySelectorAll('.torchdial-grid, .torchdial-readout'))
    observer.observe(of, { childList: true, subtree: true });
}"""


@pytest.fixture
def masks(show: Show) -> DialOnPage:
    """The binary maps, shown as masks."""
    preview = make()
    preview.view = "mask"
    return DialOnPage(show(preview))


def test_a_moving_dial_changes_texts_in_place(show: Show) -> None:
    preview = make()
    dial = DialOnPage(show(preview))
    dial.root.evaluate(COLLECT_ADDED)
    for stop in (37, 62):
        dial.drag_to(stop)
        preview.threshold = stop / 100
        dice = preview.to_pandas()["dice"]
        for caption, value in zip(dial.root.locator(".torchdial-caption").all(), dice, strict=True):
            expect(caption).to_contain_text(f"Dice {value:.3f}")
        assert f"Dice {preview.metrics['dice']:.3f}" in dial.readout()
    assert set(dial.page.evaluate("() => added")) <= {"#text"}


def test_a_frame_shows_a_key_that_was_pressed_before_it(show: Show) -> None:
    dial = DialOnPage(show(make()))
    dial.set_stop(40)
    stops = dial.root.evaluate("""root => {
      const input = root.querySelector('.torchdial-dial-input');
      const press = () => {
        const key = { key: 'ArrowRight', bubbles: true, cancelable: true };
        input.dispatchEvent(new KeyboardEvent('keydown', key));
        return root.dataset.stop;
      };
      return new Promise(done => requestAnimationFrame(() => setTimeout(() => {
        const pressed = [press(), press(), press()];
        requestAnimationFrame(() => done([...pressed, root.dataset.stop]));
      })));
    }""")
    assert stops == ["41", "41", "41", "43"]


def test_dragging_shows_exactly_the_mask_at_every_stop_and_zoom(masks: DialOnPage) -> None:
    grid = masks.root.locator(".torchdial-grid")
    for stop in (0, 37, 50, 83, 100):
        masks.drag_to(stop)
        for cell in range(3):
            assert masks.shows(cell, mask_at(maps.probs[cell], stop)), (stop, cell)
    for presses in (1, 2, 3):
        grid.focus()
        masks.page.keyboard.press("+")
        expect(grid).to_have_attribute("data-zoom", f"{min(1.5**presses, 4):.3f}")
        for stop in (12, 64):
            masks.set_stop(stop)
            assert masks.shows(1, mask_at(maps.probs[1], stop)), (presses, stop)


@pytest.mark.parametrize("page", [2, 1.5], indirect=True)
def test_high_density_screens_are_exact(masks: DialOnPage) -> None:
    masks.drag_to(42)
    assert masks.shows(0, mask_at(maps.probs[0], 42))
    for layer in ("picture", "overlay"):
        assert masks.root.locator(f"canvas.torchdial-{layer}").first.evaluate(OFF_DENSITY) <= 1


def test_opens_with_its_setting(show: Show) -> None:
    preview = make(threshold=0.25)
    preview.view = "mask"
    dial = DialOnPage(show(preview))
    dial.expect_stop(25)
    assert dial.shows(2, mask_at(maps.probs[2], 25))
    dial.root.get_by_role("button", name="best").click()
    dial.expect_stop(round(100 * preview.best("dice")[0]))


def test_a_bad_frame_leaves_the_last_good_one_and_a_notice(show: Show) -> None:
    preview = make()
    preview.view = "mask"
    bad = maps.newer.copy()
    bad[0, 3, 4] = np.nan
    assert not preview.refresh(bad)
    dial = DialOnPage(show(preview))
    notice = dial.root.locator(".torchdial-notice")
    expect(notice).to_contain_text("1 of 2,304 not finite, the first at index (0, 0, 3, 4)")
    assert dial.shows(0, mask_at(maps.probs[0], 50))


def test_keys_move_the_dial(masks: DialOnPage) -> None:
    keyboard = masks.page.keyboard
    masks.input.focus()
    steps = [("ArrowRight", 51), ("ArrowUp", 52), ("ArrowLeft", 51), ("PageUp", 61)]
    steps += [("PageDown", 51), ("Home", 0), ("End", 100)]
    for key, stop in steps:
        keyboard.press(key)
        masks.expect_stop(stop)
    best = re.search(r"best Dice at 0\.(\d\d) \(\+0\.\d{3}\) →", masks.readout())
    assert best
    keyboard.press("b")
    masks.expect_stop(int(best[1]))
    assert "best" not in masks.readout(), "nothing is gained where the dial stands already"
    keyboard.press("r")
    masks.expect_stop(50)
    frames = masks.root.locator(".torchdial-frame")
    for count in (1, 3):
        keyboard.press("2")
        expect(frames).to_have_count(count)


def test_turning_the_dial_repaints_the_overlay_alone(masks: DialOnPage) -> None:
    masks.page.wait_for_timeout(500)
    masks.page.evaluate(COUNT_PAINTS)
    for stop in (10, 20, 30):
        masks.set_stop(stop)
    assert masks.page.evaluate("painted") == {"picture": 0, "overlay": 9}


def test_every_control_changes_what_is_shown(show: Show) -> None:
    dial = DialOnPage(show(make(times=7, threshold=0.2)))
    root, page = dial.root, dial.page
    grid, frame = root.locator(".torchdial-grid"), root.locator(".torchdial-frame").first

    changes = Changes(root)
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
    for summary in root.locator("summary:visible").all():
        changes(summary.click)
    for key in ("+", "ArrowRight", "0", "v"):
        changes(lambda key=key: grid.press(key))
    changes(frame.dblclick)
    changes(lambda: drag_picture(dial))
    changes(lambda: (grid.focus(), frame.hover(), page.mouse.wheel(0, 300)))
    frame.hover()
    expect(root.locator(".torchdial-hovered")).to_contain_text(
        re.compile(r"\(\d+, \d+\), target [01], p (in|≤|>) ")
    )
    assert copied_by(dial.button("copy")) == '{"threshold":0.2,"task":"binary"}'
    expect(dial.button("copied")).to_be_visible()


def drag_picture(dial: DialOnPage) -> None:
    """Move the first picture to the left."""
    box = dial.root.locator(".torchdial-frame").first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    dial.page.mouse.move(x, y)
    dial.page.mouse.down()
    dial.page.mouse.move(x - 60, y, steps=3)
    dial.page.mouse.up()


def test_worst_first_is_by_the_metric_at_the_dial(show: Show) -> None:
    preview = make(threshold=0.2)
    dial = DialOnPage(show(preview))
    dial.button("Mask").click()
    dial.button("worst first").click()
    dice = [
        2 * (mask & (target > 0)).sum() / (mask.sum() + (target > 0).sum())
        for mask, target in zip(maps.probs > np.float32(0.2), maps.targets, strict=True)
    ]
    for cell, image in enumerate(np.argsort(dice)):
        assert dial.shows(cell, mask_at(maps.probs[image], 20)), (cell, image)


def test_tall_pictures_fit_on_the_screen(show: Show) -> None:
    tall = td.SegmentationPreview(np.zeros((2, 512, 8, 3), np.uint8), np.zeros((2, 512, 8), "f4"))
    frame = DialOnPage(show(tall)).root.locator(".torchdial-frame").first.bounding_box()
    assert frame
    assert frame["height"] <= 650


def test_classes_have_their_own_thresholds(show: Show) -> None:
    preview = make_classes()
    probs = maps.softmax(maps.logits)
    dial = DialOnPage(show(preview))
    assert dial.shows(0, mask_at(probs[0].max(0), 30))
    choice = dial.root.get_by_label("class")
    choice.select_option("2")
    dial.drag_to(45)
    assert dial.shows(1, mask_at(probs[1, 2], 45))
    expect(choice.locator("option").nth(3)).to_have_text(re.compile(r"^<img .* \(0\.45\)$"))
    choice.select_option("")
    dial.expect_stop(30)
    at = np.array([30, 30, 45, 30])[probs[0].argmax(0)] / 100
    assert dial.shows(0, np.where(probs[0].max(0) > at.astype(np.float32), 255, 0))
    copied = json.loads(copied_by(dial.button("copy")))
    preview.class_thresholds = [0.3, 0.3, 0.45, 0.3]
    assert copied == preview.export()


def test_each_class_has_its_planes(show: Show) -> None:
    dial = DialOnPage(show(make_classes()))
    probs = maps.softmax(maps.logits)
    for label in range(4):
        dial.root.get_by_label("class").select_option(str(label))
        dial.set_stop(30)
        expect(dial.root.locator(".torchdial-waiting:visible")).to_have_count(0)
        dial.eventually(lambda label=label: dial.shows(0, mask_at(probs[0, label], 30)), 5)


def test_pages_show_their_own_images(show: Show) -> None:
    preview = make(times=7)
    preview.view = "mask"
    dial = DialOnPage(show(preview))
    dial.button("›").click()
    expect(dial.root.get_by_text("17–21 of 21")).to_be_visible()
    dial.set_stop(55)
    assert dial.shows(4, mask_at(maps.probs[20 // 7], 55))


def test_curves_of_a_larger_set_are_distinguished_from_the_shown_images(show: Show) -> None:
    sweep = td.ThresholdSweep()
    for _ in range(10):
        sweep.update(torch.from_numpy(maps.newer), torch.from_numpy(maps.targets))
    readout = DialOnPage(show(make(curves=sweep.compute()))).readout()
    assert "micro over 30 images" in readout
    assert "micro over the shown 3 images" in readout


def test_two_models_under_one_dial(show: Show) -> None:
    newer = td.SegmentationPreview(maps.images, maps.newer, maps.targets)
    dial = DialOnPage(show(td.compare(make(), newer, names=["old", "new"])))
    dial.drag_to(60)
    first, second = (mask_at(probs[0], 60) > 0 for probs in (maps.probs, maps.newer))
    colors = dial.pixels(0, *first.shape)
    seen = {
        "both": (colors[first & second], 0x1969696),
        "only old": (colors[first & ~second], 0x18E44AD),
        "only new": (colors[~first & second], 0x1B8860B),
        "neither": (colors[~first & ~second], 0),
    }
    for name, (found, color) in seen.items():
        assert set(found) == {color}, name
    expect(dial.root.locator(".torchdial-readout")).to_contain_text("old  Dice")
    expect(dial.root.locator(".torchdial-readout")).to_contain_text("new  Dice")
    dial.button("Mask").click()
    expect(dial.root.locator(".torchdial-frame")).to_have_count(6)
    dial.eventually(lambda: dial.shows(1, mask_at(maps.newer[0], 60)))


def large(pictures: str) -> tuple[np.ndarray, np.ndarray, td.SegmentationPreview]:
    """Return a photograph and a map of 300 × 400, which are sent coded, and their preview."""
    photograph = data.coffee()[:300, :400]
    rows, columns = np.mgrid[:300, :400]
    probs = np.float32(0.5 + 0.5 * np.sin(rows / 9) * np.cos(columns / 7))
    shown = np.stack([photograph] * 4)
    preview = td.SegmentationPreview(shown, np.stack([probs] * 4), pictures=pictures)
    preview.view = "mask"
    return photograph, probs, preview


@pytest.mark.parametrize("pictures", ["compact", "exact"])
def test_large_maps_are_exact_and_photographs_as_asked(show: Show, pictures: str) -> None:
    photograph, probs, preview = large(pictures)
    dial = DialOnPage(show(preview))
    dial.input.press("1")  # alone, so at least 300 × 400
    expect(dial.root.locator("canvas.torchdial-overlay")).to_have_count(1)
    for stop in (20, 50):
        dial.set_stop(stop)
        dial.eventually(lambda: dial.mask(0, 300, 400).max() >= 0)
        assert dial.shows(0, mask_at(probs, stop))
    canvas = dial.root.locator("canvas.torchdial-picture")
    colors = np.array(canvas.evaluate(READ_PIXELS, [400, 300, 1])).reshape(300, 400)
    found = np.stack([colors >> 16 & 255, colors >> 8 & 255, colors & 255], -1)
    error = np.abs(found - photograph.astype(int))
    assert error.mean() < 3
    assert (error.max() == 0) == (pictures == "exact")


def test_many_classes_are_drawn_from_those_that_are_seen_as_from_all(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    probs = generator.random((maps.N, 70, maps.H, maps.W), np.float32) ** 12
    targets = generator.random(probs.shape) < probs
    widgets = []
    for first_bytes in (segmentation_dial.FIRST_MAP_BYTES, 0):
        monkeypatch.setattr(segmentation_dial, "FIRST_MAP_BYTES", first_bytes)
        widgets.append(
            td.SegmentationPreview(
                maps.images, probs, targets, task="multilabel", min_sizes=(0, 4), threshold=0.9
            )
        )
    assert [widget._config["has_tops"] for widget in widgets] == [False, True]
    page = show(*widgets)
    of_all, of_seen = (DialOnPage(page, index=i) for i in range(2))

    def is_same(cell: int) -> bool:
        seen = [dial.pixels(cell, maps.H, maps.W) for dial in (of_all, of_seen)]
        return len(np.unique(seen[0])) > 1 and np.array_equal(*seen)

    # The third setting gives a class a threshold of its own.
    for stop, shown, size in ((90, "", 0), (50, "", 1), (97, "69", 0), (60, "", 0)):
        for view in ("Mask", "Overlay", "Heat", "Outline", "Errors"):
            for dial in (of_all, of_seen):
                dial.button(view).click()
                dial.root.get_by_label("class", exact=True).select_option(shown)
                dial.root.get_by_label("minimum size").fill(str(size))
                dial.set_stop(stop)
            for cell in range(maps.N):
                of_seen.eventually(lambda c=cell: is_same(c))
