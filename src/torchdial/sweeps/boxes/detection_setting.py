"""Single points of the score dial and the NMS dial: the best one, and what is true at one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.sweeps.boxes.bitsets import ALMOST_ONE
from torchdial.sweeps.boxes.detection_counts import Decisions, DetectionCounts
from torchdial.sweeps.boxes.detection_settings import DetectionMetric
from torchdial.sweeps.boxes.detection_tally import DetectionTally, keep_first
from torchdial.sweeps.image_choice import ANY, are
from torchdial.sweeps.plateau import highest, longest_run


def choose(
    metric: DetectionMetric,
    values: torch.Tensor,
    demands: Mapping[DetectionMetric, torch.Tensor],
    at_least: Mapping[DetectionMetric, float],
) -> tuple[int, int]:
    """Return the NMS stop and the score stop where values (T, S) are highest.

    Over a plateau it takes the NMS stops with the longest run of score stops, of these the lower
    middle of the longest run, and there the lower middle of the run.

    Args:
        metric: what the values are.
        values: float64 (T, S).
        demands: other metrics, float64 (T, S).
        at_least: what they have to reach.

    Raises:
        ValueError: no stop meets the demands, or the metric is undefined at every stop.

    Example:
        >>> choose("f1", torch.tensor([[0.5, 0.9, 0.9, 0.9], [0.5, 0.9, 0.5, 0.5]]), {}, {})
        (0, 2)
    """
    top = highest(metric, values, demands, at_least)
    runs = [longest_run(row) for row in top.tolist()]
    longest = max(run.length for run in runs)
    row = longest_run([run.length == longest for run in runs]).lower_middle
    return row, runs[row].lower_middle


def thresholds_of(score_threshold: float | Sequence[float], num_classes: int) -> torch.Tensor:
    """Return a score threshold for each class, float32 (C,).

    Raises:
        ValueError: not numbers in [0, 1], or another number of them than of classes.
    """
    try:
        given = np.asarray(score_threshold, dtype=np.float64)
    except Exception:  # whatever it is, it is no list of numbers
        given = np.full((), np.nan)
    if given.shape not in ((), (num_classes,)) or not ((given >= 0) & (given <= 1)).all():
        raise refusal(
            "score_threshold",
            expected=f"a number in [0, 1], or one for each of {num_classes} classes",
            got=describe(score_threshold),
            remedy="Pass one number to use it for every class.",
        )
    return torch.from_numpy(given).to(torch.float32).expand(num_classes)


def shown_at(
    tally: DetectionTally, kept: torch.Tensor, thresholds: torch.Tensor, max_det: int
) -> torch.Tensor:
    """Return which detections remain: kept by NMS, above their class's threshold, at most so many.

    Args:
        tally: of the images.
        kept: what NMS keeps, bool (N,).
        thresholds: float32 (C,).
        max_det: at most this many an image, those with the highest scores.

    Returns:
        bool (N,).
    """
    shown = kept & (tally.scores > thresholds[tally.labels])
    keep_first(shown, tally.images[:, 0], max_det)
    return shown


def count_at(
    tally: DetectionTally, decisions: Decisions, stop: int, shown: torch.Tensor, num_classes: int
) -> tuple[DetectionCounts, DetectionCounts]:
    """Return the counts of each class and of each image, as T = S = 1.

    Args:
        tally: of the images.
        decisions: of matching.
        stop: of the NMS dial.
        shown: which detections remain, bool (N,).
        num_classes: C.
    """
    _, true, ignored = decisions.at(stop)
    masks = (shown & true, shown & ~true & ~ignored)

    def by(groups: torch.Tensor, of_targets: torch.Tensor, number: int) -> DetectionCounts:
        tp, fp = (groups[mask].bincount(minlength=number)[:, None, None] for mask in masks)
        return DetectionCounts(tp, fp, of_targets[~tally.ignore].bincount(minlength=number))

    return (
        by(tally.labels, tally.target_labels, num_classes),
        by(tally.of_image, tally.of_target, tally.num_images),
    )


@dataclass(frozen=True)
class Confusion:
    """The cell of the confusion matrix in which each detection and each target is counted.

    Rows are the truth, columns what was found, the last of each (C) the background. First come the
    matches of equal class, so that the diagonal holds the true positives. Then, in score order,
    each false positive takes the best of the targets of other classes still free.

    Attributes:
        counted: which detections count: those that remain and took no ignored target, bool (N,).
        truth: the row of each detection, int64 (N,).
        found: the column of each detection, int64 (N,).
        target: the target that a detection is counted with, -1 for none, int64 (N,).
        missed: which targets no detection is counted with, bool (G,).
        missed_truth: the row of each target, int64 (G,).
        num_classes: C.
    """

    counted: torch.Tensor
    truth: torch.Tensor
    found: torch.Tensor
    target: torch.Tensor
    missed: torch.Tensor
    missed_truth: torch.Tensor
    num_classes: int

    def matrix(self) -> torch.Tensor:
        """Return the counts of all cells, int64 (C + 1, C + 1)."""
        size = self.num_classes + 1
        cells = torch.cat(
            [
                (self.truth * size + self.found)[self.counted],
                self.missed_truth[self.missed] * size + self.num_classes,
            ]
        )
        return cells.bincount(minlength=size**2).view(size, size)

    def cell(self, truth: int, found: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which detections and which missed targets a cell counts, bool (N,) and (G,).

        Args:
            truth: its row, or ANY.
            found: its column, or ANY.
        """
        detections = self.counted & are(self.truth, truth) & are(self.found, found)
        missed = self.missed & are(self.missed_truth, truth)
        return detections, missed & (found in (self.num_classes, ANY))


