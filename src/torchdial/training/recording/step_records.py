"""What is on its way into the history, and how it is written there once it has arrived."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torchdial.training.history.history import History
from torchdial.training.history.layer_histograms import EXPONENTS
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.series import Series
from torchdial.training.recording.device_buffers import (
    Floats,
    Number,
    Numbers,
    is_ready,
    to_finite_float32,
    to_number,
)

BINS = len(EXPONENTS) + 1


@dataclass
class Sample:
    """What only some steps are looked at for, a number for each of the reading's names.

    Attributes:
        weights: norms of the weights before the step.
        largest: max |gradient|.
        counts: of each name one a bin, those of one name after the other.
        matrices: which names are weights with two or more dimensions.
        before: norms of the copied weights of `matrices`.
        updates: norms of what the step changed in them; None if it was not completed.
    """

    weights: Numbers
    largest: Numbers
    counts: Numbers
    matrices: Sequence[str]
    before: Numbers | None = None
    updates: Numbers | None = None

    def ready(self) -> bool:
        """Return whether all has arrived."""
        return is_ready(self.weights, self.largest, self.counts, self.before, self.updates)


@dataclass
class Reading:
    """The gradients of one step.

    Attributes:
        names: the parameters that had one.
        rows: all that are watched, in the order of the network.
        norms: a number for each of `names`.
        total: what the norm of all is recorded as.
        largest: max |gradient|, where it tells overflowed norms from overflowed gradients.
        scale: what a GradScaler had multiplied them by.
        sample: what is read on some steps only.
    """

    names: Sequence[str]
    rows: Sequence[str]
    norms: Numbers
    total: str = "grad_norm"
    largest: Numbers | None = None
    scale: Number | None = None
    sample: Sample | None = None

    def ready(self) -> bool:
        """Return whether all has arrived."""
        sample = self.sample is None or self.sample.ready()
        return sample and is_ready(self.norms, self.largest, self.scale)


@dataclass
class Record:
    """What belongs to one moment of the run.

    Attributes:
        step: the step, steps skipped by AMP included if `counted`.
        counted: whether it is the monitor's count, and not a step the user gave.
        time: seconds since the run began.
        scalars: by name.
        reading: the gradients.
        overflow: above 0 if a fused optimizer had to skip the step.
        is_step: whether the monitor counted a step here.
        backoff: by which factor each skipped step lowers the AMP scale.
    """

    step: int
    counted: bool
    time: float
    scalars: Mapping[str, Number] = field(default_factory=dict)
    reading: Reading | None = None
    overflow: Number | None = None
    is_step: bool = False
    backoff: float = 1.0

    def ready(self) -> bool:
        """Return whether all has arrived."""
        reading = self.reading is None or self.reading.ready()
        return reading and is_ready(self.overflow, *self.scalars.values())


class Writer:
    """Writes records into a history; used by one thread.

    Attributes:
        skipped: steps that were counted although a fused optimizer had skipped them.
        last_step: the step of the last record.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.skipped = self.last_step = 0
        self._points: dict[str, list[tuple[int, float, float]]] = {}
        self._scale = 0.0
        self._last_scale = (-1, 0.0)
        self._overflows = 0

    def write(self, records: Sequence[Record]) -> None:
        """Write records, oldest first; one that cannot be written costs no other.

        Raises:
            Exception: what the first of those that cannot raised.
        """
        errors = [error for record in records if (error := _error_of(self._take, record))]
        points, self._points = self._points, {}
        with self.history.lock:
            errors += [
                error
                for name, rows in points.items()
                if (error := _error_of(self._extend, name, rows))
            ]
        if errors:
            raise errors[0]

    def _extend(self, name: str, rows: Sequence[tuple[int, float, float]]) -> None:
        series = self.history.scalars.get(name)
        if series is None:
            series = self.history.scalars[name] = Series(name, self.history.lock)
        series.extend(*zip(*rows, strict=True))

    def _take(self, record: Record) -> None:
        is_skipped = record.overflow is not None and to_number(record.overflow) > 0
        if is_skipped:
            self._overflows += 1
            self.skipped += record.is_step
        step = self.last_step = record.step - self.skipped if record.counted else record.step
        if is_skipped:
            self._point("skipped", step, 1.0, record.time)
            return
        scalars = {name: to_number(value) for name, value in record.scalars.items()}
        if "amp_scale" in scalars:
            scale = scalars["amp_scale"]
            self._compare_scale(scale, record.backoff, step, record.time)
            if (step, scale) == self._last_scale:
                del scalars["amp_scale"]  # seen at the optimizer's step, and now by `log`
            self._last_scale = step, scale
        for name, value in scalars.items():
            self._point(name, step, value, record.time)
        if record.reading is not None:
            self._gradients(record.reading, step, record.time)

    def _compare_scale(self, scale: float, backoff: float, step: int, time: float) -> None:
        """Find the steps that a GradScaler skipped without calling the optimizer.

        Each lowers the scale by one factor; nothing else does.
        """
        if 0 < scale < self._scale and 0 < backoff < 1:
            drops = round(math.log(scale / self._scale) / math.log(backoff))
            for _ in range(min(drops, 64) - self._overflows):
                self._point("skipped", step, 1.0, time)
        self._scale, self._overflows = scale, 0

    def _gradients(self, reading: Reading, step: int, time: float) -> None:
        scale = 1.0 if reading.scale is None else to_number(reading.scale)
        norms = reading.norms.read() / scale
        if reading.largest is not None:
            largest = reading.largest.read() / scale
            # The norm overflowed but no gradient did: it is at least the largest of them.
            norms = np.where(
                np.isfinite(norms), norms, np.where(np.isfinite(largest), largest, norms)
            )
        self._layers("grad_norm", reading, step, norms)
        if reading.total:
            self._point(reading.total, step, _length(norms), time)
        if reading.sample is not None:
            self._sample(reading, reading.sample, step, scale)

    def _sample(self, reading: Reading, sample: Sample, step: int, scale: float) -> None:
        self._layers("weight_norm", reading, step, sample.weights.read())
        self._layers("grad_max", reading, step, sample.largest.read() / scale)
        counts = sample.counts.read().reshape(-1, BINS)
        place = {name: i for i, name in enumerate(reading.names)}
        table = np.zeros((len(reading.rows), BINS), np.float32)
        for row, name in enumerate(reading.rows):
            if name in place:
                table[row] = counts[place[name]]
        self.history.record_histograms(reading.rows, step, table)
        if sample.updates is not None and sample.before is not None:
            before = sample.before.read()
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = sample.updates.read() / before
            there = before > 0  # a weight that is zero throughout has no ratio
            names = [name for name, keep in zip(sample.matrices, there, strict=True) if keep]
            self._layers("update_ratio", reading, step, ratio[there], names)

    def _layers(
        self,
        kind: str,
        reading: Reading,
        step: int,
        values: Floats,
        names: Sequence[str] | None = None,
    ) -> None:
        with self.history.lock:
            if kind not in self.history.layers:
                self.history.layers[kind] = LayerMatrix(reading.rows, self.history.lock)
            self.history.layers[kind].add(reading.rows)
            self.history.record_layers(
                kind, reading.names if names is None else names, step, to_finite_float32(values)
            )

    def _point(self, name: str, step: int, value: float, time: float) -> None:
        self._points.setdefault(name, []).append((step, value, time))


def _error_of(function: Callable[..., object], *args: Any) -> Exception | None:
    try:
        function(*args)
    except Exception as error:
        return error
    return None


def _length(norms: Floats) -> float:
    """Return the norm of all from the norms of each; NaN or infinity if one is."""
    finite = norms[np.isfinite(norms)]
    if len(finite) < len(norms):
        return float(norms.sum())
    return float(np.hypot.reduce(norms)) if len(norms) else 0.0
