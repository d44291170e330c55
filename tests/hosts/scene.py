"""The scene that every host shows: each widget once, over known data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from tests.hosts.hostile import NAMES

# Runs in the host's kernel and in the test, which compares the page with its own results.
SETUP = f"""
import os
import time
from pathlib import Path

import numpy as np
import torch
import torchdial as td

names = {list(NAMES.values())!r}

torch.manual_seed(0)
rng = np.random.default_rng(7)
images = rng.integers(0, 256, (3, 24, 32, 3), dtype=np.uint8)
probs = rng.integers(0, 101, (3, 24, 32)).astype(np.float32) / np.float32(100)
targets = (rng.random((3, 24, 32)) < probs).astype(np.uint8)
preview = td.SegmentationPreview(images, probs, targets)
preview.view = "mask"

corner = torch.rand(3, 40, 2) * 20
found = [
    {{"boxes": torch.cat([at, at + 4 + 8 * torch.rand(40, 2)], 1), "scores": torch.rand(40),
     "labels": torch.arange(40) % len(names)}}
    for at in corner
]
truth = [{{"boxes": one["boxes"][::3], "labels": one["labels"][::3]}} for one in found]
boxes = td.DetectionPreview(images, found, truth, class_names=names)

pictures = torch.arange(200)[:, None, None, None] / 200 * torch.ones(3, 8, 8)
grid = td.ImageGrid(pictures, captions=[*names, *map(str, range(len(names), 200))])

model = torch.nn.Sequential()
for name in names:
    model.add_module(name.replace(".", ""), torch.nn.Linear(4, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
monitor = td.TrainingMonitor(model, optimizer, budget=1)
batch = torch.rand(16, 4)
tree = td.ModelTree(model, batch, monitor=monitor)
panel = td.TrainingPanel(monitor)
"""
RUN = """
for step in range(60):
    loss = (model(batch) - batch).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    monitor.log({"loss": loss, **{name: step for name in names if step % 20 == 0}})
monitor.flush()
"""
PLOTS = "losses, gradients = td.LossPlot(monitor), td.GradientPlot(monitor)"
# The kernel confirms a change of the dial by a trait and by a point in the live plots.
ECHO = """
Path("kernel.pid").write_text(str(os.getpid()))


def echo(change):
    preview._notice = f"the kernel sees {change.new:g}"
    monitor.log(echo=change.new)


preview.observe(echo, "threshold")
"""
# A small widget that shows in which type the host delivers bytes.
PROBE = '''
import anywidget
import traitlets


class Probe(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      el.className = "probe";
      el.dataset.trait = model.get("bytes").constructor.name;
      model.on("msg:custom", (_, buffers) => { el.dataset.message = buffers[0].constructor.name; });
      model.send("please");
    } };
    """
    bytes = traitlets.Bytes(b"abc").tag(sync=True)


probe = Probe()
probe.on_msg(lambda widget, content, buffers: widget.send("here", [b"abc"]))
probe
'''
SHOWN = ("preview", "boxes", "grid", "tree", "panel", "losses", "gradients")
CELLS = [
    SETUP + ECHO,
    *("preview", "boxes", "grid", "tree", "panel"),
    f"{RUN}\n{PLOTS}",
    *("losses", "gradients"),
    PROBE,
]


def write_scene(folder: Path) -> Path:
    """Write the scene as a notebook."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = folder / "scene.ipynb"
    nbformat.write(notebook, path)
    return path


def make_truth() -> dict[str, Any]:
    """Return the variables of the scene, as in the host's kernel."""
    names: dict[str, Any] = {}
    exec(SETUP, names)
    return names
