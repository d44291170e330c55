"""The loss plot: curves of what was logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchdial.training.history.measured_names import EPOCH
from torchdial.training.history.scalar_names import is_reserved
from torchdial.widgets.live.live_plot import LivePlot
from torchdial.widgets.live.plot_sources import read_source
from torchdial.widgets.live.run_packing import PlotContents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LossPlot(LivePlot):
    """Shows losses and metrics live.

    Names that differ only in `train` or `val` share an axis, and so do those of one group `a/b`.
    Every point stays in the kernel. Of the points under one pixel the plot keeps the lowest and the
    highest, so that a spike of one step is always seen; zooming in asks for the rest.
    Earlier runs of this process are listed beside a monitor's, and shown once they are chosen. The
    y axis leaves outliers out and marks them at its edge with their value.

    Args:
        source: a `TrainingMonitor`, a `History`, a list of histories as `td.read_runs` returns, a
            dict of them by name, or a dict of lists, arrays or 1-d tensors, one value a step.

    Raises:
        ValueError: the source is none of these.

    Example:
        >>> LossPlot({"loss": [1.0, 0.5, 0.25], "val/loss": [1.1, 0.7, 0.6]})
        LossPlot(run)
    """

    _STEM = "loss_plot"

    def __init__(self, source: Any) -> None:
        found = read_source(source)
        everything = isinstance(source, dict)
        contents = PlotContents(scalars=lambda name: everything or is_metric(name), layers=False)
        super().__init__(found.runs, contents, found.monitor, all_names=everything)

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of the curves, made without pyplot."""
        from torchdial.figures.static.loss_picture import curves_figure

        return curves_figure([run for run in self._runs if not run.earlier], ax)


def is_metric(name: str) -> bool:
    """Return whether a scalar is drawn, or maps steps to epochs."""
    return name in ("epoch", EPOCH) or not is_reserved(name)
