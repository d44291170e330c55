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

from torchdial.figures.interactive.figure_parts import COLORS, figure
from torchdial.inputs.arguments import to_names
from torchdial.inputs.errors import describe, refusal
from torchdial.training.history.history import History
from torchdial.training.history.scalar_names import is_loss
from torchdial.training.history.series import Series

LIVE_BUCKETS = 500
HEAT_COLUMNS = 200
MAX_LAYER_LABELS = 24


def loss_figure(source: Any, names: Sequence[str] | None = None, *, log: bool = False) -> bq.Figure:
    """Return scalars of a run as a bqplot figure; while a monitor runs it stays up to date.

    Args:
        source: a `TrainingMonitor` or a `History`.
        names: which scalars; None takes those whose name contains loss.
        log: whether the axis is logarithmic; values that are not positive are left out then.

    Returns:
        A figure with a `bqplot.Lines` for each scalar.

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
    made = figure([], ("step", x), ("loss", y), history.name)

    def draw(shown: bq.Figure) -> None:
        chosen = filter(is_loss, history.names) if names is None else names
        lines = {mark.labels[0]: mark for mark in shown.marks}
        for name in chosen:
            if name not in history:
                continue
            if name not in lines:
                color = COLORS[len(lines) % len(COLORS)]
                lines[name] = bq.Lines(
                    x=[],
                    y=[],
                    scales={"x": x, "y": y},
                    colors=[color],
                    labels=[name],
                    display_legend=True,
                )
            _draw_series(lines[name], history[name], log)
        if len(lines) > len(shown.marks):
            shown.marks = list(lines.values())

    _keep_up(source, made, draw)
    return made


def gradient_figure(source: Any) -> bq.Figure:
    """Return log₁₀ of the gradients' norms, layers × steps, as a bqplot figure.

    Args:
        source: a `TrainingMonitor` or a `History`.

    Returns:
        A figure with a `bqplot.HeatMap`; the first layer of the network is on top.

    Raises:
        ValueError: the source is something else.
    """
    history = _history_of(source)
    x, y = bq.LinearScale(), bq.LinearScale(reverse=True)
    color = bq.ColorScale(scheme="viridis")
    heat = bq.HeatMap(
        x=[0.0, 1.0],
        y=[0.0, 1.0],
        color=np.full((2, 2), np.nan),
        scales={"x": x, "y": y, "color": color},
    )
    made = figure([heat], ("step", x), ("", y), history.name, grid="none")
    made.axes = [*made.axes, bq.ColorAxis(scale=color, label="log₁₀ norm", side="right")]
    made.fig_margin = made.fig_margin | {"left": 180, "right": 60}

    def draw(shown: bq.Figure) -> None:
        matrix = history.layers.get("grad_norm")
        if matrix is None or len(matrix) == 0:
            return
        with history.lock:
            steps, norms, layers = matrix.steps, matrix.max, list(matrix.names)
        every = -(-len(steps) // HEAT_COLUMNS)
        starts = np.arange(0, len(steps), every)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log10(np.maximum.reduceat(norms, starts, axis=1).astype(float))
        logs[~np.isfinite(logs)] = np.nan
        (mark,), axis = shown.marks, shown.axes[1]
        with mark.hold_sync():
            mark.x, mark.y, mark.color = steps[starts], np.arange(len(layers)), logs
        step = -(-len(layers) // MAX_LAYER_LABELS)
        labelled = range(0, len(layers), step)
        with axis.hold_sync():
            axis.tick_values = np.array(labelled, dtype=float)
            axis.tick_labels = {str(i): layers[i] for i in labelled}

    _keep_up(source, made, draw)
    return made


def _draw_series(line: bq.Lines, series: Series, log: bool) -> None:
    picture = series.picture(LIVE_BUCKETS)
    shown = picture.y > 0 if log else np.isfinite(picture.y)
    shown &= np.isfinite(picture.y)
    with line.hold_sync():
        line.x, line.y = picture.x[shown], picture.y[shown]


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
