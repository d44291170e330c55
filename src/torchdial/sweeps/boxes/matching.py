"""COCO's greedy matching of detections and targets, at every stop of the NMS dial in one pass.

In score order each detection takes the best free target of its class with IoU ≥ `match_iou`, of
equal IoUs the later one; if there is none, the best ignored target (a crowd, which any number may
take, or one whose area is out of range), and then the detection is ignored too. Whether a target
is free depends on higher scores alone, so nothing changes when lower scores are cut off.

It also differs from stop to stop only in which detections are there. So a word with a bit for each
stop stands for each detection (kept?) and each target (taken?), and one walk over the pairs that
overlap decides all stops; equal columns cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.sweeps.boxes.bitsets import Variants, rows_as_words

_BLOCK = 1 << 22  # IoUs computed at a time


@dataclass(frozen=True)
class Pairs:
    """Detections and targets that overlap enough to match, in the order they may.

    By detection; for each, ignored targets last, then descending IoU, then later targets first.

    Attributes:
        detection: index of the detection, int64 (P,).
        target: index of the target, int64 (P,).
        iou: float64 (P,); over the detection's area where the target is a crowd.
    """

    detection: torch.Tensor
    target: torch.Tensor
    iou: torch.Tensor

    def chosen(self, places: npt.NDArray[np.int64]) -> Pairs:
        """Return some of them, in order."""
        columns = (column.numpy()[places] for column in (self.detection, self.target, self.iou))
        return Pairs(*map(torch.from_numpy, columns))


def find_pairs(boxes: torch.Tensor, target: Annotations, least: torch.Tensor) -> Pairs:
    """Return the pairs of one image with IoU of at least `least`.

    Args:
        boxes: detections in descending score, xyxy (N, 4).
        target: the targets of the image.
        least: float64, broadcasting to (N, G); more than 0.

    Example:
        >>> from torchdial.inputs.boxes.detection_targets import to_annotations
        >>> box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
        >>> (target,) = to_annotations({"boxes": box / 2, "labels": [1]})
        >>> find_pairs(box, target, torch.tensor(0.1)).iou
        tensor([0.2500], dtype=torch.float64)
    """
    least = least.expand(len(boxes), len(target))
    rows = max(1, _BLOCK // max(1, len(target)))
    found, overlap = [np.empty((2, 0), np.int64)], [np.empty(0)]
    for start in range(0, len(boxes), rows):
        iou = coco_iou(to_xywh(boxes[start : start + rows]), target.xywh, target.iscrowd)
        enough = (iou >= least[start : start + rows]).numpy().nonzero()
        found.append(np.stack(enough) + np.array([[start], [0]]))
        overlap.append(iou.numpy()[enough])
    (detection, place), values = np.concatenate(found, axis=1), np.concatenate(overlap)
    order = np.lexsort((-place, -values, target.ignore.numpy()[place], detection))
    columns = (torch.from_numpy(column[order]) for column in (detection, place, values))
    return Pairs(*columns)


def coco_iou(boxes: torch.Tensor, targets: torch.Tensor, crowd: torch.Tensor) -> torch.Tensor:
    """Return IoU as pycocotools rounds it, float64 (N, G), of float64 xywh (N, 4) and (G, 4)."""
    x, y, w, h = boxes.T[:, :, None]
    gx, gy, gw, gh = targets.T
    width = torch.minimum(w + x, gw + gx) - torch.maximum(x, gx)
    height = torch.minimum(h + y, gh + gy) - torch.maximum(y, gy)
    common = width * height
    union = torch.where(crowd, w * h, w * h + gw * gh - common)
    return torch.where((width > 0) & (height > 0), common / union, 0.0)


def to_xywh(boxes: torch.Tensor) -> torch.Tensor:
    """Return xyxy boxes (N, 4) as x, y, width and height in float64, (N, 4)."""
    corners = boxes.to(torch.float64)
    return torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], dim=1)


def take_targets(
    pairs: Iterable[tuple[int, int, int]],
    kept: Mapping[int, int],
    ignored: Sequence[int],
    crowd: Sequence[bool],
) -> dict[int, tuple[int, int]]:
    """Match greedily.

    Args:
        pairs: (detection, target, bits of the match IoUs that their IoU reaches), in the order of
            `Pairs`, of one class; of any number of images if indices do not repeat.
        kept: for each detection, the variants it is kept in.
        ignored: for each target, the variants it is ignored in.
        crowd: whether a target is a crowd.

    Returns:
        For each detection, the variants where it took a target, and where it took an ignored one.
    """
    taken = [0] * len(crowd)
    outcome = {}
    for detection, group in groupby(pairs, key=itemgetter(0)):
        candidates = [(target, reach) for _, target, reach in group]
        alone, true, dropped = kept[detection], 0, 0
        for target, reach in candidates:
            hit = alone & reach & ~(taken[target] | ignored[target])
            taken[target] |= hit
            true |= hit
            alone ^= hit
        for target, reach in candidates:
            hit = alone & reach & ignored[target]
            if not crowd[target]:
                hit &= ~taken[target]
                taken[target] |= hit
            dropped |= hit
            alone ^= hit
        outcome[detection] = (true, dropped)
    return outcome


def match_stops(
    pairs: Pairs,
    kept: torch.Tensor,
    num_stops: int,
    crowd: torch.Tensor,
    ignore: torch.Tensor,
    match_iou: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where detections are true positives and where ignored, bool (N, T) each.

    Args:
        pairs: of equal class, of any number of images if each has indices of its own.
        kept: packed words, uint8 (N, ceil(T / 8)).
        num_stops: T.
        crowd: whether a target is a crowd, bool (G,).
        ignore: whether a target counts neither as found nor as missed, bool (G,).
        match_iou: the IoU that counts as found.
    """
    one = Variants(num_stops, [match_iou])
    outcome = take_targets(
        zip(pairs.detection.tolist(), pairs.target.tolist(), one.reach(pairs.iou), strict=True),
        rows_as_words(kept, pairs.detection),
        [one.everywhere * is_ignored for is_ignored in ignore.tolist()],
        crowd.tolist(),
    )
    result = torch.zeros(2, len(kept), num_stops, dtype=torch.bool)
    rows = torch.tensor(list(outcome), dtype=torch.int64)
    for i in range(2):
        result[i, rows] = one.unpack(words[i] for words in outcome.values())[:, 0, 0]
    return result[0], result[1]
