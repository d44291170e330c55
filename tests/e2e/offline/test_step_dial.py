"""The step dial in a file, without a kernel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import expect

import torchdial as td
from tests.e2e import detections, maps
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.dial import DialOnPage
from tests.e2e.eventually import eventually
from tests.e2e.maps import mask_at
from tests.e2e.page import Show
from tests.e2e.panel import PanelOnPage
from tests.e2e.step_dial import drag_step, step_text
from tests.e2e.step_maps import KEEP, STEPS, probs_at

pytestmark = pytest.mark.browser


def trained(**options: object) -> td.SegmentationPreview:
    """Return a preview that was refreshed at each step, shown as masks."""
    preview = td.SegmentationPreview(maps.images, probs_at(0), maps.targets, keep=KEEP, **options)
    for step in STEPS[1:]:
        assert preview.refresh(probs_at(step), step=step), preview.notice
    preview.view = "mask"
    return preview


def test_dragging_shows_the_masks_and_numbers_of_each_step(show: Show) -> None:
    preview = trained()
    dial = DialOnPage(show(preview))
    for step in (50, 0, 20, 90, 160, 100):
        drag_step(dial, step)
        preview.step = step
        value = preview.shown_step
        for stop in (37, 62):
            dial.set_stop(stop)
            preview.threshold = stop / 100
            for cell in range(3):
                expected = mask_at(probs_at(value)[cell], stop)
                assert (preview.mask(cell) == expected).all()
                dial.eventually(lambda c=cell, e=expected: dial.shows(c, e))
            alone = td.SegmentationPreview(maps.images, probs_at(step), maps.targets)
            alone.threshold = stop / 100
            expect(step_text(dial)).to_contain_text(f"Dice {alone.metrics['dice']:.3f}")
            best = alone.best("dice")
            text = f"at its best (threshold {best[0]:.2f}) {best[1]:.3f}"
            expect(step_text(dial)).to_contain_text(text)
            assert f"Dice {preview.metrics['dice']:.3f}" in dial.readout()
        other = f"shown by the picture of {value}"
        assert (other in step_text(dial).inner_text()) == (value != step)
        captions = dial.root.locator(".torchdial-caption").all_inner_texts()
        assert all(f"step {value}" in caption for caption in captions)


def test_the_map_moves_the_threshold_and_the_step(show: Show) -> None:
    preview = trained()
    dial = DialOnPage(show(preview))
    field = dial.root.get_by_role("slider", name="operating map, threshold and step")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box
    dial.page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 3)
    dial.page.mouse.down()
    row = (STEPS.index(60) + 0.5) / len(STEPS)
    x, y = box["x"] + box["width"] * 30.5 / 101, box["y"] + box["height"] * (1 - row)
    dial.page.mouse.move(x, y, steps=5)
    dial.page.mouse.up()
    dial.expect_stop(30)
    expect(step_text(dial)).to_contain_text("60: Dice")
    assert dial.shows(0, mask_at(probs_at(60)[0], 30))
    field.focus()
    dial.page.keyboard.press("ArrowDown")
    expect(step_text(dial)).to_contain_text("50, shown by the picture of 60: Dice")
    dial.page.keyboard.press("ArrowUp")
    for key, stop in (("ArrowRight", 31), ("ArrowLeft", 30)):
        dial.page.keyboard.press(key)
        dial.expect_stop(stop)
        expect(step_text(dial)).to_contain_text("60: Dice")
    for key, step in (("ArrowRight", "90"), ("ArrowLeft", "60"), ("PageUp", "160"), ("Home", "0")):
        dial.root.get_by_label("step", exact=True).focus()
        dial.page.keyboard.press(key)
        expect(step_text(dial)).to_contain_text(f"step  {step}")


def test_without_targets_the_track_is_the_share_of_pixels_that_are_on(show: Show) -> None:
    preview = td.SegmentationPreview(maps.images, probs_at(0), keep=KEEP)
    for step in STEPS[1:]:
        preview.refresh(probs_at(step), step=step)
    preview.step = 60
    preview.threshold = 0.62
    dial = DialOnPage(show(preview))
    share = float((probs_at(60) > 0.62).mean())
    expect(step_text(dial)).to_contain_text(f"share on {share:.3f}")


def test_few_bytes_leave_out_frames_first(show: Show, tmp_path: Path) -> None:
    preview = trained()
    path = tmp_path / "all.html"
    preview.save_html(path)
    room = path.stat().st_size - 4000
    with pytest.warns(UserWarning, match=r"Pictures of \d of 5 steps are in this file"):
        page = show(preview, max_bytes=room)
    dial = DialOnPage(page)
    expect(page.locator("section")).to_contain_text(re.compile(r"Pictures of \d of 5 steps"))
    expect(dial.root.locator(".torchdial-frame")).to_have_count(3)
    drag_step(dial, 0)
    best = preview.best(over="steps")
    expect(step_text(dial)).to_contain_text("at its best")
    drag_step(dial, best.step)
    expect(step_text(dial)).to_contain_text(f"step  {best.step}: Dice")
    assert dial.shows(0, mask_at(probs_at(best.step)[0], 50))


def trained_detector(**options: object) -> td.DetectionPreview:
    """Return a preview of candidates that differ from step to step."""
    found = [
        [detections.candidates(detections.scene, i, 4 + k, seed=k) for i in range(3)]
        for k in range(len(STEPS))
    ]
    preview = detections.make(found[0], keep=KEEP, **options)
    for step, one in zip(STEPS[1:], found[1:], strict=True):
        assert preview.refresh(one, step=step), preview.notice
    return preview


def setting_of(best: Any) -> str:
    """Return the words of the step dial for a step's best setting."""
    setting = f"score {best.score_threshold:.2f}, NMS IoU {best.nms_iou:.2f}"
    return f"at its best ({setting}) {best.value:.3f}"


