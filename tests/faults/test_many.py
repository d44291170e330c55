"""A thousand widgets of each class, made and closed: nothing of them stays."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import comm
import pytest
import torch
from ipywidgets.widgets import widget
from torch import nn

import torchdial as td

WARM = 50

# Version 7 of ipywidgets holds them in the class.
INSTANCES = widget._instances if hasattr(widget, "_instances") else widget.Widget.widgets

torch.manual_seed(0)
MODEL = nn.Linear(4, 1)
IMAGES = torch.rand(1, 3, 8, 8)
MAPS = torch.rand(1, 8, 8)
FOUND = [
    {
        "boxes": torch.tensor([[1.0, 1, 4, 4]]),
        "scores": torch.ones(1),
        "labels": torch.zeros(1, dtype=torch.long),
    }
]


def monitored() -> td.TrainingMonitor:
    monitor = td.TrainingMonitor(MODEL, torch.optim.SGD(MODEL.parameters(), lr=0.1))
    monitor.log(loss=1.0)
    monitor.flush()
    return monitor


MAKERS: dict[str, Callable[[td.TrainingMonitor], Any]] = {
    "SegmentationPreview": lambda _: td.SegmentationPreview(IMAGES, MAPS, MAPS > 0.5),
    "DetectionPreview": lambda _: td.DetectionPreview(IMAGES, FOUND, FOUND),
    "ImageGrid": lambda _: td.ImageGrid(IMAGES),
    "LossPlot": lambda monitor: td.LossPlot(monitor),
    "GradientPlot": lambda monitor: td.GradientPlot(monitor),
    "ModelTree": lambda monitor: td.ModelTree(MODEL, monitor=monitor),
    "TrainingPanel": lambda monitor: td.TrainingPanel(monitor),
}


@pytest.fixture
def untraced_threads() -> Iterator[None]:
    """Coverage keeps a tracer, of some objects, for each thread that ever ran."""
    trace = threading.gettrace()
    threading.settrace(None)
    yield
    threading.settrace(trace)


@pytest.mark.usefixtures("untraced_threads")
@pytest.mark.filterwarnings("ignore")  # pytest keeps each of them, and old versions warn much
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("many", [200, pytest.param(1000, marks=pytest.mark.wide)])
def test_leave_nothing_in_the_kernel(name: str, many: int) -> None:
    monitor = monitored()

    def repeat(times: int) -> int:
        for _ in range(times):
            MAKERS[name](monitor).close()
        gc.collect()
        return len(gc.get_objects())

    def registered() -> tuple[int, ...]:
        kept = (INSTANCES, comm.get_comm_manager().comms, MODEL._forward_hooks)
        return tuple(map(len, kept))

    before = registered()
    warm = repeat(WARM)
    grown = repeat(many - WARM) - warm
    assert registered() == before
    assert grown < (many - WARM) // 50, "objects stay"
    monitor.close()
