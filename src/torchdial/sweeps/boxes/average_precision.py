"""COCO's average precision at every stop of the NMS dial.

All candidates that NMS keeps at the stop take part, the 100 best of each class and image;
precision is made to fall, read at the recalls 0.00, 0.01 … 1.00, and averaged. The score dial does
not enter: AP already runs over all scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from torchdial.inputs.errors import refusal
from torchdial.sweeps.boxes.bitsets import Variants, pack_bits, rows_as_words, unpack_bits
from torchdial.sweeps.boxes.detection_tally import DetectionTally, keep_first
from torchdial.sweeps.boxes.matching import Pairs, take_targets

# As COCO computes them: 0.9 comes out a last bit lower.
MATCH_IOUS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
EPS = float(np.spacing(1))  # in COCO's denominator
RECALLS = torch.from_numpy(np.linspace(0.0, 1.0, 101))
AREAS = {  # in pixels², both ends included
    "all": (0.0, 1e5**2),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}
MAX_DETECTIONS = 100  # of a class in an image


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
        >>> sweep, box = DetectionSweep(2), torch.tensor([[0.0, 0.0, 9.0, 9.0]])
        >>> found = {"boxes": box, "scores": torch.tensor([0.9]), "labels": torch.tensor([1])}
        >>> sweep.update([found], [{"boxes": box, "labels": torch.tensor([1])}])
        >>> average_precision(sweep.tally(), 2, 101).shape
        torch.Size([10, 4, 2, 101])
    """
    variants = Variants(num_stops, match_ious, areas)
    result = torch.full((len(match_ious), len(areas), num_classes, num_stops), torch.nan)
    result = result.to(torch.float64)
    pairs = tally.pairs()
    same = tally.pairs_of_a_class(pairs)
    for label in torch.unique(tally.target_labels).tolist():
        chosen = same & (tally.labels[pairs.detection] == label)
        own = Pairs(pairs.detection[chosen], pairs.target[chosen], pairs.iou[chosen])
        result[:, :, label] = _of_class(tally, label, own, variants)
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


def _of_class(tally: DetectionTally, label: int, pairs: Pairs, variants: Variants) -> torch.Tensor:
    """Return the AP of one class, float64 (M, A, T)."""
    positives = _positives(tally, label, variants)
    chosen = (tally.labels == label).nonzero().flatten()
    kept = unpack_bits(tally.kept[chosen], variants.num_stops)
    keep_first(kept, tally.of_image[chosen].bincount(), MAX_DETECTIONS)
    by_score = torch.sort(tally.scores[chosen], descending=True, stable=True).indices
    outcome = _match(tally, pairs, chosen, kept, variants)
    rows, true, ignored = _in_score_order(outcome, chosen[by_score], variants)
    inside = _inside(tally.areas[chosen[by_score]], variants)

    # Without its pairs a detection counts if it is kept and its area in range. Counted up over
    # all of them once; what matching changes is then added for those with pairs alone.
    kept = kept[by_score].T.contiguous()
    unmatched = (kept & inside.T[:, None]).flatten(0, 1)  # (A * T, N)
    before, alone = unmatched.cumsum(1, dtype=torch.int32)[:, rows], unmatched[:, rows]
    result = []
    for hit, out in zip(true, ignored, strict=True):
        change = ((alone | hit) & ~out).to(torch.int8) - alone.to(torch.int8)
        counted = before + change.cumsum(1, dtype=torch.int32)
        result.append(_interpolated(hit, counted, positives))
    return torch.stack(result)


def _positives(tally: DetectionTally, label: int, variants: Variants) -> torch.Tensor:
    """Return how many targets of a class are to be found in each area range, int64 (A,)."""
    wanted = (tally.target_labels == label) & ~tally.ignore
    return _inside(tally.target_areas[wanted], variants).sum(0)


def _inside(areas: torch.Tensor, variants: Variants) -> torch.Tensor:
    """Return whether areas (N,) lie in the ranges, bool (N, A)."""
    low, high = torch.tensor(variants.areas, dtype=torch.float64).unbind(1)
    return (areas[:, None] >= low) & (areas[:, None] <= high)


def _match(
    tally: DetectionTally,
    pairs: Pairs,
    chosen: torch.Tensor,
    kept: torch.Tensor,
    variants: Variants,
) -> dict[int, tuple[int, int]]:
    """Match one class; see `take_targets`."""
    position = torch.searchsorted(chosen, pairs.detection)
    words = rows_as_words(pack_bits(kept), position)
    first, target = torch.unique(pairs.target, return_inverse=True)
    outside = variants.outside(tally.target_areas[first])
    ignored = [
        variants.everywhere if is_ignored else word
        for is_ignored, word in zip(tally.ignore[first].tolist(), outside, strict=True)
    ]
    return take_targets(
        zip(pairs.detection.tolist(), target.tolist(), variants.reach(pairs.iou), strict=True),
        {int(chosen[i]): variants.spread(word) for i, word in words.items()},
        ignored,
        tally.crowd[first].tolist(),
    )


def _in_score_order(
    outcome: dict[int, tuple[int, int]], by_score: torch.Tensor, variants: Variants
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return places in the score order, and where true and where ignored, bool (M, A * T, P)."""
    place = {d: i for i, d in enumerate(by_score.tolist())}
    ordered = sorted((place[d], *words) for d, words in outcome.items())
    rows = torch.tensor([row for row, _, _ in ordered], dtype=torch.int64)
    true, ignored = (
        variants.unpack(words[i] for words in ordered).flatten(2).permute(1, 2, 0).contiguous()
        for i in (1, 2)
    )
    return rows, true, ignored


def _interpolated(
    true: torch.Tensor, counted: torch.Tensor, positives: torch.Tensor
) -> torch.Tensor:
    """Return the mean of the precision at the 101 recalls.

    Args:
        true: whether a detection is a true positive, in score order, bool (A * T, P).
        counted: true and false positives up to it, int32 (A * T, P).
        positives: targets to be found, int64 (A,).

    Returns:
        float64 (A, T).
    """
    number = true.cumsum(1, dtype=torch.int32)  # the how manieth true positive it is
    most = int(number[:, -1].max()) if number.numel() else 0
    row, detection = true.nonzero(as_tuple=True)
    n = number[row, detection]
    precision = torch.zeros(len(true), most + 1, dtype=torch.float64)
    among = counted[row, detection].to(torch.float64)
    precision[row, n.long() - 1] = n / (among + EPS)
    falling = precision.flip(1).cummax(1).values.flip(1).view(len(positives), -1, most + 1)
    recall = torch.arange(1, most + 1) / positives[:, None].to(torch.float64)
    reached = torch.searchsorted(recall, RECALLS.expand(len(positives), -1).contiguous())
    ap = torch.stack([falling[a][:, reached[a]].mean(1) for a in range(len(positives))])
    return ap.masked_fill(positives[:, None] == 0, torch.nan)
