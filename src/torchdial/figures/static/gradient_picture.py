"""The static picture of a gradient plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from torchdial.figures.colors import NOT_FINITE_COLOR, ZERO_COLOR
from torchdial.figures.gradient_grid import Norms, gradient_norms, to_grid
from torchdial.figures.static.canvas import WIDTH_INCHES, canvas_for, figure_of
from torchdial.figures.static.printable_names import line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.training.history.history import History

MOST_LABELS = 24
WIDTH, HEIGHT = 450, 130  # cells there are pixels for


def gradients_figure(history: History, ax: Axes | None = None) -> Figure:
    """Return a figure of log₁₀ of each layer's gradient norm over the steps.

    A cell is the highest of the steps and layers it has pixels for, so a norm that is not finite
    is always seen.
    """
    figure = canvas_for(ax, WIDTH_INCHES, 4.0, layout="constrained")
    axes = figure.add_subplot()
    norms, steps, names = gradient_norms(history)
    if norms.size:
        _draw(axes, to_grid(norms, steps, WIDTH, HEIGHT), steps, names)
    else:
        axes.text(0.5, 0.5, "no gradients yet", ha="center", va="center")
        axes.set_axis_off()
    figure.suptitle(line(history.name), fontsize="small").set_parse_math(False)
    return figure_of(figure)


def _draw(axes: Axes, grid: Norms, steps: npt.NDArray[np.int64], names: list[str]) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    extent = (float(steps.min()), float(steps.max()) + 1, len(names) - 0.5, -0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(grid)
    has_log = np.isfinite(logs)
    image = axes.imshow(
        np.where(has_log, logs, np.nan), aspect="auto", interpolation="nearest", extent=extent
    )
    handles = []
    for words, color, found in (
        ("not finite", NOT_FINITE_COLOR, ~np.isfinite(grid)),
        ("zero", ZERO_COLOR, grid == 0),
    ):
        if found.any():
            handles.append(Patch(color=color, label=words))
            axes.imshow(
                np.where(found, 0.0, np.nan),
                ListedColormap([color]),
                aspect="auto",
                interpolation="nearest",
                extent=extent,
            )
    _mark_first(axes, ~np.isfinite(grid), extent)
    if handles:
        axes.legend(handles=handles, fontsize="small", loc="upper right")
    every = -(-len(names) // MOST_LABELS)
    rows = range(0, len(names), every)
    axes.set_yticks(list(rows))
    labels = [line(names[row]) for row in rows]
    axes.set_yticklabels(labels, fontsize="x-small", parse_math=False)
    axes.set_xlabel("step")
    if axes.figure is not None and has_log.any():
        axes.figure.colorbar(image, label="log₁₀ of the gradient's norm")


def _mark_first(axes: Axes, bad: npt.NDArray[np.bool_], extent: tuple[float, ...]) -> None:
    """Mark in each row the first cell that is not finite, since one alone is a pixel wide."""
    left, right, bottom, top = extent
    rows = np.flatnonzero(bad.any(axis=1))
    columns = bad[rows].argmax(axis=1)
    height, width = bad.shape
    x = left + (columns + 0.5) * (right - left) / width
    y = top + (rows + 0.5) * (bottom - top) / height
    axes.plot(x, y, "x", color=NOT_FINITE_COLOR, markeredgewidth=2)
