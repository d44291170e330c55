"""A report as a file: several widgets, images that do not fit, and names that are markup."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from torch import nn

import torchdial as td
from tests.e2e import maps
from tests.e2e.dial import DialOnPage
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

HOSTILE = "</script><!--<b onclick=planted()>\u202e<img src=x onerror='window.planted=1'>"


def test_a_run_zooms_and_shows_the_gradients_of_each_step(show: Show) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1, name=HOSTILE)
    for step in range(60):
        loss = model(torch.rand(16, 4)).square().mean() * (100 if step == 30 else 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log({"loss": loss, HOSTILE: loss})
    monitor.close()
    steps = monitor.history.histograms.steps.tolist()
    assert len(steps) > 3
    tree = td.ModelTree(model, torch.rand(1, 4), monitor=monitor)
    page = show(monitor, tree)
    panel = page.locator(".torchdial-live").first
    expect(panel).to_contain_text("finished")
    expect(panel).to_contain_text("step 60")
    assert panel.get_by_role("button", name="pause").is_hidden()
    heat = panel.locator("canvas.torchdial-heat")
    box = heat.bounding_box()
    assert box
    for place in (0.02, 0.98):
        heat.click(position={"x": box["width"] * place, "y": 12})
        expect(panel).to_contain_text(f"at step {steps[0] if place < 0.5 else steps[-1]}")
    chart = panel.locator(".u-over").first
    before = panel.get_attribute("data-paints")
    area = chart.bounding_box()
    assert area
    page.mouse.move(area["x"] + 50, area["y"] + 40)
    page.mouse.down()
    page.mouse.move(area["x"] + 150, area["y"] + 40, steps=5)
    page.mouse.up()
    expect(panel).not_to_have_attribute("data-paints", before or "")
    rows = page.locator(".torchdial-tree-line")
    expect(rows).to_have_count(4)
    rows.nth(1).click()
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")


def test_notes_images_that_were_left_out_and_shows_the_others(show: Show) -> None:
    rng = np.random.default_rng(0)
    widget = td.SegmentationPreview(
        rng.integers(0, 256, (20, 48, 48, 3), np.uint8), rng.random((20, 48, 48))
    )
    with pytest.warns(UserWarning, match="of 20 images"):
        page = show(widget, max_bytes=220_000)
    expect(page.locator("section > p")).to_contain_text("of 20 images are in this file")
    dial = DialOnPage(page)
    shown = int(page.locator("section > p").inner_text().split()[0])
    expect(page.locator(".torchdial-cell")).to_have_count(shown)
    assert dial.root.locator(".torchdial-waiting:visible").count() == 0


def test_hostile_names_are_text(show: Show) -> None:
    names = [HOSTILE, "x" * 1000, "b", "c"]
    widget = td.SegmentationPreview(
        maps.images,
        maps.logits,
        maps.labels,
        task="multiclass",
        from_logits=True,
        class_names=names,
    )
    page = show(widget, title=HOSTILE)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    assert page.title() == HOSTILE
    assert page.locator("img").count() == 0
    assert page.locator("option", has_text="<img").count() == 1
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1200


def test_an_error_replaces_its_widget_and_the_others_are_shown(show: Show) -> None:
    broken, whole = (td.SegmentationPreview(maps.images, maps.probs) for _ in range(2))
    broken._STEM = "hologram"  # of a later version, say
    page = show(broken, whole)
    expect(page.locator("section").first).to_contain_text("This hologram cannot be shown")
    assert DialOnPage(page).input.count() == 1


def test_every_canvas_has_a_name_or_belongs_to_an_element_that_has_one(show: Show) -> None:
    model = nn.Sequential(nn.Linear(4, 2))
    monitor = td.TrainingMonitor(model, torch.optim.SGD(model.parameters(), lr=0.1), budget=1)
    for _ in monitor.loop(range(12)):
        model(torch.ones(1, 4)).sum().backward()
        monitor.record_gradients()
        monitor.log(loss=1.0)
    monitor.flush()
    images, probs = torch.rand(2, 3, 16, 16), torch.rand(2, 16, 16)
    found = {"boxes": torch.tensor([[1.0, 1, 9, 9]]), "scores": torch.ones(1), "labels": [0]}
    page = show(
        monitor,
        td.ModelTree(model, torch.rand(1, 4), monitor=monitor),
        td.ImageGrid(images),
        td.SegmentationPreview(images, probs, probs > 0.5),
        td.DetectionPreview(images, [found] * 2, [found] * 2),
    )
    monitor.close()
    expect(page.locator(".torchdial-spread")).to_be_attached()
    kinds = page.locator("canvas").evaluate_all(
        """canvases => canvases.map(canvas => [
          canvas.className,
          canvas.getAttribute('role') === 'img' && Boolean(canvas.getAttribute('aria-label'))
            || canvas.closest('[aria-hidden=true], [role=img][aria-label]') !== null,
        ])"""
    )
    assert {name for name, _ in kinds} > {"torchdial-heat", "torchdial-spread", "torchdial-picture"}
    assert [name for name, is_named in kinds if not is_named] == []


def test_titles_texts_and_contents_are_plain_text(show: Show) -> None:
    first, second = (td.LossPlot({"loss": [3.0, 2.0, 1.0]}) for _ in range(2))
    text = f"Two lines,\nas written:\n\n- {HOSTILE}"
    page = show(("Before", first), (HOSTILE, second, text), td.LossPlot({"loss": [1.0, 2.0]}))
    assert page.locator("h2").all_inner_texts() == ["Before", HOSTILE]
    assert page.locator("section > .torchdial-text").inner_text() == text
    links = page.get_by_role("navigation", name="contents").get_by_role("link")
    assert links.all_inner_texts() == ["Before", HOSTILE]
    links.nth(1).click()
    expect(page.locator("section").nth(1)).to_be_in_viewport()
    assert page.locator("img, b").count() == 0


def test_one_widget_needs_no_contents(show: Show) -> None:
    page = show(("Alone", td.LossPlot({"loss": [3.0, 2.0]})))
    expect(page.locator("h2")).to_have_text("Alone")
    expect(page.get_by_role("navigation")).to_have_count(0)


# What is cut off: elements with more in them than they show, and what reaches out of the page.
CUT = """() => [...document.querySelectorAll('main *')].filter(node => {
  const { overflowX, overflowY } = getComputedStyle(node);
  const scrolls = [overflowX, overflowY].some(value => ['auto', 'scroll'].includes(value));
  const shows = node.matches('canvas, svg') || (!node.children.length && node.textContent);
  return scrolls && node.scrollHeight > node.clientHeight + 1
    || shows && node.getBoundingClientRect().right > innerWidth + 1;
}).map(node => node.className || node.tagName)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_printed_it_is_whole(show: Show, scheme: Any) -> None:
    model = nn.Sequential(*(nn.Linear(4 + i, 5 + i) for i in range(60)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    for _ in range(5):
        loss = model(torch.rand(16, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
    monitor.close()
    tree = td.ModelTree(model, torch.rand(1, 4), monitor=monitor)
    grid = td.ImageGrid(torch.rand(12, 1, 16, 16))
    page = show(("Run", monitor), ("Model", tree), ("Loss", td.LossPlot(monitor)), ("", grid))
    rows = page.locator(".torchdial-tree-line")
    assert rows.count() < 61  # those in sight
    page.emulate_media(media="print", color_scheme=scheme)
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 between its margins
    page.wait_for_timeout(300)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    expect(rows).to_have_count(61)
    assert page.evaluate(CUT) == []
    last = rows.last.bounding_box()
    body = page.locator(".torchdial-tree-body").bounding_box()
    assert last
    assert body
    assert last["y"] + last["height"] <= body["y"] + body["height"] + 1
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 1000})
    assert len(page.pdf(format="A4")) > 10_000
