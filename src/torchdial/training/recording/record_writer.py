"""Writes records of steps into a history, once their numbers have arrived."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from torchdial.training.history.history import History
from torchdial.training.history.layer_histograms import EXPONENTS, LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.measured_names import (
    AMP_SCALE,
    CLIP_COEFFICIENT,
    GRAD_NORM,
    SKIPPED,
)
from torchdial.training.recording.device_buffers import Floats, to_finite_float32, to_number
from torchdial.training.recording.step_records import (
    GradientClip,
    GradientReading,
    StepRecord,
    UpdateReading,
)
from torchdial.training.recording.total_norm import TotalNorm, norm_of_norms

BINS = len(EXPONENTS) + 1
MOST_SKIPPED = 64  # steps that a lower AMP scale is taken for, at most


class RecordWriter:
    """Writes records into a history; used by one thread.

    Args:
        history: the run.
        optimizers: how many there are.
        shares_parameters: whether two of them step the same parameter.

    Attributes:
        skipped: steps that were counted although a fused optimizer had skipped them.
        last_step: the step of the last record.
    """

    def __init__(
        self, history: History, optimizers: int = 1, shares_parameters: bool = False
    ) -> None:
        self.history = history
        self.skipped = self.last_step = 0
        self._suffixes = [f"/{k}" if optimizers > 1 else "" for k in range(optimizers)]
        self._total = None if optimizers < 2 or shares_parameters else TotalNorm(optimizers)
        self._points: dict[str, list[tuple[int, float, float]]] = {}
        self._given: set[str] = set()  # scalars whose steps the user gave
        self._own_axis: set[str] = set()  # and those of them that are no steps of the run
        self._scale = 0.0
        self._last_scale = (-1, 0.0)
        self._overflows: Counter[int] = Counter()  # of each optimizer since the last scale

    def write(self, records: Sequence[StepRecord]) -> None:
        """Write records, oldest first; one that cannot be written costs no other.

        Raises:
            Exception: what the first of those that cannot raised.
        """
        errors = [error for record in records if (error := _error_of(self._take, record))]
        errors += self._write_points()
        if errors:
            raise errors[0]

    def end(self) -> None:
        """Write what is known only once nothing follows."""
        if self._total is not None:
            for point in self._total.end():
                self._point(GRAD_NORM, *point)
            self._write_points()

    def _write_points(self) -> list[Exception]:
        points, self._points = self._points, {}
        with self.history.lock:
            found = [_error_of(self._extend, name, rows) for name, rows in points.items()]
        return [error for error in found if error is not None]

    def _extend(self, name: str, rows: Sequence[tuple[int, float, float]]) -> None:
        series = self.history.series(name)
        series.extend(*zip(*rows, strict=True))
        series.x_name = "x" if name in self._own_axis else "step"

    def _take(self, record: StepRecord) -> None:
        is_skipped = record.overflow is not None and to_number(record.overflow) > 0
        if is_skipped and record.optimizer is not None:
            self._overflows[record.optimizer] += 1
            self.skipped += record.optimizer == 0
        if record.shift:
            self._write_points()
            self.history.shift_steps(record.shift, self._given)
        step = self.last_step = record.step - self.skipped
        self._write_logged(record, step)
        if is_skipped:
            self._point(SKIPPED, step, 1.0, record.time)
            self._add_to_total(record, step, None)
            return
        measured = {name: to_number(value) for name, value in record.measured.items()}
        if AMP_SCALE in measured:
            scale = measured[AMP_SCALE]
            self._compare_scale(scale, record.backoff, step, record.time)
            if (step, scale) == self._last_scale:
                del measured[AMP_SCALE]  # read at the optimizer's step, and now by `log`
            self._last_scale = step, scale
        for name, value in measured.items():
            self._point(name, step, value, record.time)
        if record.optimizer is not None:
            self._write_attempt(record, record.optimizer, step)

    def _write_logged(self, record: StepRecord, step: int) -> None:
        is_given = record.given_step is not None
        x = step if record.given_step is None else record.given_step
        for name, value in record.logged.items():
            (self._given.add if is_given else self._given.discard)(name)
            (self._own_axis.add if record.is_own_axis else self._own_axis.discard)(name)
            self._point(name, x, to_number(value), record.time)

    def _compare_scale(self, scale: float, backoff: float, step: int, time: float) -> None:
        """Find the steps that a GradScaler skipped without calling the optimizer.

        Each lowers the scale by one factor; nothing else does.
        """
        if 0 < scale < self._scale and 0 < backoff < 1:
            drops = round(math.log(scale / self._scale) / math.log(backoff))
            known = max(self._overflows.values(), default=0)
            for _ in range(min(drops, MOST_SKIPPED) - known):
                self._point(SKIPPED, step, 1.0, time)
        self._scale, self._overflows = scale, Counter()

    def _write_attempt(self, record: StepRecord, optimizer: int, step: int) -> None:
        scale = 1.0 if record.scale is None else to_number(record.scale)
        suffix = self._suffixes[optimizer]
        readings = record.readings()
        norms = [norm for r in readings for norm in self._write_norms(r, step, scale).tolist()]
        total = norm_of_norms(norms) if norms else None
        if record.is_total_known:
            clipped = norm_of_norms([to_number(clip.total) / scale for clip in record.clips])
            if total is None or math.isfinite(clipped):  # torch's norm can overflow, ours does not
                total = clipped
        if total is not None:
            self._point(f"{GRAD_NORM}{suffix}", step, total, record.time)
        if record.clips and all(clip.coefficients for clip in record.clips):
            coefficient = _coefficient(record.clips)
            self._point(f"{CLIP_COEFFICIENT}{suffix}", step, coefficient, record.time)
        self._add_to_total(record, step, total)
        for clip in record.clips:
            self._write_sample(clip.reading, step, scale, counts_scale=scale)
        self._write_sample(record.reading, step, scale)
        if record.update is not None and readings:
            self._write_update(record.update, readings[0].rows, step)

    def _add_to_total(self, record: StepRecord, step: int, norm: float | None) -> None:
        if self._total is not None and record.optimizer is not None:
            for point in self._total.add(record.optimizer, step, norm, record.time):
                self._point(GRAD_NORM, *point)

    def _write_norms(self, reading: GradientReading, step: int, scale: float) -> Floats:
        norms = reading.norms.read() / scale
        if reading.largest is not None:
            largest = reading.largest.read() / scale
            # The norm overflowed but no gradient did: it is at least the largest of them.
            norms = np.where(
                np.isfinite(norms), norms, np.where(np.isfinite(largest), largest, norms)
            )
        self._layers("grad_norm", reading.rows, reading.names, step, norms)
        return norms

    def _write_sample(
        self, reading: GradientReading | None, step: int, scale: float, counts_scale: float = 1.0
    ) -> None:
        if reading is None or reading.counts is None:
            return
        if reading.weights is not None:
            self._layers("weight_norm", reading.rows, reading.names, step, reading.weights.read())
        if reading.largest is not None:
            largest = reading.largest.read() / scale
            self._layers("grad_max", reading.rows, reading.names, step, largest)
        counts = reading.counts.read().reshape(-1, BINS)
        with self.history.lock:
            if self.history.histograms is None:
                self.history.histograms = LayerHistograms(reading.rows, lock=self.history.lock)
            self.history.histograms.add(reading.rows)
            self.history.record_histograms(
                reading.names, step, counts_divided_by(counts, counts_scale)
            )

    def _write_update(self, update: UpdateReading, rows: Sequence[str], step: int) -> None:
        before = update.before.read()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = update.updates.read() / before
        there = before > 0  # a weight that is zero throughout has no ratio
        names = [name for name, keep in zip(update.names, there, strict=True) if keep]
        self._layers("update_ratio", rows, names, step, ratio[there])

    def _layers(
        self, kind: str, rows: Sequence[str], names: Sequence[str], step: int, values: Floats
    ) -> None:
        with self.history.lock:
            if kind not in self.history.layers:
                self.history.layers[kind] = LayerMatrix(rows, self.history.lock)
            self.history.layers[kind].add(rows)
            self.history.record_layers(kind, names, step, to_finite_float32(values))

    def _point(self, name: str, step: int, value: float, time: float) -> None:
        self._points.setdefault(name, []).append((step, value, time))


def counts_divided_by(counts: Floats, scale: float) -> Floats:
    """Return histograms of values as those of the values divided by a power of two.

    Args:
        counts: (L, B), of bins of powers of two, see `LayerHistograms`.
        scale: above 0; to the nearest power of two.

    Example:
        >>> row = np.zeros((1, BINS)); row[0, 45] = 7
        >>> int(counts_divided_by(row, 8.0)[0].argmax())
        42
    """
    shift = round(math.log2(scale)) if scale > 0 and math.isfinite(scale) else 0
    if not shift:
        return counts
    bins = np.arange(BINS)
    moved = np.clip(bins - shift, 0, BINS - 1)
    moved[0], moved[-1] = 0, BINS - 1  # zeros, and what is not finite
    out = np.zeros_like(counts)
    for old, new in enumerate(moved):
        out[:, new] += counts[:, old]
    return out


def _coefficient(clips: Sequence[GradientClip]) -> float:
    """Return the norm of all that was clipped after it over that before."""
    factors = [math.prod(map(to_number, clip.coefficients)) for clip in clips]
    totals = [to_number(clip.total) for clip in clips]
    before = norm_of_norms(totals)
    if len(clips) == 1 or not 0 < before < math.inf:
        return min(factors)
    return norm_of_norms([f * t for f, t in zip(factors, totals, strict=True)]) / before


def _error_of(function: Callable[..., object], *args: Any) -> Exception | None:
    try:
        function(*args)
    except Exception as error:
        return error
    return None
