"""The static picture of a loss plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from torchdial.figures.colors import LINE_COLORS, NOT_FINITE_COLOR
from torchdial.figures.static.canvas import WIDTH_INCHES, canvas_for, figure_of
from torchdial.figures.static.printable_names import line
from torchdial.training.history.scalar_names import (
    is_held_out,
    is_reserved,
    panels_of,
    without_split,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.training.shown_run import ShownRun

MOST_PANELS = 6
MOST_PANEL_LINES = 8  # a panel
PRINTED_BUCKETS = 400
PANEL_INCHES = 2.2
UNHIDDEN = "\u200b"  # matplotlib leaves labels out that begin with _


def curves_figure(runs: Sequence[ShownRun], ax: Axes | None = None) -> Figure:
    """Return a figure of what the runs logged: a panel for each group, earlier runs faint."""
    panels = panels_of(n for run in runs for n in run.history.names if not is_reserved(n))
    shown = list(panels.items())[:MOST_PANELS]
    columns = min(max(len(shown), 1), 2)
    rows = -(-max(len(shown), 1) // columns)
    height = PANEL_INCHES * rows + 0.3
    figure = canvas_for(ax, WIDTH_INCHES, height, layout="constrained")
    for place, (title, names) in enumerate(shown, start=1):
        _draw(figure.add_subplot(rows, columns, place), title, names, runs)
    name = line(runs[-1].name) if runs else ""
    figure.suptitle(name, fontsize="small").set_parse_math(False)
    return figure_of(figure)


def _draw(axes: Axes, title: str, names: Sequence[str], runs: Sequence[ShownRun]) -> None:
    keys = list(dict.fromkeys(without_split(name) for name in names))
    bad: list[float] = []
    for run in runs:
        for name in names[:MOST_PANEL_LINES]:
            if name not in run.history:
                continue
            picture = run.history.picture_along_run(run.history[name], PRINTED_BUCKETS)
            finite = np.isfinite(picture.y)
            axes.plot(
                picture.x,
                np.where(finite, picture.y, np.nan),
                color=LINE_COLORS[keys.index(without_split(name)) % len(LINE_COLORS)],
                alpha=0.35 if run.earlier else 1.0,
                linewidth=1,
                linestyle="--" if is_held_out(name) else "-",
                label=None if run.earlier else f"{UNHIDDEN}{line(name)}",
            )
            if not run.earlier:
                bad += picture.x[~finite].tolist()
    if bad:
        _mark(axes, bad)
    axes.set_title(line(title), fontsize="medium", parse_math=False)
    axes.set_xlabel("step")
    if len(names) > 1 or bad:
        for text in axes.legend(fontsize="small").get_texts():
            text.set_parse_math(False)


def _mark(axes: Axes, steps: list[float]) -> None:
    """Mark steps with a value that is not finite, at the lower edge."""
    axes.plot(
        steps,
        np.full(len(steps), 0.04),
        "x",
        color=NOT_FINITE_COLOR,
        transform=axes.get_xaxis_transform(),
        label="not finite",
    )