def confuse(
    tally: DetectionTally, shown: torch.Tensor, match_iou: float, num_classes: int
) -> Confusion:
    """Return where the detections that remain, and the targets they miss, are counted."""
    matched, taken = _match(tally, shown, match_iou, across=True)
    target = torch.full((len(shown),), -1)
    target[list(matched)] = torch.tensor(list(matched.values()), dtype=torch.int64)
    has_target = target >= 0
    truth = torch.full((len(shown),), num_classes)
    truth[has_target] = tally.target_labels[target[has_target]].long()
    dropped = torch.zeros_like(shown)
    dropped[has_target] = tally.ignore[target[has_target]]
    return Confusion(
        shown & ~dropped,
        truth,
        tally.labels.long(),
        target,
        _missed(tally, taken),
        tally.target_labels.long(),
        num_classes,
    )


def errors_at(
    tally: DetectionTally, shown: torch.Tensor, match_iou: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return which of the detections that remain are true and which ignored, and what is missed.

    Args:
        tally: of the images.
        shown: which detections remain, bool (N,).
        match_iou: the IoU that counts as found.

    Returns:
        bool (N,), true positives; bool (N,), those that took an ignored target; and bool (G,), the
        targets that none of them found.
    """
    matched, taken = _match(tally, shown, match_iou, across=False)
    detection, target = (
        torch.tensor(list(ends), dtype=torch.int64) for ends in (matched, matched.values())
    )
    found = torch.zeros(2, len(shown), dtype=torch.bool)
    found[tally.ignore[target].long(), detection] = True
    return found[0], found[1], _missed(tally, taken)


def _match(
    tally: DetectionTally, shown: torch.Tensor, match_iou: float, *, across: bool
) -> tuple[dict[int, int], set[int]]:
    """Match the detections that remain, of equal class first, then if wanted across classes.

    Returns:
        The target of each that has one, and the targets that are no longer free.
    """
    pairs = tally.pairs()
    own = tally.pairs_of_a_class(pairs)
    chosen = shown[pairs.detection] & (pairs.iou >= min(match_iou, ALMOST_ONE))
    matched: dict[int, int] = {}
    taken: set[int] = set()
    crowd = set(tally.crowd.nonzero().flatten().tolist())
    for of_class in (own, ~own)[: 1 + across]:
        now = chosen & of_class
        ends = zip(pairs.detection[now].tolist(), pairs.target[now].tolist(), strict=True)
        for detection, target in ends:
            if detection in matched or target in taken:
                continue
            matched[detection] = target
            if target not in crowd:
                taken.add(target)
    return matched, taken


def _missed(tally: DetectionTally, taken: set[int]) -> torch.Tensor:
    missed = ~tally.ignore
    missed[list(taken)] = False
    return missed
