"""The large widgets that `soak.py` opens in a page, and their measurement."""

import time

from _measure import Result, at_most

MAPS = """
import torch
size = {}
coarse = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
probs = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0].sigmoid()
images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
images = images.repeat_interleave(size // 64, 2).repeat_interleave(size // 64, 3)
"""
CLASSES = """
import torch
classes = {}
logits = 3 * torch.nn.functional.interpolate(
    torch.randn(8, classes, 16, 16), size=(256, 256), mode="bilinear"
)
images, names = torch.rand(8, 3, 256, 256), [f"class number {{i}}" for i in range(classes)]
"""
MODEL = """
import torch
from torch import nn
model = nn.Sequential(*(nn.Linear(1 + i % 7, 1 + (i + 1) % 7) for i in range({})))
"""
HISTORY = """
import numpy as np
from torchdial.training.history.history import History
history, n = History("long"), np.arange({points})
for i in range({names}):
    history.record(0, {{f"group {{i % 50}}/metric {{i}}": 0.0}}, time=0)
for series in history.scalars.values():
    series.extend(n[1:], np.random.rand(len(n) - 1), n[1:] / 100)
"""
SHOW = "\nmade = time.time()\ndisplay(widget)\nprint('displayed', made - began, time.time())"
WATCH = """() => {
  window.freezes = [];
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) freezes.push(duration);
  }).observe({ entryTypes: ['longtask'] });
}"""
LONGEST = "() => Math.max(0, ...freezes.splice(0))"
PAINTED = "() => new Promise(done => stopwatch.painted(done))"
DRAWN = ".torchdial canvas, .torchdial-tree"
OVER = ".torchdial-frame canvas, .torchdial .u-over, .torchdial-tree"


def CASES(share):  # noqa: N802
    """Return name, cell and the longest freeze allowed, in milliseconds."""
    side = 64 * max(1, int(64 * share))
    count = max(4, int(200 * share))
    boxes, modules = int(20_000 * share), int(5000 * share)
    target = "(probs > 0.5).long(), task='binary')"
    made = "task=task, from_logits=True, class_names=names)"
    detection = "found, true, class_names=[f'c {i}' for i in range(300)])"
    cells = {
        f"a map of {side:,}²": (
            MAPS.format(side),
            f"td.SegmentationPreview(images, probs, {target}",
            2000,
        ),
        f"a picture of {side:,}² in a grid": (MAPS.format(side), "td.ImageGrid(images)", 2000),
        f"{count} classes, multiclass": (
            CLASSES.format(count) + "task = 'multiclass'\n",
            f"td.SegmentationPreview(images, logits, logits.argmax(1), {made}",
            1000,
        ),
        f"{count} classes, multilabel": (
            CLASSES.format(count) + "task = 'multilabel'\n",
            f"td.SegmentationPreview(images, logits, logits > 0, {made}",
            3000,
        ),
        f"{count} classes of boxes": (
            f"found, true = box_scenes(8, 2000, classes={count}, targets=50)\n",
            f"td.DetectionPreview([torch.rand(3, 860, 860)] * 8, {detection}",
            1000,
        ),
        f"{boxes:,} candidates in one picture": (
            f"found, true = box_scenes(1, {boxes}, targets=100)\n",
            f"td.DetectionPreview(torch.rand(1, 3, 860, 860), {detection}",
            1000,
        ),
        f"a tree of {modules:,} modules": (
            MODEL.format(modules),
            "td.ModelTree(model, torch.ones(1, 1))",
            1000,
        ),
        f"gradients of {modules:,} modules": (
            MODEL.format(modules) + "model(torch.ones(1, 1)).sum().backward()\n",
            "td.GradientPlot(model)",
            1000,
        ),
        "500 metrics of 200 points": (
            HISTORY.format(points=200, names=500),
            "td.LossPlot(history)",
            3000,
        ),
        "10⁶ points": (HISTORY.format(points=10**6, names=1), "td.LossPlot(history)", 500),
    }
    return [
        (name, f"{setup}began = time.time()\nwidget = {make}{SHOW}", aim)
        for name, (setup, make, aim) in cells.items()
    ]


def measure(page, name, aim):
    """Return the time a widget took to open, and the longest freeze of the page."""
    page.evaluate(WATCH)
    page.wait_for_selector(DRAWN, timeout=240_000, state="attached")
    page.evaluate(PAINTED)
    opened = time.time()
    page.wait_for_timeout(3000)
    words = page.locator(".jp-OutputArea-output", has_text="displayed").last.inner_text().split()
    made, displayed = float(words[1]), float(words[2])
    freezes = {"opening": page.evaluate(LONGEST)}
    dial = page.locator(".torchdial .torchdial-dial input[type=range]").first
    if dial.count():
        dial.focus(timeout=60_000)
        freezes["its dial"] = press(page, "ArrowRight", 8)
    drawing = page.locator(OVER).first
    if drawing.count():
        drawing.click(force=True, timeout=60_000)
        freezes["its zoom"] = press(page, "+", 6)
    each = ", ".join(f"{what} {duration:,.0f}" for what, duration in freezes.items())
    opening = f"{made:.3g} s to make, {max(opened - displayed, 0.0):.3g} s until painted"
    return [
        Result(name, opening),
        at_most(f"{name}, longest freeze", max(freezes.values()), aim, "ms", f" ({each})"),
    ]


def press(page, key, times):
    """Press a key, wait for the picture each time, and return the longest freeze."""
    for _ in range(times):
        page.keyboard.press(key)
        page.evaluate(PAINTED)
    page.wait_for_timeout(1500)
    return page.evaluate(LONGEST)
