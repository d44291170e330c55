"""The module tree as a widget."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t
from torch import nn

from torchdial.inputs.errors import describe, refusal
from torchdial.structure import ModuleTable, module_table
from torchdial.structure.forward_pass import Shapes
from torchdial.structure.module_rows import ModuleRow
from torchdial.structure.module_table import shape_text
from torchdial.widgets.base import Widget
from torchdial.widgets.live.clicks_while_busy import serve_clicks
from torchdial.widgets.live.gradient_plot import choose_in_plots
from torchdial.widgets.live.module_packing import ModuleFeed
from torchdial.widgets.live.plot_sources import is_monitor

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ModelTree(Widget):
    """Shows the modules of a model, and with an example their shapes, FLOPs, memory and time.

    Runs of equal blocks are folded to "×12". Without an example nothing is run; with one the model
    runs as in `torchdial.structure.watch_forward`, and stays as it was.

    Args:
        model: any module; lazy, compiled, frozen, without parameters.
        example_input: a tensor, a tuple of arguments, a dict of keyword arguments, or a loader's
            batch.
        monitor: a `TrainingMonitor`. Each row then shows, live, its gradient's norm, its update
            ratio and the share of its activations that are near zero (|a| ≤ 10⁻³ of their root
            mean square, seen at one call a second at most), and the module that an event is about
            is marked. A chosen row is chosen in the run's `GradientPlot` and `TrainingPanel`.

    Raises:
        ValueError: the model is not a module, or the monitor not a monitor.

    Example:
        >>> tree = ModelTree(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.rand(2, 4))
        >>> tree.selected = "0"
        >>> tree
        ModelTree(Sequential, 3 modules, 40 parameters)
    """

    _STEM = "model_tree"
    _SETTABLE = ("selected",)

    selected = t.Unicode(None, allow_none=True).tag(sync=True, echo_update=False)
    """Path of the chosen module, such as "layer1.0.conv1"; empty for the model, None for none."""

    _table = t.Dict().tag(sync=True, echo_update=False)
    _live = t.Dict().tag(sync=True, echo_update=False)

    _feed: ModuleFeed | None = None

    def __init__(self, model: nn.Module, example_input: Any = None, *, monitor: Any = None) -> None:
        if monitor is not None and not is_monitor(monitor):
            raise refusal(
                "monitor",
                expected="a TrainingMonitor or None",
                got=describe(monitor),
                remedy="Pass ModelTree(model, monitor=monitor).",
            )
        self.table: ModuleTable = module_table(model, example_input)
        self._paths = {row.path: i for i, row in enumerate(self.table.rows)}
        self._feed = None if monitor is None else ModuleFeed(model, monitor, self._send_message)
        super().__init__(_table=_pack(self.table))
        if self._feed is not None:
            serve_clicks(self, self._feed.monitor.control)
            self._feed.begin()

    def close(self) -> None:
        """Close the widget, stop following the monitor and leave the model as it was."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state that a page opens with; its live part is computed now."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if self._feed is not None and (key is None or "_live" in state):
            state["_live"] = self._feed.opening()
        return state

    def _send_message(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(content, buffers)

    def __repr__(self) -> str:
        """Return a line of text, where the widget cannot be displayed."""
        root = self.table.rows[0]
        return f"ModelTree({root.kind}, {len(self.table)} modules, {root.parameters:,} parameters)"

    def text(self) -> str:
        """Return the table as text, with repeated blocks folded."""
        return self.table.text()

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each module."""
        return self.table.to_pandas()

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of the table as text."""
        from torchdial.figures.static.text_picture import text_figure

        return text_figure(self.text(), ax)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = self.text()
        return bundle

    @t.observe("selected")
    def _choose_in_plots(self, change: Any) -> None:
        if self._feed is not None:
            row = self._paths.get(change["new"])
            name = None if row is None else self._feed.statistics.parameter(row)
            choose_in_plots(self._feed.monitor.history, name)

    @t.validate("selected")
    def _valid_selected(self, proposal: Any) -> str | None:
        path: str | None = proposal["value"]
        if path is not None and path not in self._paths:
            raise t.TraitError(
                f"selected: expected the path of a module or None, got {path!r:.60}. Paths are as "
                "in model.named_modules()."
            )
        return path


def _pack(table: ModuleTable) -> dict[str, Any]:
    """Return a table for the browser; js/src/model_tree.ts reads it."""
    rows = table.rows
    uses = [table.use(row) for row in rows]
    costs: dict[str, list[float | None]] = {"parameters": [float(row.parameters) for row in rows]}
    if table.seen is not None:
        costs["flops"] = [None if use is None else use.flops for use in uses]
        costs["activations"] = [None if b is None else float(b) for b in table.activation_bytes()]
    if any(use is not None and use.seconds is not None for use in uses):
        costs["time"] = [None if use is None else use.seconds for use in uses]
    failure = table.failure
    paths = [row.path for row in rows]
    return {
        "path": paths,
        "kind": [row.kind for row in rows],
        "arguments": [row.arguments for row in rows],
        "output": ["" if use is None else _shapes_text(use.outputs) for use in uses],
        "remark": [_remark(table, row) for row in rows],
        "depth": _floats([row.depth for row in rows]),
        "costs": {name: _floats(values) for name, values in costs.items()},
        "folds": [asdict(fold) for fold in table.folds()],
        "failed": -1 if failure is None else paths.index(failure.path),
        "summary": table.summary(),
        "text": table.text(),
    }


def _floats(values: Any) -> bytes:
    """Return numbers as float64, None as NaN."""
    return np.array(values, dtype=float).astype("<f8").tobytes()


def _shapes_text(shapes: Shapes) -> str:
    return ", ".join(map(shape_text, shapes))


def _remark(table: ModuleTable, row: ModuleRow) -> str:
    use = table.use(row)
    words = [f"= {row.same_as or 'model'}"] if row.same_as is not None else []
    words += row.shared
    if row.lazy:
        words.append("sized by the first forward")
    if row.parameters and row.trainable < row.parameters:
        words.append("frozen" if row.trainable == 0 else "partly frozen")
    if use is not None and use.calls > 1:
        words.append(f"ran {use.calls} times")
    if table.failure is not None and table.failure.path == row.path:
        words.append(f"failed, given {_shapes_text(table.failure.inputs)}")
    return ", ".join(words)
