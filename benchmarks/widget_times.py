"""Time in the kernel to make, refresh, print and save large widgets.

Medians of runs in one process, after one to warm up; the static picture also in a new process,
where nothing of its libraries is loaded. Nothing is displayed.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _measure import Median, at_most, box_scenes, report, scenes
from torch import nn

import torchdial as td

RUNS = 7
FIRST_PICTURE = """
import sys, time
import torch, torchdial as td
images = torch.rand(16, 3, 512, 512)
preview = td.SegmentationPreview(images, images[:, 0], images[:, 1] > 0.5)
began = time.perf_counter()
preview._repr_mimebundle_()
print(1000 * (time.perf_counter() - began))
"""


def seconds(call):
    """Return the seconds of each of some calls."""
    call()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times


def refresh():
    pictures, _, _ = scenes(16, 512)
    found, true = box_scenes(16, 300)
    preview = td.DetectionPreview(pictures, found, true)
    return seconds(lambda: preview.refresh(found))


def panel(folder):
    history = td.History("many")
    for step in range(20):
        values = {f"group {i % 50}/metric {i}": 1 / (1 + step + i) for i in range(3000)}
        history.record(step, values, time=step)
    return seconds(lambda: td.LossPlot(history).save_html(Path(folder) / "panel.html"))


def tree():
    layers = (nn.Linear(1 + i % 7, 1 + (i + 1) % 7) for i in range(5000))
    model = nn.Sequential(*layers)
    return seconds(lambda: td.ModelTree(model, torch.ones(1, 1)).close())


def first_picture():
    command = [sys.executable, "-c", FIRST_PICTURE]
    runs = (subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(3))
    return statistics.median(float(run.stdout) for run in runs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measured = {
            "refresh of a DetectionPreview, 16 × 300 with targets": (refresh(), 0.15),
            "a plot of 3,000 scalars made, and saved as HTML": (panel(folder), 0.5),
            "a ModelTree of 5,001 modules, with a forward": (tree(), 2),
        }
    lines = []
    for what, (times, aim) in measured.items():
        found = Median.of(times)
        lines.append(at_most(what, found.value, aim, "s", noise=found.noise))
    lines.append(at_most("static picture, first in its process", first_picture(), 300, "ms"))
    report("widget_times", lines, ["ipywidgets", "anywidget"])
