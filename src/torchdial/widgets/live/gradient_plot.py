"""The gradient plot: gradients of a run by layer, or those that a model holds now."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import traitlets as t
from torch import nn

from torchdial.inputs.errors import describe, refusal
from torchdial.training.history.history import History
from torchdial.training.history.measured_names import (
    CLIP_COEFFICIENT,
    EPOCH,
    GRAD_NORM,
    is_one_of,
)
from torchdial.training.recording.current_gradients import gradients_now
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.live_plot import LivePlot
from torchdial.widgets.live.plot_sources import PlotSource, is_monitor, read_source
from torchdial.widgets.live.run_packing import PlotContents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE_LAYERS = (GRAD_NORM, CLIP_COEFFICIENT, EPOCH, "epoch")

_plots: weakref.WeakSet[LayersPlot] = weakref.WeakSet()


class LayersPlot(LivePlot):
    """A live plot in which a layer can be chosen."""

    selected = t.Unicode(None, allow_none=True).tag(sync=True, echo_update=False)
    """Name of the chosen parameter, such as "layer1.0.weight"; None for none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plots.add(self)


def choose_in_plots(history: Any, name: str | None) -> None:
    """Choose a parameter in every plot of a run's layers."""
    for plot in list(_plots):
        if plot._history is history:
            plot.selected = name


class GradientPlot(LayersPlot):
    """Shows gradients live: layers × steps, lines, total norm, update ratios, one step.

    Args:
        source: a `TrainingMonitor`, a `History`, or a model, whose gradients of this moment are
            shown; `refresh()` reads them again.

    Raises:
        ValueError: the source is none of these, or the model holds no gradients.

    Example:
        >>> model = torch.nn.Linear(2, 1)
        >>> model(torch.ones(4, 2)).sum().backward()
        >>> GradientPlot(model)
        GradientPlot(gradients now)
    """

    _STEM = "gradient_plot"

    def __init__(self, source: Any) -> None:
        self._model = source if isinstance(source, nn.Module) else None
        if self._model is not None:
            found = PlotSource((ShownRun(gradients_now(self._model), "gradients now"),))
        elif is_monitor(source) or isinstance(source, History):
            found = read_source(source)
        else:
            raise refusal(
                "source",
                expected="a TrainingMonitor, a History, or a model",
                got=describe(source),
                remedy="Pass for example GradientPlot(monitor).",
            )
        contents = PlotContents(scalars=is_beside_layers, layers=True)
        super().__init__(found.runs[-1:], contents, found.monitor, one_step=self._model is not None)

    def refresh(self) -> None:
        """Show what was recorded since, or the gradients that the model holds now."""
        if self._model is not None:
            gradients_now(self._model, self._history)
        super().refresh()

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of layers × steps or of one step's layers, made without pyplot."""
        from torchdial.figures.static.gradient_picture import gradients_figure

        return gradients_figure(self._history, ax)


def is_beside_layers(name: str) -> bool:
    """Return whether a scalar is shown beside the layers: a total norm, a clip, the epoch."""
    return any(is_one_of(name, shown) for shown in BESIDE_LAYERS)
