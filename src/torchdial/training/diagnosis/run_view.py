"""A run as it was at a step, which is what the rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis.losses import Level, Losses, losses
from torchdial.training.history.history import History
from torchdial.training.history.measured_names import LEARNING_RATE, is_one_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

EVERY_COLUMN = 1 << 30
UPDATE_COLUMNS = 32  # columns, enough to meet each optimizer's parameters


class Points(NamedTuple):
    """Some neighbouring points of a scalar: `steps` and `values` (n,).

    `fresh` is the first of them that is new since the last view.
    """

    steps: Ints
    values: Floats
    fresh: int


@dataclass(frozen=True)
class Layers:
    """Some neighbouring columns of a layer matrix: `steps` (K,), the others (L, K)."""

    names: list[str]
    steps: Ints
    max: Floats32
    mean: Floats32
    count: npt.NDArray[np.int32]


@dataclass(frozen=True)
class RunView:
    """A history up to a step.

    Attributes:
        history: the run.
        step: the last step that counts.
        since: how many points of each scalar the last view had.
        until: how many this one has.
        levels: of the judged losses, where each began and its best.
        reference: gradient norms of the first steps, by parameter.
        first_step: the first step this process recorded.
        total_steps: how long the run will be, if known.
        final: whether the run is over.
    """

    history: History
    step: int
    since: Mapping[str, int]
    until: Mapping[str, int]
    levels: Mapping[str, Level]
    reference: Mapping[str, float]
    first_step: int
    total_steps: int | None = None
    final: bool = False

    @cached_property
    def losses(self) -> Losses:
        """Which scalars are losses."""
        return losses(self.until)

    def points(self, name: str, before: int) -> Points:
        """Return the points of a scalar that are new, and up to `before` that precede them."""
        return self._points_from(name, max(0, self._known(name) - before))

    def newest(self, name: str, n: int, every: int = 1) -> Points:
        """Return the newest `n` points of a scalar, or all; of them every `every`-th."""
        return self._points_from(name, max(0, self.until.get(name, 0) - n), every)

    def _points_from(self, name: str, first: int, every: int = 1) -> Points:
        until = self.until.get(name, 0)
        if not until:
            return Points(np.empty(0, np.int64), np.empty(0), 0)
        some = slice(first, until, every)
        steps, values, _ = self.history.points_along_run(self.history[name], some)
        return Points(steps, values, fresh=len(range(first, self._known(name), every)))

    def _known(self, name: str) -> int:
        """Return how many points the last view had of those that count."""
        return min(self.since.get(name, 0), self.until.get(name, 0))

    def whole(self, name: str, most: int) -> Floats:
        """Return a scalar's values over the whole run, evenly thinned to at most `most`."""
        values = self.history[name].values[: self.until.get(name, 0)]
        return values[:: 1 + len(values) // most]

    def layers(self, name: str, n: int) -> Layers | None:
        """Return the newest `n` columns of a matrix that begin no later than this step."""
        matrix = self.history.layers.get(name)
        if matrix is None:
            return None
        with self.history.lock:
            return Layers(list(matrix.names), *matrix.last(n, self.step))

    def rate(self) -> str | None:
        """Return the name of the (first) learning rate, if it was recorded."""
        return next((name for name in self.measured(LEARNING_RATE) if self.until[name]), None)

    def measured(self, name: str) -> list[str]:
        """Return the scalars of one measurement, of each optimizer and parameter group.

        Where torchdial measured none, those that were logged under its short name count.
        """
        short = name.partition("/")[2]
        found = [one for one in self.until if is_one_of(one, name)]
        return found or [one for one in self.until if is_one_of(one, short)]

    def weights(self) -> set[str]:
        """Return the parameters of two or more dimensions: those whose updates were measured."""
        layers = self.layers("update_ratio", UPDATE_COLUMNS)
        if layers is None:
            return set()
        known = np.asarray((layers.count > 0).any(axis=1))
        return {name for name, is_known in zip(layers.names, known, strict=True) if is_known}
