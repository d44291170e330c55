"""Greedy NMS at every stop of the IoU dial, in one pass.

Each box has a word of bits, as many uint64 as it takes, and bit k says "kept at stop k". Of two
boxes the one with the higher score takes from the other the bits of the stops below their IoU, as
far as it is itself kept there: `alive[j] &= ~(alive[i] & low_bits(L))` with L stops below the IoU.

Boxes are decided in blocks, in the order of their scores: the words of a block are computed anew
from those of all boxes before and within it, until they no longer change. As a box depends on
earlier ones alone, a state that no longer changes is the one that greedy NMS reaches box by box;
it takes a few rounds, and never more than the block has boxes and one.

A comparison of corners, one byte a pair, finds the pairs that overlap; an IoU is computed for these
alone, and words change for those of them that matter at some stop. Memory is bounded by
`PAIRS_A_BLOCK`. It runs in numpy on one core, wherever the boxes are: 28 bytes a box are copied to
the host at once, and T back. torch has no "or" along a dimension, and its threads slow each other
down on a busy machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.boxes.boxes import Boxes, device_of, to_boxes
from torchdial.inputs.stops import Stops, to_stops

BOXES_A_BLOCK = 128  # boxes decided in one go, fewer where that makes …
PAIRS_A_BLOCK = 2**20  # … more pairs of boxes than this
BITS_A_WORD = 64


@renamed_arguments(iou_thresholds="nms_ious")
def nms_sweep(
    boxes: Any,
    scores: Any,
    labels: Any = None,
    *,
    nms_ious: int | Sequence[float] | torch.Tensor | Stops = 101,
    class_agnostic: bool = False,
) -> torch.Tensor:
    """Return which boxes greedy NMS keeps, at every stop of the IoU dial.

    In descending score, ties in the order given, a box is kept unless a box kept before it
    overlaps it with an IoU above the stop; per class, on the boxes as they are. The IoU is
    computed in float32 and compared with the stop in float64, on every device: the rule of
    `torchvision.ops.nms` on the CPU for float32 boxes. (torchvision's CUDA kernel compares in
    float32, so an IoU exactly on a stop may be decided differently there.) A stop given as
    float32 counts at its exact value: float32's 0.3 is 0.300000012.

    A box may be kept, suppressed and kept again along the dial, where the box that suppresses it
    is itself suppressed at some stops.

    Args:
        boxes: (N, 4) corners x1, y1, x2, y2, in pixels or any other unit.
        scores: (N,) floating-point numbers in [0, 1].
        labels: (N,) whole numbers; None makes all boxes one class.
        nms_ious: a count T of evenly spaced stops over [0, 1], or at most 255 increasing
            ones.
        class_agnostic: whether boxes of different classes suppress each other.

    Returns:
        bool (N, T), in the order and on the device of `boxes`.

    Raises:
        ValueError: boxes, scores or labels that `to_boxes` refuses, or stops that are not
            increasing.

    Example:
        >>> boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 6]])
        >>> nms_sweep(boxes, torch.tensor([0.9, 0.8, 0.7]), nms_ious=[0.5, 0.7, 0.9])
        tensor([[ True,  True,  True],
                [False, False,  True],
                [False,  True,  True]])
    """
    found = to_boxes(boxes, scores, labels, absolute=False)
    stops = to_stops(nms_ious, name="nms_ious")
    kept = kept_at(found, stops, class_agnostic=class_agnostic)
    return kept.to(device_of(boxes))


def kept_at(found: Boxes, stops: Stops, *, class_agnostic: bool) -> torch.Tensor:
    """Return bool (N, T): what greedy NMS keeps of canonical boxes at each stop."""
    boxes, scores, labels = (part.numpy() for part in found)
    if class_agnostic:
        labels = np.zeros_like(labels)
    order = np.lexsort((-scores, labels))  # stable
    kept = np.empty((len(order), len(stops)), dtype=bool)
    with np.errstate(all="ignore"):  # areas may overflow, and 0 / 0 is wanted
        kept[order] = _sweep(_Sorted.of(boxes[order], labels[order]), stops)
    return torch.from_numpy(kept)


@dataclass(frozen=True)
class _Sorted:
    """Boxes sorted by class, then by descending score.

    Attributes:
        corners: float32 (5, N), rows x1, y1, x2, y2 and the area.
        cores: float32 (4, N), corners of the part of a box that another one has to reach into, from
            either side, to be suppressed by it; the whole box until it is decided.
        labels: int64 (N,).
    """

    corners: np.ndarray
    cores: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, boxes: np.ndarray, labels: np.ndarray) -> _Sorted:
        x1, y1, x2, y2 = boxes.T
        corners = np.stack([x1, y1, x2, y2, (x2 - x1) * (y2 - y1)])
        return cls(corners, corners[:4].copy(), labels)

    def __len__(self) -> int:
        return len(self.labels)

    def reaching(self, block: slice, begin: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which boxes of a block reach into which earlier ones of their class, from `begin`.

        Returns:
            int64 (P,) indices of the later boxes, in order, and of the earlier ones.
        """
        x1, y1, x2, y2, _ = self.corners[:, block, None]
        cores = self.cores[:, begin : block.stop]
        reach = cores[0] < x2
        reach &= cores[2] > x1
        reach &= cores[1] < y2
        reach &= cores[3] > y1
        j, i = np.divmod(np.flatnonzero(reach), reach.shape[1])
        j, i = j + block.start, i + begin
        valid = (i < j) & (self.labels[i] == self.labels[j])
        return j[valid], i[valid]

    def shrink_cores(self, block: slice, lowest: np.ndarray) -> None:
        """Leave of boxes what matters to those that suppress only IoUs above `lowest`.

        An IoU above t takes an overlap of more than t times the width and t times the height. This
        is on the safe side of all roundings, and leaves boxes alone whose area may have lost digits
        to underflow.
        """
        start, end = self.corners[:2, block].astype(float), self.corners[2:4, block].astype(float)
        margin = (end - start) * lowest * (1 - 1e-5) * (self.corners[4, block] * lowest > 1e-30)
        self.cores[:2, block] = np.nextafter((start + margin).astype(np.float32), -np.inf)
        self.cores[2:, block] = np.nextafter((end - margin).astype(np.float32), np.inf)

    def iou(self, j: np.ndarray, i: np.ndarray) -> np.ndarray:
        """Return float32 IoUs of pairs, step by step as torchvision's CPU kernel rounds them."""
        a, b = self.corners.take(j, axis=1), self.corners.take(i, axis=1)
        inter = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
        inter *= np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
        ratio: np.ndarray = inter / (a[4] + b[4] - inter)
        return ratio


