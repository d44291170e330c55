"""The sweep once more, slow and obvious: a loop over pixels and exact fractions, without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

Number = Fraction | None  # None is undefined


@dataclass
class Table:
    """Counts as numpy arrays: tp and fp (N, C, T), positives and negatives (N, C)."""

    tp: np.ndarray
    fp: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    def cell(self, images: Sequence[int], classes: Sequence[int], at: Sequence[int]) -> list[int]:
        """Sum tp, fp, positives, negatives over images and classes, class c at stop at[c]."""
        chosen = [(i, c) for i in images for c in classes]
        return [
            sum(int(self.tp[i, c, at[c]]) for i, c in chosen),
            sum(int(self.fp[i, c, at[c]]) for i, c in chosen),
            sum(int(self.positives[i, c]) for i, c in chosen),
            sum(int(self.negatives[i, c]) for i, c in chosen),
        ]


def is_on(p: float, stop: float) -> bool:
    return bool(np.float32(p) > np.float32(stop))


def level(p: float, stops: Sequence[float]) -> int:
    return sum(is_on(p, stop) for stop in stops)


def nearest(stops: Sequence[float], value: float) -> int:
    return min(range(len(stops)), key=lambda k: (abs(stops[k] - value), k))


def first_maximum(column: np.ndarray) -> int:
    return max(range(len(column)), key=lambda c: (column[c], -c))


def _count(
    shape: tuple[int, int, int],
    stops: Sequence[float],
    probability: Callable[[int, int, int], float],
    truth: Callable[[int, int, int], bool | None],
) -> Table:
    num_images, num_classes, num_pixels = shape
    tp = np.zeros((num_images, num_classes, len(stops)), dtype=np.int64)
    fp = np.zeros_like(tp)
    positives = np.zeros((num_images, num_classes), dtype=np.int64)
    negatives = np.zeros_like(positives)
    for i, c, pixel in np.ndindex(num_images, num_classes, num_pixels):
        yes = truth(i, c, pixel)
        if yes is None:
            continue
        (positives if yes else negatives)[i, c] += 1
        for k, stop in enumerate(stops):
            if is_on(probability(i, c, pixel), stop):
                (tp if yes else fp)[i, c, k] += 1
    return Table(tp, fp, positives, negatives)


def count(probs: Any, targets: Any, stops: Sequence[float], ignore: int | None = None) -> Table:
    """Count each class against the rest.

    Args:
        probs: (N, C, P).
        targets: masks (N, C, P), or labels (N, P).
        stops: T numbers.
        ignore: a label that enters no count.
    """
    probs, targets = np.asarray(probs), np.asarray(targets)

    def truth(i: int, c: int, pixel: int) -> bool | None:
        label = targets[i, c, pixel] if targets.ndim == 3 else targets[i, pixel]
        if label == ignore:
            return None
        return bool(label == 1) if targets.ndim == 3 else bool(label == c)

    return _count(probs.shape, stops, lambda i, c, pixel: probs[i, c, pixel], truth)


def count_argmax(
    probs: Any, labels: Any, stops: Sequence[float], ignore: int | None = None
) -> Table:
    """Count "the class of the highest probability, unless that is ≤ t" against labels (N, P)."""
    probs, labels = np.asarray(probs), np.asarray(labels)

    def probability(i: int, c: int, pixel: int) -> float:
        return probs[i, c, pixel] if first_maximum(probs[i, :, pixel]) == c else -1.0

    def truth(i: int, c: int, pixel: int) -> bool | None:
        return None if labels[i, pixel] == ignore else bool(labels[i, pixel] == c)

    return _count(probs.shape, stops, probability, truth)


def evaluate(metric: str, cell: Sequence[int], zero_division: float = 1.0) -> Number:
    tp, fp, positives, negatives = cell
    fn, tn = positives - tp, negatives - fp
    numerator, denominator = {
        "dice": (2 * tp, 2 * tp + fp + fn),
        "iou": (tp, tp + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "accuracy": (tp + tn, tp + fp + fn + tn),
    }[metric]
    if denominator:
        return Fraction(numerator, denominator)
    return Fraction(zero_division) if metric in ("dice", "iou") else None


def mean(values: Sequence[Number]) -> Number:
    defined = [v for v in values if v is not None]
    return sum(defined, Fraction(0)) / len(defined) if defined else None


def average(
    table: Table, metric: str, how: str, at: Sequence[int], zero_division: float = 1.0
) -> Number:
    images, classes = (range(n) for n in table.positives.shape)
    if how == "micro":
        return evaluate(metric, table.cell(images, classes, at), zero_division)
    if how == "image":
        cells = [table.cell([i], classes, at) for i in images]
    else:
        cells = [table.cell(images, [c], at) for c in classes if table.positives[:, c].any()]
    return mean([evaluate(metric, cell, zero_division) for cell in cells])


def curve(table: Table, metric: str, how: str, zero_division: float = 1.0) -> list[Number]:
    _, num_classes, num_stops = table.tp.shape
    return [average(table, metric, how, [k] * num_classes, zero_division) for k in range(num_stops)]


def best(values: Sequence[Number]) -> int:
    """Lower middle of the longest run of stops at the highest value; -1 if none is defined."""
    defined = [v for v in values if v is not None]
    if not defined:
        return -1
    runs = [list(run) for _, run in groupby(range(len(values)), lambda k: values[k])]
    longest = max((run for run in runs if values[run[0]] == max(defined)), key=len)
    return longest[(len(longest) - 1) // 2]


def as_float(value: Number) -> float:
    return float("nan") if value is None else float(value)
