"""The loss and the gradients of a run, live while it runs.

bqplot sends whole arrays on every update and draws about two thousand points a line in one frame,
so lines are thinned first, each bucket's lowest and highest point kept.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import bqplot as bq
import numpy as np
import numpy.typing as npt

from torchdial.figures.colors import LINE_COLORS
from torchdial.figures.gradient_grid import MISSING, Norms, gradient_norms, to_grid
from torchdial.figures.interactive.figure_parts import (
    CHARACTER,
    LONGEST_NAME,
    MARGIN,
    Legend,
    figure,
)
from torchdial.figures.interactive.heat_cells import HeatCells
from torchdial.figures.static.printable_names import line
from torchdial.inputs.arguments import to_names
from torchdial.inputs.errors import describe, refusal
from torchdial.training.history.history import History
from torchdial.training.history.scalar_names import is_loss

Floats = npt.NDArray[np.float64]

LIVE_BUCKETS = 500
NO_POINTS: tuple[Floats, Floats] = (np.empty(0), np.empty(0))
HEAT_COLUMNS, HEAT_ROWS = 200, 100
MAX_LAYER_LABELS = 16
LEAST_DECADES, MOST_DECADES = 0.5, 12.0  # of the colours


def loss_figure(source: Any, names: Sequence[str] | None = None, *, log: bool = False) -> bq.Figure:
    """Return scalars of a run as a bqplot figure; while a monitor runs it stays up to date.

    Args:
        source: a `TrainingMonitor` or a `History`.
        names: which scalars; None takes those whose name contains loss.
        log: whether the axis is logarithmic; values that are not positive are left out then.

    Returns:
        A figure with a `bqplot.Lines` for each scalar, and for several a `bqplot.Label` with
        their names.

    Raises:
        ValueError: the source is something else.

    Example:
        >>> history = History()
        >>> history.record(1, {"loss": 0.5})
        >>> loss_figure(history).marks[0].labels
        ['loss']
    """
    history = _history_of(source)
    names = None if names is None else to_names("names", names)
    x, y = bq.LinearScale(), bq.LogScale() if log else bq.LinearScale()
    made = figure([], ("step", x), ("", y), f"{history.name}: nothing logged yet")
    lines: dict[str, bq.Lines] = {}
    legend = Legend()

    def draw(shown: bq.Figure) -> None:
        chosen = filter(is_loss, history.names) if names is None else names
        before = len(lines)
        for name in chosen:
            points = _points(history, name, log) if name in history else NO_POINTS
            if name in lines:
                with lines[name].hold_sync():
                    lines[name].x, lines[name].y = points
            elif len(points[0]):  # bqplot has no axis for a line without points
                lines[name] = bq.Lines(
                    x=points[0],
                    y=points[1],
                    scales={"x": x, "y": y},
                    colors=[LINE_COLORS[len(lines) % len(LINE_COLORS)]],
                    labels=[name],
                )
        new = list(lines.values())[before:]
        if new:
            shown.title = history.name
            shown.axes[1].label = _label_of(list(lines))
            shown.marks = [*shown.marks, *new]
            legend.name(shown, new)

    _keep_up(source, made, draw)
    return made


def gradient_figure(source: Any) -> bq.Figure:
    """Return log₁₀ of the gradients' norms, layers × steps, as a bqplot figure.

    Args:
        source: a `TrainingMonitor` or a `History`.

    Returns:
        A figure with a `bqplot.HeatMap` once there are gradients; the first layer of the network
        is on top. A cell is the highest of the steps and layers that it stands for: gray where
        they are zero, orange where one is not finite, blank where there is none.

    Raises:
        ValueError: the source is something else.

    Example:
        >>> gradient_figure(History("run 7")).title
        'run 7: no gradients yet'
    """
    history = _history_of(source)
    x = bq.LinearScale(allow_padding=False)
    y = bq.LinearScale(allow_padding=False, reverse=True)
    cells = HeatCells(x, y, "gradient norm, log₁₀")
    made = figure([], ("step", x), ("", y), f"{history.name}: no gradients yet", grid="none")
    cells.place(made)

    def draw(shown: bq.Figure) -> None:
        norms, steps, layers = gradient_norms(history)
        if norms.size == 0:
            return
        grid = to_grid(norms, steps, HEAT_COLUMNS, HEAT_ROWS)
        first, end = float(steps.min()), float(steps.max()) + 1
        (x.min, x.max), (y.min, y.max) = (first, end), (-0.5, len(layers) - 0.5)
        columns = _middles(first, end, grid.shape[1])
        rows = _middles(-0.5, len(layers) - 0.5, grid.shape[0])
        logs = _log_of(grid)
        cells.draw(columns, rows, logs, _limits(logs))
        _name_layers(shown, layers)
        if not shown.marks:
            shown.title, shown.marks = history.name, [cells.mark]

    _keep_up(source, made, draw)
    return made


def _middles(start: float, end: float, count: int) -> Floats:
    edges = np.linspace(start, end, count + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def _log_of(norms: Norms) -> Floats:
    """Return log₁₀: -inf of zero, +inf of what is not finite, NaN where there is no norm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(norms.astype(float))
    logs = np.where(np.isfinite(norms), logs, np.inf)
    return np.where(norms == MISSING, np.nan, logs)


def _limits(logs: Floats) -> tuple[float, float]:
    """Return the ends of the colours, as rangeOf in js/src/lib/charts/heat_colors.ts."""
    finite = logs[np.isfinite(logs)]
    if finite.size == 0:
        return -1.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    if high - low < LEAST_DECADES:
        return low - LEAST_DECADES / 2, high + LEAST_DECADES / 2
    return max(low, high - MOST_DECADES), high


def _name_layers(shown: bq.Figure, layers: Sequence[str]) -> None:
    every = -(-len(layers) // MAX_LAYER_LABELS)
    names = {str(i): line(layers[i], LONGEST_NAME) for i in range(0, len(layers), every)}
    axis = shown.axes[1]
    if axis.tick_labels == names:
        return
    with axis.hold_sync():
        axis.tick_values = np.array([float(i) for i in names])
        axis.tick_labels = names
    left = CHARACTER * max(map(len, names.values())) + MARGIN["right"]
    shown.fig_margin = shown.fig_margin | {"left": max(left, MARGIN["left"])}


def _label_of(names: Sequence[str]) -> str:
    if len(names) == 1:
        return line(names[0], LONGEST_NAME)
    return "loss" if all(map(is_loss, names)) else "value"


def _points(history: History, name: str, log: bool) -> tuple[Floats, Floats]:
    picture = history.picture_along_run(history[name], LIVE_BUCKETS)
    shown = np.isfinite(picture.y) & ((picture.y > 0) | (not log))
    return picture.x[shown], picture.y[shown]


def _history_of(source: Any) -> History:
    history = source if isinstance(source, History) else getattr(source, "history", None)
    if isinstance(history, History):
        return history
    raise refusal(
        "source",
        expected="a TrainingMonitor or a History",
        got=describe(source),
        remedy="Pass the monitor itself.",
    )


def _keep_up(source: Any, made: bq.Figure, draw: Callable[[bq.Figure], None]) -> None:
    """Draw now and whenever a monitor has news, as long as the figure is there."""
    draw(made)
    if isinstance(source, History):
        return
    alive = weakref.ref(made)

    def update() -> None:
        shown = alive()
        if shown is None:
            stop()
        else:
            draw(shown)

    stop = source.subscribe(update)