def _sweep(boxes: _Sorted, stops: Stops) -> np.ndarray:
    """Return bool (N, T): what is kept of sorted boxes."""
    table = np.asarray(stops.values)  # float64, as torchvision's CPU kernel compares
    num_words = len(stops) // BITS_A_WORD + 1
    low_bits = _pack(np.tri(len(stops) + 1, num_words * BITS_A_WORD, -1, dtype=bool))
    alive = np.full((num_words, len(boxes)), ~np.uint64(0))
    kept = np.empty((len(boxes), num_words * BITS_A_WORD), dtype=bool)
    lowest = np.full(len(boxes), table[0])  # the first stop at which a box is, or may be, kept
    after_last = np.append(table, np.inf)
    step = max(1, min(BOXES_A_BLOCK, PAIRS_A_BLOCK // max(len(boxes), 1)))
    class_begins = np.searchsorted(boxes.labels, boxes.labels)
    for start in range(0, len(boxes), step):
        block = slice(start, min(start + step, len(boxes)))
        j, i = boxes.reaching(block, int(class_begins[start]))
        iou = boxes.iou(j, i)
        matters = iou > lowest[i]  # not for NaN; in a crowd for one pair in ten
        levels = np.searchsorted(table, iou[matters])
        _settle(alive, j[matters], i[matters], low_bits[:, levels])
        kept[block] = _unpack(alive[:, block])
        lowest[block] = after_last[kept[block, : len(after_last)].argmax(axis=1)]
        boxes.shrink_cores(block, lowest[block])
    return kept[:, : len(stops)]


def _settle(alive: np.ndarray, j: np.ndarray, i: np.ndarray, bits: np.ndarray) -> None:
    """Compute the words of boxes j from those of boxes i until they no longer change.

    Args:
        alive: uint64 (num_words, N), changed in place.
        j: int64 (P,) indices of the boxes that may be suppressed, in order.
        i: int64 (P,) indices of the boxes that suppress them.
        bits: uint64 (num_words, P), the stops at which they do.
    """
    if len(j) == 0:
        return
    starts = np.flatnonzero(np.diff(j, prepend=-1))
    losers = j[starts]
    while True:
        after = ~np.bitwise_or.reduceat(alive[:, i] & bits, starts, axis=1)
        if np.array_equal(after, alive[:, losers]):
            return
        alive[:, losers] = after


def _pack(bits: np.ndarray) -> np.ndarray:
    """Return bool (N, num_words * 64) as words, uint64 (num_words, N)."""
    words: np.ndarray = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    return np.ascontiguousarray(words.T)


def _unpack(words: np.ndarray) -> np.ndarray:
    """Return what `_pack` was given."""
    packed = np.ascontiguousarray(words.T).view(np.uint8)
    return np.unpackbits(packed, axis=1, bitorder="little").view(bool)
