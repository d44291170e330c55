"""The training panel: progress, curves, gradients, events and controls of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import traitlets as t

from torchdial.inputs.errors import describe, refusal
from torchdial.widgets.live.gradient_plot import LayersPlot, is_beside_layers
from torchdial.widgets.live.loss_plot import is_metric
from torchdial.widgets.live.plot_sources import is_monitor, read_source
from torchdial.widgets.live.run_packing import PlotContents
from torchdial.widgets.live.run_status import request

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


CONTENTS = PlotContents(scalars=lambda name: is_metric(name) or is_beside_layers(name), layers=True)


class TrainingPanel(LayersPlot):
    """Shows a run while it runs, and its events; a monitor is displayed as one.

    Pause, stop and the dials are requests to `monitor.control`, which serves them at the next step
    boundary. Where clicks cannot reach the kernel before the cell ends, the panel says so.

    Args:
        monitor: a `TrainingMonitor`.

    Raises:
        ValueError: it is something else.

    Example:
        >>> from torchdial import TrainingMonitor
        >>> monitor = TrainingMonitor(torch.nn.Linear(2, 1), name="run 7")
        >>> monitor.log(loss=0.5)
        >>> panel = TrainingPanel(monitor)  # show it: as a cell's last line, or by display(panel)
        >>> panel.step is None  # no step was clicked yet
        True
    """

    _STEM = "training_panel"

    step = t.Int(None, allow_none=True).tag(sync=True, echo_update=False)
    """The step that was clicked last. The step dials of previews made with `monitor=` follow."""

    def __init__(self, monitor: Any) -> None:
        if not is_monitor(monitor):
            raise refusal(
                "monitor",
                expected="a TrainingMonitor",
                got=describe(monitor),
                remedy="Pass TrainingMonitor(model, optimizer). A history is shown by "
                "LossPlot(history).",
            )
        found = read_source(monitor)
        super().__init__(found.runs, CONTENTS, monitor, run=monitor.history.id)

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of curves and gradients, made without pyplot."""
        from torchdial.figures.static.training_picture import training_figure

        runs = [run for run in self._runs if not run.earlier]
        return training_figure(runs, self._history, ax)

    def _act_on(self, content: Mapping[str, Any]) -> None:
        if self._control is not None:
            request(self._control, content)
        self._feed.poke()
