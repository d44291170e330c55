"""Norms of modules, from those of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from torchdial.structure.module_rows import walk
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.recording.device_buffers import to_finite_float32

Floats32 = npt.NDArray[np.float32]
Steps = npt.NDArray[np.int64]
MISSING = np.float32(-1)
"""Stands for no value, in numbers that are never negative; NaN and infinity are values."""


class ModuleNorms:
    """Combines the norms of parameters into norms of modules.

    Args:
        below: for each module the names of the parameters in it and below, each once.

    Example:
        >>> norms = ModuleNorms([["0.weight", "0.bias"], ["0.weight", "0.bias"], []])
        >>> norms.root_sum(["0.weight", "0.bias"], np.float32([3, 4]))
        array([ 5.,  5., -1.], dtype=float32)
    """

    def __init__(self, below: Sequence[Sequence[str]]) -> None:
        self._below = below
        self._names: list[str] = []
        self._modules = self._columns = np.empty(0, np.int64)

    def __len__(self) -> int:
        """Return how many modules there are."""
        return len(self._below)

    def root_sum(self, names: Sequence[str], values: Floats32) -> Floats32:
        """Return the root of the sum of squares over each module's parameters.

        Args:
            names: the parameters that have a row.
            values: their norms (P,) or (P, K); MISSING for none.

        Returns:
            float32 (M,) or (M, K); MISSING where no parameter has a value.
        """
        self._find(names)
        there = values != MISSING
        squares = np.where(there, values, 0).astype(np.float64) ** 2
        shape = (len(self._below), *values.shape[1:])
        total, count = np.zeros(shape), np.zeros(shape, np.int64)
        np.add.at(total, self._modules, squares[self._columns])
        np.add.at(count, self._modules, there[self._columns])
        return np.where(count > 0, to_finite_float32(np.sqrt(total)), MISSING)

    def _find(self, names: Sequence[str]) -> None:
        if list(names) == self._names:
            return
        self._names = list(names)
        places = {name: i for i, name in enumerate(names)}
        pairs = [
            (module, places[name])
            for module, below in enumerate(self._below)
            for name in below
            if name in places
        ]
        self._modules, self._columns = np.array(pairs, np.int64).reshape(-1, 2).T


def gradient_norms(norms: ModuleNorms, matrix: LayerMatrix, k: int) -> tuple[Steps, Floats32]:
    """Return the newest k columns' steps and each module's gradient norm, (M, k).

    Where a column stands for several steps, each parameter's largest one counts.
    """
    steps, largest = largest_of(matrix, k)
    return steps, norms.root_sum(matrix.names, largest)


def update_ratios(
    norms: ModuleNorms, ratios: LayerMatrix, weights: LayerMatrix, k: int
) -> tuple[Steps, Floats32]:
    """Return the newest k columns' steps and the norm of each module's update over its weights'.

    A parameter's update has the norm ratio × weight norm; only parameters with a ratio count.
    """
    steps, ratio = largest_of(ratios, k)
    rows = {name: i for i, name in enumerate(weights.names)}
    if not len(steps) or not len(weights):
        return steps[:0], np.empty((len(norms), 0), np.float32)
    # Weights change slowly, and their columns, of more rows, are never finer than the ratios'.
    sampled, _, means, _ = weights.last(k + 1)
    columns = np.maximum(np.searchsorted(sampled, steps, side="right") - 1, 0)
    size = np.full_like(ratio, MISSING)
    for i, name in enumerate(ratios.names):
        if name in rows:
            size[i] = means[rows[name], columns]
    known = (ratio != MISSING) & (size != MISSING)
    moved = norms.root_sum(ratios.names, np.where(known, ratio * size, MISSING))
    held = norms.root_sum(ratios.names, np.where(known, size, MISSING))
    with np.errstate(divide="ignore", invalid="ignore"):
        return steps, np.where(held == MISSING, MISSING, moved / held)


def largest_of(matrix: LayerMatrix, k: int) -> tuple[Steps, Floats32]:
    """Return steps and largest values (L, k) of the newest columns, MISSING without a value."""
    steps, largest, _, count = matrix.last(k)
    return steps, np.where(count == 0, MISSING, largest)


def parameters_below(model: nn.Module, name_of: Callable[[Tensor], str | None]) -> list[list[str]]:
    """Return for each row of `module_rows` the names of the parameters in it and below, each once.

    Args:
        model: the module whose tree it is.
        name_of: a parameter's name where it is recorded; None for its path here.
    """
    names: dict[int, str] = {}
    places = list(walk(model))
    for path, _, module in places:
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) not in names:
                here = f"{path}.{name}" if path else name
                names[id(parameter)] = name_of(parameter) or here
    return [
        list(dict.fromkeys(names[id(p)] for part in _parts(module) for p in _own(part)))
        for _, _, module in places
    ]


def _parts(module: nn.Module) -> list[nn.Module]:
    return [part for _, _, part in walk(module)]


def _own(module: nn.Module) -> list[Tensor]:
    return [p for p in module._parameters.values() if p is not None]
