"""The large widgets that `soak.py` opens, each alone in a page that nothing watches."""

import time

from _detached import detached_notebook
from _measure import Result, at_most

MAPS = """
import torch
size = {}
coarse = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
probs = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0].sigmoid()
images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
images = images.repeat_interleave(size // 64, 2).repeat_interleave(size // 64, 3)
target = (probs > 0.5).long()
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
SHOW = "\nmade = time.time()\ndisplay(widget)\nprint('times', began, made)"
# Resolves once all pictures and what lies over them are there, or the lines of a plot, or the tree.
OPENED = """() => new Promise(resolve => {
  window.freezes = [];
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) freezes.push(duration);
  }).observe({ entryTypes: ['longtask'] });
  const isWhole = root => root.querySelector('.torchdial-grid')
    ? root.querySelector('[data-painted]')
      && !root.querySelector('.torchdial-waiting:not([hidden])')
    : root.querySelector('canvas, .torchdial-tree');
  const observer = new MutationObserver(() => {
    const root = document.querySelector('.torchdial');
    if (!root || !isWhole(root)) return;
    observer.disconnect();
    stopwatch.painted(() => resolve(Date.now() / 1000));
  });
  observer.observe(document.body, { attributes: true, childList: true, subtree: true });
})"""
LONGEST = "() => Math.max(0, ...freezes.splice(0))"
PAINTED = "() => new Promise(done => stopwatch.painted(done))"
FOCUS = """found => {
  const element = document.querySelector(found)?.closest('input, [tabindex]');
  element?.focus();
  return Boolean(element);
}"""
DIAL = ".torchdial .torchdial-dial input[type=range]"
DRAWING = ".torchdial-frame, .torchdial .u-over, .torchdial-tree"


def CASES(share):  # noqa: N802
    """Return name, cell, the longest freeze allowed (ms) and, of some, the longest opening (s)."""
    side = 64 * max(1, int(64 * share))
    count = max(4, int(200 * share))
    boxes, modules = int(20_000 * share), int(5000 * share)
    made = "task=task, from_logits=True, class_names=names)"
    detection = "found, true, class_names=[f'c {i}' for i in range(300)])"
    cells = {
        f"a map of {side:,}²": (
            MAPS.format(side),
            "td.SegmentationPreview(images, probs, target, task='binary')",
            200,
            1.2,
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
            2,
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
        (name, f"{setup}began = time.time()\nwidget = {make}{SHOW}", *aims)
        for name, (setup, make, *aims) in cells.items()
    ]


def measure(setup, name, cell, longest_freeze, longest_opening=None):
    """Return the time until a widget was painted, and the longest freeze of the page."""
    with detached_notebook("large", [setup, "pass"]) as page:
        opened, text = page.run_cell(cell, OPENED)
        began, made = map(float, text.partition("times ")[2].split()[:2])
        freezes = {"opening": longest(page, 3)}
        if page.evaluate(FOCUS, DIAL):
            freezes["its dial"] = press(page, ("ArrowRight", 39), 8)
        if page.evaluate(FOCUS, DRAWING):
            freezes["its zoom"] = press(page, ("+", 0), 6)
    each = ", ".join(f"{what} {duration:,.0f}" for what, duration in freezes.items())
    what, seconds, parts = (
        f"{name}, until painted",
        opened - began,
        f" ({made - began:.3g} to make)",
    )
    opening = (
        at_most(what, seconds, longest_opening, "s", parts)
        if longest_opening
        else Result(what, f"{seconds:.3g} s{parts}")
    )
    freeze = max(freezes.values())
    return [opening, at_most(f"{name}, longest freeze", freeze, longest_freeze, "ms", f" ({each})")]


def press(page, key, times):
    """Press a key, wait for the picture each time, and return the longest freeze."""
    for _ in range(times):
        page.press(*key)
        page.evaluate(PAINTED)
    return longest(page, 1.5)


def longest(page, seconds):
    """Return the longest freeze until so many seconds from now."""
    time.sleep(seconds)
    return page.evaluate(LONGEST)
