"""What a classification dial shows of a model at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from torchdial.inputs.probability_maps import Task
from torchdial.inputs.segmentation_targets import IGNORED
from torchdial.inputs.stops import Stops
from torchdial.sweeps.pixels.pixel_counts import (
    Tally,
    as_samples,
    bincount,
    count_levels,
    measure_levels,
)
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
from torchdial.sweeps.pixels.threshold_levels import levels_of
from torchdial.sweeps.samples.listed_samples import ALL_SCORES, NEAREST, listed_samples
from torchdial.sweeps.samples.ranking import Ranking, rank


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one class against the rest, or of the highest ones and whether they are right.

    Attributes:
        histogram: negatives and positives at each level, int64 (2, T + 1).
        sums: sum of the scores at each level, float64 (T + 1,).
        ranking: their ROC and precision-recall curves.
    """

    histogram: torch.Tensor
    sums: torch.Tensor
    ranking: Ranking


@dataclass(frozen=True)
class ClassificationFrame:
    """Samples and their counts.

    Attributes:
        scores: float32 (R, N): of each class, for multiclass a last row of the highest.
        truth: uint8 (R, N): 1 positive, 0 negative, 255 ignored; in the last row of multiclass 1
            where the class of the highest score is right.
        labels: uint8 (N,), canonical targets of binary and multiclass; None for multilabel.
        argmax: for multiclass the class of the highest score, the first of equal ones, int64 (N,).
        curves: counts at every stop.
        tables: of each row, and for multilabel of all labels pooled.
        listed: indices of the samples that a page lists, int64 (L,).
    """

    scores: torch.Tensor
    truth: torch.Tensor
    labels: torch.Tensor | None
    argmax: torch.Tensor | None
    curves: ThresholdCurves
    tables: tuple[ScoreTable, ...]
    listed: torch.Tensor


def measure_samples(
    probs: torch.Tensor, targets: torch.Tensor, task: Task, stops: Stops
) -> ClassificationFrame:
    """Measure samples as `torchdial.inputs.sample_scores.read_samples` returns them."""
    tally = count_levels(measure_levels(probs, task, stops), targets, len(stops))
    scores, labels = probs[0, :, :, 0].contiguous().cpu(), targets[0].flatten(-2).cpu()
    num_classes, argmax = len(scores), None
    truth = labels
    if task == "multiclass":
        highest, argmax = scores.max(dim=0)
        each = labels == torch.arange(num_classes, dtype=torch.uint8)[:, None]
        truth = torch.cat([each, (labels == argmax)[None]]).to(torch.uint8)
        truth[:, labels == IGNORED] = IGNORED
        scores = torch.cat([scores, highest[None]])
    tables = [_table(*row, stops) for row in zip(scores, truth, strict=True)]
    listed = _listed(scores, truth, tables, stops)
    if task == "multilabel":
        tables.append(_table(scores.flatten(), truth.flatten(), stops))
    return ClassificationFrame(
        scores,
        truth,
        None if task == "multilabel" else labels.flatten(),
        argmax,
        _curves(as_samples(tally), task, stops),
        tuple(tables),
        listed,
    )


def _curves(tally: Tally, task: Task, stops: Stops) -> ThresholdCurves:
    return ThresholdCurves.from_tally(tally, task, stops, zero_division=float("nan"))


def _table(scores: torch.Tensor, truth: torch.Tensor, stops: Stops) -> ScoreTable:
    known = truth <= 1
    bins = len(stops) + 1
    level = levels_of(scores[known], stops)
    histogram = bincount(truth[known].to(torch.int32) * bins + level, 2 * bins).view(2, bins)
    sums = torch.bincount(level, scores[known].double(), minlength=bins)
    return ScoreTable(histogram, sums, rank(scores, truth))


def _listed(
    scores: torch.Tensor, truth: torch.Tensor, tables: Sequence[ScoreTable], stops: Stops
) -> torch.Tensor:
    if scores.numel() <= ALL_SCORES:
        return torch.arange(scores.shape[1])
    count = max(1, NEAREST // len(tables))
    rows = zip(scores, truth, tables, strict=True)
    found = [
        listed_samples(row, marks, table.ranking.order, stops.tensor(), count)
        for row, marks, table in rows
    ]
    samples: torch.Tensor = torch.unique(torch.cat(found))
    return samples
