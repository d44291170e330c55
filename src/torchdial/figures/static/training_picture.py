"""The static picture of a training panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torchdial.figures.static.canvas import WIDTH_INCHES, canvas_for, figure_of
from torchdial.figures.static.gradient_picture import gradients_figure
from torchdial.figures.static.loss_picture import curves_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.training.history.history import History
    from torchdial.training.shown_run import ShownRun

HEIGHT_INCHES = 6.5


def training_figure(runs: Sequence[ShownRun], history: History, ax: Axes | None = None) -> Figure:
    """Return a figure of what the runs logged, above the gradients of one of them."""
    figure = canvas_for(ax, WIDTH_INCHES, HEIGHT_INCHES, layout="constrained")
    curves, gradients = figure.subplots(2)
    curves_figure(runs, curves)
    gradients_figure(history, gradients)
    return figure_of(figure)
