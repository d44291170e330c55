"""Messages of a module tree about a run: the recent columns at first, then the new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from torchdial.training.history.events import Event
from torchdial.training.layers.module_statistics import Columns, ModuleStatistics
from torchdial.widgets.live.packer import Packer
from torchdial.widgets.live.plot_sources import Monitor
from torchdial.widgets.live.run_status import has_ended

RECENT = 48
"""Columns that a row's sparkline shows; js/src/lib/tree/live_columns.ts keeps as many."""
MOST_MARKS = 50

Send = Callable[[dict[str, Any], list[bytes]], None]


class ModuleFeed:
    """Sends one tree what is new in a run; js/src/lib/tree/live_columns.ts reads it.

    Args:
        model: the tree's.
        monitor: the run.
        send: sends a message with buffers, from any thread.
    """

    def __init__(self, model: nn.Module, monitor: Monitor, send: Send) -> None:
        self.statistics = ModuleStatistics(model, monitor)
        self.monitor = monitor
        self._send = send
        self._marks: dict[int, Event] = {}
        self._replaced = self.monitor.history.replaced
        self._unsubscribe: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Send what is new from now on."""
        self._unsubscribe = self.monitor.subscribe(self._on_news)

    def opening(self) -> dict[str, Any]:
        """Return what a page opens with."""
        frame, data = pack(self.statistics.recent(RECENT), self.statistics.marks())
        return {"frame": frame, "data": data}

    def close(self) -> None:
        """Unsubscribe, and remove the hooks from the model."""
        self._unsubscribe()
        self.statistics.activations.close()

    def _on_news(self) -> None:
        """Send what is new; the publishing thread calls it at most ten times a second."""
        self.statistics.activations.collect(self.monitor.step)
        if self.monitor.is_closed:
            self.statistics.activations.close()
        elif has_ended(self.monitor.control):
            self.statistics.activations.rest()
        news, marks = self.statistics.news(), self.statistics.marks()
        replaced = self.monitor.history.replaced
        is_whole = replaced != self._replaced  # a checkpoint was loaded
        if is_whole:
            news = self.statistics.recent(RECENT)
        if news or marks != self._marks:
            self._replaced, self._marks = replaced, marks
            frame, data = pack(news, marks)
            self._send({"type": "live", "whole": is_whole, "frame": frame}, [data])


def pack(
    columns: Mapping[str, Columns], marks: Mapping[int, Event]
) -> tuple[dict[str, Any], bytes]:
    """Return a frame and its bytes: steps as float64, values column after column as float32."""
    packer = Packer()
    packed = {
        name: {"steps": packer.add(steps, "f8"), "values": packer.add(values.T, "f4")}
        for name, (steps, values) in columns.items()
    }
    newest = sorted(marks.items(), key=lambda mark: mark[1].step)[-MOST_MARKS:]
    said = [{"row": row, "words": event.message} for row, event in newest]
    return {"columns": packed, "marks": said}, packer.data()
