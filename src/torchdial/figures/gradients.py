"""The static picture of a gradient plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.training.history import History
    from torchdial.training.matrix import LayerMatrix

DPI = 80
MOST_LABELS = 24


def gradients_figure(history: History) -> Figure:
    """Return a figure of log₁₀ of each layer's gradient norm over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.0), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    matrix = history.layers.get("grad_norm")
    if matrix is None or len(matrix) == 0:
        axes.text(0.5, 0.5, "no gradients yet", ha="center", va="center")
        axes.set_axis_off()
    else:
        _draw(axes, matrix)
    figure.suptitle("static picture: run the cell to interact", fontsize="small")
    return figure


def _draw(axes: Axes, matrix: LayerMatrix) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(matrix.max)
    logs = np.where(np.isfinite(logs), logs, np.nan)
    steps = matrix.steps
    image = axes.imshow(
        logs,
        aspect="auto",
        interpolation="nearest",
        extent=(float(steps[0]), float(steps[-1]) + 1, len(matrix.names) - 0.5, -0.5),
    )
    every = -(-len(matrix.names) // MOST_LABELS)
    rows = range(0, len(matrix.names), every)
    axes.set_yticks(list(rows))
    axes.set_yticklabels([matrix.names[row] for row in rows], fontsize="x-small", parse_math=False)
    axes.set_xlabel("step")
    if axes.figure is not None:
        axes.figure.colorbar(image, label="log₁₀ of the gradient's norm")
