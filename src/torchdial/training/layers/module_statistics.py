"""What is recorded of each module of a model: three statistics, and the newest event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from torchdial.structure.module_rows import walk
from torchdial.training.history.events import Event
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.layers.activations import Activations
from torchdial.training.layers.module_norms import (
    Floats32,
    ModuleNorms,
    Steps,
    gradient_norms,
    largest_of,
    parameters_below,
    update_ratios,
)

Columns = tuple[Steps, Floats32]
"""Steps (K,) and values (M, K), MISSING where a module has none."""


class ModuleStatistics:
    """Gradient norm, update ratio and share of near-zero activations of each module of a model.

    Args:
        model: its rows are those of `module_rows`; it need not be all that the monitor watches.
        monitor: records the run.
    """

    def __init__(self, model: nn.Module, monitor: Any) -> None:
        self._history = monitor.history
        below = parameters_below(model, monitor.name_of)
        self._norms = ModuleNorms(below)
        self._below = below
        self._owner = owners([path for path, _, _ in walk(model)], below)
        self._told: dict[str, int] = {}
        self.activations = Activations(
            model, lambda text: monitor.control.on_problem(text), monitor.spent
        )

    def recent(self, k: int) -> dict[str, Columns]:
        """Return the newest k columns of each recorded statistic."""
        with self._history.lock:
            return {name: self._columns(name, k) for name in self._matrices()}

    def news(self) -> dict[str, Columns]:
        """Return the newest column of each statistic that has changed since the last call."""
        with self._history.lock:
            found = {}
            for name, matrix in self._matrices().items():
                if self._told.get(name) != matrix.version:
                    self._told[name] = matrix.version
                    found[name] = self._columns(name, 1)
            return found

    def marks(self) -> dict[int, Event]:
        """Return by row the newest event about a parameter of that module itself."""
        with self._history.lock:
            events = list(self._history.events)
        return {self._owner[e.where]: e for e in events if e.where in self._owner}

    def parameter(self, row: int) -> str | None:
        """Return the first recorded parameter in a module or below."""
        matrix = self._history.layers.get("grad_norm")
        names = set(matrix.names if matrix is not None else ())
        return next((name for name in self._below[row] if name in names), None)

    def _matrices(self) -> dict[str, LayerMatrix]:
        layers = self._history.layers
        found = {name: layers[name] for name in ("grad_norm", "update_ratio") if name in layers}
        return {**found, "near_zero": self.activations.matrix}

    def _columns(self, name: str, k: int) -> Columns:
        layers = self._history.layers
        if name == "near_zero":
            return largest_of(self.activations.matrix, k)
        if name == "grad_norm":
            return gradient_norms(self._norms, layers[name], k)
        weights = layers.get("weight_norm")
        if weights is None:
            return np.empty(0, np.int64), np.empty((len(self._norms), 0), np.float32)
        return update_ratios(self._norms, layers[name], weights, k)


def owners(paths: Sequence[str], below: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return for each parameter the row of the module it belongs to, the first of several.

    Example:
        >>> owners(["", "a", "a.b", "c"], [["a.b.w"], ["a.b.w"], ["a.b.w"], ["a.b.w"]])
        {'a.b.w': 2}
    """
    found: dict[str, int] = {}
    for row, (path, names) in enumerate(zip(paths, below, strict=True)):
        for name in names:
            above = found.get(name)
            if above is None or not paths[above] or path.startswith(f"{paths[above]}."):
                found[name] = row
    return found
