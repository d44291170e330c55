"""COCO's average precision at every stop of the NMS dial.

All candidates that NMS keeps at the stop take part, the 100 best of each class and image;
precision is made to fall, read at the recalls 0.00, 0.01 … 1.00, and averaged. The score dial does
not enter: AP already runs over all scores. It is computed in numpy on one core: of torch's threads
each waits for the others at every small step, which on a busy machine takes many times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.errors import refusal
from torchdial.sweeps.boxes.bitsets import Variants, pack_bits, rows_as_words, unpack_bits
from torchdial.sweeps.boxes.detection_tally import DetectionTally, keep_first
from torchdial.sweeps.boxes.matching import Pairs, take_targets

# As COCO computes them: 0.9 comes out a last bit lower.
MATCH_IOUS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
EPS = float(np.spacing(1))  # in COCO's denominator
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {  # in pixels², both ends included
    "all": (0.0, 1e5**2),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}
MAX_DETECTIONS = 100  # of a class in an image

Table = npt.NDArray[Any]


def average_precision(
    tally: DetectionTally,
    num_classes: int,
    num_stops: int,
    match_ious: Sequence[float] = MATCH_IOUS,
    areas: Sequence[tuple[float, float]] = tuple(AREAS.values()),
) -> torch.Tensor:
    """Return the AP of every match IoU, area range, class and NMS stop.

    Args:
        tally: of the images.
        num_classes: C.
        num_stops: T.
        match_ious: M increasing numbers of at least 0.5, or of the sweep's own match IoU.
        areas: A ranges of the area in pixels².

    Returns:
        float64 (M, A, C, T); NaN where no target of the class is in the range.

    Example:
        >>> from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
        >>> sweep, box = DetectionSweep(num_classes=2), torch.tensor([[0.0, 0.0, 9.0, 9.0]])
        >>> found = {"boxes": box, "scores": torch.tensor([0.9]), "labels": torch.tensor([1])}
        >>> sweep.update([found], [{"boxes": box, "labels": torch.tensor([1])}])
        >>> average_precision(sweep.tally(), 2, 101).shape
        torch.Size([10, 4, 2, 101])
    """
    variants = Variants(num_stops, match_ious, areas)
    result = torch.full((len(match_ious), len(areas), num_classes, num_stops), torch.nan)
    result = result.to(torch.float64)
    pairs = tally.pairs()
    labels = np.where(
        tally.pairs_of_a_class(pairs).numpy(), tally.labels[pairs.detection].numpy(), -1
    )
    for label in np.unique(tally.target_labels.numpy()).tolist():
        own = pairs.chosen(np.flatnonzero(labels == label))
        result[:, :, label] = torch.from_numpy(_of_class(tally, label, own, variants))
    return result


def check_area(area: str) -> None:
    """Raise ValueError for a name that is not in `AREAS`."""
    if area not in AREAS:
        raise refusal(
            "area", expected=" | ".join(AREAS), got=repr(area), remedy="These are COCO's ranges."
        )


def select(
    table: torch.Tensor, match_ious: Sequence[float], match_iou: float | None
) -> torch.Tensor:
    """Return the AP of a match IoU, or the mean over COCO's, float64 (C, T).

    Args:
        table: of one area range, float64 (M, C, T).
        match_ious: those of the table.
        match_iou: one of them, or None for the mean over `MATCH_IOUS`.

    Raises:
        ValueError: the table has no such match IoU.
    """
    if match_iou is None:
        return table[[list(match_ious).index(known) for known in MATCH_IOUS]].mean(0)
    near = [i for i, known in enumerate(match_ious) if abs(known - match_iou) < 1e-9]
    if not near:
        raise refusal(
            "match_iou",
            expected=" | ".join(f"{known:.4g}" for known in match_ious),
            got=repr(match_iou),
            remedy="For another one make the sweep with it.",
        )
    return table[near[0]]


def _of_class(tally: DetectionTally, label: int, pairs: Pairs, variants: Variants) -> Table:
    """Return the AP of one class, float64 (M, A, T)."""
    positives = _positives(tally, label, variants)
    chosen = np.flatnonzero(tally.labels.numpy() == label)
    kept = unpack_bits(torch.from_numpy(tally.kept.numpy()[chosen]), variants.num_stops)
    in_image = np.bincount(tally.of_image.numpy()[chosen])
    keep_first(kept, torch.from_numpy(in_image), MAX_DETECTIONS)
    outcome = _match(tally, pairs, chosen, kept, variants)
    by_score = np.argsort(-tally.scores.numpy()[chosen], kind="stable")
    in_order = chosen[by_score]
    rows, true, ignored = _in_score_order(outcome, in_order, variants)
    inside = _inside(tally.areas.numpy()[in_order], variants)

    # Without its pairs a detection counts if it is kept and its area in range. Counted up over
    # all of them once; what matching changes is then added for those with pairs alone.
    unmatched = kept.numpy()[by_score].T & inside[:, None]
    unmatched = unmatched.reshape(len(inside) * variants.num_stops, len(chosen))
    before = unmatched.cumsum(1, dtype=np.int32)[:, rows]
    alone = unmatched[:, rows]
    result = []
    for hit, out in zip(true, ignored, strict=True):
        change = ((alone | hit) & ~out).astype(np.int8) - alone.astype(np.int8)
        counted = before + change.cumsum(1, dtype=np.int32)
        result.append(_interpolated(hit, counted, positives))
    return np.stack(result)


def _positives(tally: DetectionTally, label: int, variants: Variants) -> Table:
    """Return how many targets of a class are to be found in each area range, int64 (A,)."""
    wanted = ((tally.target_labels == label) & ~tally.ignore).numpy()
    counts: Table = _inside(tally.target_areas.numpy()[wanted], variants).sum(1)
    return counts


def _inside(areas: Table, variants: Variants) -> Table:
    """Return whether areas (N,) lie in the ranges, bool (A, N)."""
    low, high = np.asarray(variants.areas)[:, :, None].transpose(1, 0, 2)
    inside: Table = (areas >= low) & (areas <= high)
    return inside


def _match(
    tally: DetectionTally,
    pairs: Pairs,
    chosen: Table,
    kept: torch.Tensor,
    variants: Variants,
) -> dict[int, tuple[int, int]]:
    """Match one class; see `take_targets`."""
    position = np.searchsorted(chosen, pairs.detection.numpy())
    words = rows_as_words(pack_bits(kept), torch.from_numpy(position))
    first, target = np.unique(pairs.target.numpy(), return_inverse=True)
    outside = variants.outside(torch.from_numpy(tally.target_areas.numpy()[first]))
    ignored = [
        variants.everywhere if is_ignored else word
        for is_ignored, word in zip(tally.ignore.numpy()[first], outside, strict=True)
    ]
    detections = chosen.tolist()
    return take_targets(
        zip(pairs.detection.tolist(), target.tolist(), variants.reach(pairs.iou), strict=True),
        {detections[i]: variants.spread(word) for i, word in words.items()},
        ignored,
        tally.crowd.numpy()[first].tolist(),
    )


def _in_score_order(
    outcome: dict[int, tuple[int, int]], by_score: Table, variants: Variants
) -> tuple[Table, Table, Table]:
    """Return places in the score order, and where true and where ignored, bool (M, A * T, P)."""
    place = {d: i for i, d in enumerate(by_score.tolist())}
    ordered = sorted((place[d], *words) for d, words in outcome.items())
    rows = np.array([row for row, _, _ in ordered], dtype=np.int64)
    true, ignored = (
        np.ascontiguousarray(
            variants.unpack(words[i] for words in ordered).flatten(2).numpy().transpose(1, 2, 0)
        )
        for i in (1, 2)
    )
    return rows, true, ignored


def _interpolated(true: Table, counted: Table, positives: Table) -> Table:
    """Return the mean of the precision at the 101 recalls.

    Args:
        true: whether a detection is a true positive, in score order, bool (A * T, P).
        counted: true and false positives up to it, int32 (A * T, P).
        positives: targets to be found, int64 (A,).

    Returns:
        float64 (A, T).
    """
    number = true.cumsum(1, dtype=np.int32)  # the how manieth true positive it is
    most = int(number[:, -1].max()) if number.size else 0
    row, detection = true.nonzero()
    n = number[row, detection]
    precision = np.zeros((len(true), most + 1))
    precision[row, n - 1] = n / (counted[row, detection] + EPS)
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    each = []
    for curve, count in zip(falling.reshape(len(positives), -1, most + 1), positives, strict=True):
        reached = np.searchsorted(np.arange(1, most + 1) / max(count, 1), RECALLS)
        each.append(curve[:, reached].mean(1) if count else np.full(len(curve), np.nan))
    return np.stack(each)
