"""A notebook with a run that goes on and a preview, whatever happens to the pages that show it."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from tests.e2e.eventually import eventually
from tests.e2e.lab import Lab, expect_output, in_kernel, wait_for_kernel
from tests.e2e.panel import PanelOnPage

SETUP = """
import math, time
import numpy as np, torch, torchdial as td
from torch import nn
torch.set_num_threads(1)

def begin():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)

def train(model, optimizer, steps, logged=lambda loss: None):
    generator = torch.Generator().manual_seed(1)
    for _ in steps:
        x = torch.randn(32, 8, generator=generator)
        loss = model(x).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        logged(loss)

model, optimizer = begin()
monitor = td.TrainingMonitor(model, optimizer)
monitor.dial('aside', lambda value: None, min=1, max=100, log=True, value=1)
rng = np.random.default_rng(7)
images = rng.integers(0, 256, (2, 24, 32, 3), dtype=np.uint8)
probs = rng.integers(0, 101, (2, 24, 32)).astype(np.float32) / np.float32(100)
"""
PREVIEW = "w = td.SegmentationPreview(images, probs)\nw.view = 'mask'\nw"
RUN = """
panel = td.TrainingPanel(monitor)
display(panel)
def watched():
    def logged(loss):
        monitor.log(loss=loss)
        time.sleep(0.1)  # few enough that a keyframe holds all points
    train(model, optimizer, monitor.loop(range(1_000_000)), logged)
handle = monitor.start(watched)
print('it runs')
"""
# Ends the run, trains as far again without torchdial, and says whether that is the same.
SAME_AS_BARE = """
monitor.control.request_stop()
handle.result(30)
with torch.random.fork_rng():
    bare, its_optimizer = begin()
    train(bare, its_optimizer, range(monitor.step))
print(all(torch.equal(a, b) for a, b in zip(bare.parameters(), model.parameters())), monitor.step)
"""


def open_at(url: str, page: Page, name: str, place: str = "") -> None:
    """Open a notebook whose kernel may run already, in a workspace of its own."""
    page.goto(f"{url}/lab/workspaces/{name}{place}/tree/{name}.ipynb")
    wait_for_kernel(page, name)


def start(lab: Lab, page: Page, name: str, cells: list[str]) -> None:
    """Open, run and save a notebook; its kernel stays when the page goes."""
    lab.write_notebook(name, cells)
    lab.reuse_kernel(name)
    lab.open(page, name)
    lab.run_all(page)
    expect_output(page, "it runs")
    page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")


def close_dialogs(page: Page) -> None:
    """Close whatever Jupyter itself has to say about a connection or a kernel."""
    dialog = page.locator(".jp-Dialog")
    page.add_locator_handler(dialog, lambda: page.keyboard.press("Escape"))


def end(lab: Lab, page: Page, name: str) -> None:
    """End the run of a notebook, and leave its kernel to the next."""
    open_at(lab.url, page, name)
    in_kernel(page, "monitor.control.request_stop()")
    lab.keep_kernel(page)


def losses(page: Page) -> list[list[float]]:
    """Return step and value of each loss that was recorded."""
    received = in_kernel(
        page,
        "import json; monitor.flush(); s = monitor.history['loss']\n"
        "print(json.dumps([[int(a), float(b)] for a, b in zip(s.steps, s.values)]))",
    )
    recorded: list[list[float]] = json.loads(received)
    return recorded


def shown(panel: PanelOnPage) -> list[list[float]]:
    """Return step and value of each loss that the page holds."""
    return [[step, value] for name, step, value in panel.copied() if name == "loss"]


def check_whole(panel: PanelOnPage, at_least: int = 1) -> list[list[float]]:
    """Check that what a panel holds is what was recorded, from the first point on."""
    recorded = losses(panel.page)
    seen: list[list[float]] = []

    def is_whole() -> bool:  # a page that opens between two messages has a gap at first
        seen[:] = shown(panel)
        return len(seen) >= max(len(recorded), at_least) and seen[: len(recorded)] == recorded

    eventually(panel.page, is_whole, explain=lambda: difference(seen, recorded))
    assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
    return seen


def difference(seen: list[list[float]], recorded: list[list[float]]) -> str:
    """Say how what is seen differs from what was recorded."""
    pairs = enumerate(zip(seen, recorded, strict=False))
    first = next((f"{i}: {a}, recorded {b}" for i, (a, b) in pairs if a != b), "none")
    return f"with {len(seen)} points of {len(recorded)}; the first that differs: {first}"
