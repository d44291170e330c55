"""The static picture of a loss plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from torchdial.figures.static.canvas import canvas_for, figure_of
from torchdial.figures.static.printable_names import line
from torchdial.inputs.tensor_images import CATEGORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.training.shown_run import ShownRun

MOST_PANELS = 6
MOST_LINES = 8  # a panel
BUCKETS = 400
WIDTH_INCHES = 8.0
PANEL_INCHES = 2.2
DPI = 80
# js/src/lib/charts/line_colors.ts has the same order, and panels.ts the same rule for panels.
ORDER = (5, 6, 3, 7, 1, 2, 0, 4)
DATA = ("train", "training", "val", "valid", "validation", "test", "eval")
NOT_FINITE = CATEGORIES[6] / 255
UNHIDDEN = "\u200b"  # matplotlib leaves labels out that begin with _
HIDDEN = ("grad_norm", "clip_coefficient", "amp_scale", "skipped", "epoch")


def curves_figure(runs: Sequence[ShownRun], ax: Axes | None = None) -> Figure:
    """Return a figure of what the runs logged: a panel for each group, earlier runs faint."""
    panels = panels_of([name for run in runs for name in run.history.names])
    shown = list(panels.items())[:MOST_PANELS]
    columns = min(max(len(shown), 1), 2)
    rows = -(-max(len(shown), 1) // columns)
    height = PANEL_INCHES * rows + 0.3
    figure = canvas_for(ax, WIDTH_INCHES, height, DPI, layout="constrained")
    for place, (title, names) in enumerate(shown, start=1):
        _draw(figure.add_subplot(rows, columns, place), title, names, runs)
    name = line(runs[-1].name) if runs else ""
    figure.suptitle(name, fontsize="small").set_parse_math(False)
    return figure_of(figure)


def panels_of(names: Sequence[str]) -> dict[str, list[str]]:
    """Return names by panel: twins of training and validation together, and groups `a/b`.

    Learning rates come last.

    Example:
        >>> panels_of(["lr", "loss", "val/loss", "loss", "acc"])
        {'loss': ['loss', 'val/loss'], 'acc': ['acc'], 'lr': ['lr']}
    """
    panels: dict[str, list[str]] = {}
    for name in sorted(dict.fromkeys(names), key=lambda name: name.split("/")[0] == "lr"):
        if name not in HIDDEN and not name.startswith("system/"):
            panels.setdefault(_key(name).split("/")[0], []).append(name)
    return panels


def _key(name: str) -> str:
    """Return a name without the word for the data it was measured on."""
    for word in DATA:
        if name.startswith((f"{word}/", f"{word}_")) and len(name) > len(word) + 1:
            return name[len(word) + 1 :]
    return name


def _draw(axes: Axes, title: str, names: Sequence[str], runs: Sequence[ShownRun]) -> None:
    keys = list(dict.fromkeys(_key(name) for name in names))
    bad: list[float] = []
    for run in runs:
        for name in names[:MOST_LINES]:
            if name not in run.history:
                continue
            picture = run.history[name].picture(BUCKETS)
            finite = np.isfinite(picture.y)
            axes.plot(
                picture.x,
                np.where(finite, picture.y, np.nan),
                color=CATEGORIES[ORDER[keys.index(_key(name)) % len(ORDER)]] / 255,
                alpha=0.35 if run.earlier else 1.0,
                linewidth=1,
                linestyle="-" if _key(name) == name else "--",
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
        color=NOT_FINITE,
        transform=axes.get_xaxis_transform(),
        label="not finite",
    )