def test_boxes_and_numbers_follow_the_step(show: Show) -> None:
    preview = trained_detector(score_threshold=0.4)
    page = show(preview)
    boxes = BoxesOnPage(page, version=len(STEPS) - 1)
    slider = boxes.root.get_by_label("step", exact=True)
    words = boxes.root.locator(".torchdial-step-dial .torchdial-dial-name")
    for step in (0, 50, 20, 90, 150, 160, 60):
        slider.fill(str(step))
        preview.step = step
        for score in (0.4, 0.55):
            boxes.set(score=score)
            preview.score_threshold = score
            eventually(page, lambda: boxes.boxes() == detections.kept(preview))
            record = next(one for one in preview._records.all if one.step == step)
            stop = round(100 * score)
            here = record.counts.metric("f1")[50, stop]
            best = record.counts.best("f1", None, None)
            expect(words).to_contain_text(f"F1 {here:.3f}")
            expect(words).to_contain_text(setting_of(best))
            assert f"F1 {preview.metrics['f1']:.3f}" in boxes.readout()
        if preview.shown_step == step:
            assert float(here) == pytest.approx(preview.metrics["f1"])
    boxes.root.get_by_label("class").select_option("3")
    preview.label = 3
    best = preview.best(over="steps")
    slider.fill(str(best.step))
    expect(words).to_contain_text(setting_of(best))


def test_a_click_in_the_panel_moves_the_previews_of_its_run(show: Show) -> None:
    monitor, other = (td.TrainingMonitor(torch.nn.Linear(1, 1)) for _ in range(2))
    followed, alone = trained(monitor=monitor), trained(monitor=other)
    for _ in range(STEPS[-1] + 1):
        monitor.log(loss=1.0)
    page = show(monitor, followed, alone)
    first, second = DialOnPage(page, index=1), DialOnPage(page, index=2)
    chart = PanelOnPage(page).chart
    box = chart.bounding_box()
    assert box
    for step in (60, 150):
        chart.click(position={"x": box["width"] * step / STEPS[-1], "y": box["height"] / 2})
        expect(step_text(first)).to_contain_text(f"step  {step}")
        expected = mask_at(probs_at(step)[0], 50)
        first.eventually(lambda mask=expected: first.shows(0, mask))
        expect(step_text(second)).to_contain_text("step  160")
    monitor.close()
    other.close()
