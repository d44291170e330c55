"""True and false positives at every position of the score dial and the NMS dial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from torchdial.inputs.stops import Stops
from torchdial.sweeps.boxes.bitsets import pack_bits, unpack_bits
from torchdial.sweeps.boxes.detection_tally import DetectionTally, keep_first
from torchdial.sweeps.boxes.matching import match_stops
from torchdial.sweeps.pixels.threshold_levels import levels_of


@dataclass(frozen=True)
class DetectionCounts:
    """Counts over (class, NMS stop, score stop).

    Attributes:
        tp: true positives, int64 (C, T, S).
        fp: false positives, int64 (C, T, S).
        positives: targets to be found, ignored ones left out, int64 (C,).
    """

    tp: torch.Tensor
    fp: torch.Tensor
    positives: torch.Tensor

    @property
    def fn(self) -> torch.Tensor:
        """Missed targets, int64 (C, T, S)."""
        return self.positives[:, None, None] - self.tp

    def pooled(self) -> DetectionCounts:
        """Return sums over the classes, as C = 1."""
        return DetectionCounts(
            *(t.sum(0, keepdim=True) for t in (self.tp, self.fp, self.positives))
        )

    def of_class(self, label: int) -> DetectionCounts:
        """Return the counts of one class, as C = 1."""
        return DetectionCounts(*(t[label : label + 1] for t in (self.tp, self.fp, self.positives)))

    def present(self) -> DetectionCounts:
        """Return the counts of the classes that have targets."""
        has = self.positives > 0
        return DetectionCounts(*(t[has] for t in (self.tp, self.fp, self.positives)))


@dataclass(frozen=True)
class Decisions:
    """What NMS and matching decide about each detection at each NMS stop, in packed bits.

    Attributes:
        kept: uint8 (N, ceil(T / 8)); kept and neither of the others is a false positive.
        true: true positives.
        ignored: detections that took an ignored target.
        num_stops: T.
    """

    kept: torch.Tensor
    true: torch.Tensor
    ignored: torch.Tensor
    num_stops: int

    def rows(self, chosen: slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return kept, true and ignored of some detections, bool (n, T)."""
        kept, true, ignored = (
            unpack_bits(bits[chosen], self.num_stops)
            for bits in (self.kept, self.true, self.ignored)
        )
        return kept, true, ignored

    def at(self, stop: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return kept, true and ignored at one stop, bool (N,)."""
        byte, bit = divmod(stop, 8)
        kept, true, ignored = (
            (bits[:, byte] >> bit & 1).bool() for bits in (self.kept, self.true, self.ignored)
        )
        return kept, true, ignored


def decide(tally: DetectionTally, num_stops: int, match_iou: float) -> Decisions:
    """Match the detections of all images, at every NMS stop."""
    pairs = tally.pairs()
    own = pairs.chosen(np.flatnonzero(tally.pairs_of_a_class(pairs).numpy()))
    true, ignored = match_stops(own, tally.kept, num_stops, tally.crowd, tally.ignore, match_iou)
    return Decisions(tally.kept, pack_bits(true), pack_bits(ignored), num_stops)


def count_all(
    tally: DetectionTally, decisions: Decisions, scores: Stops, num_classes: int, max_det: int
) -> DetectionCounts:
    """Return the counts of all images together.

    At most `max_det` detections of an image count, those with the highest scores of what NMS
    keeps; a score threshold takes away the lowest, so it changes nothing about this.
    """
    bins = len(scores) + 1
    cell = tally.labels * bins + levels_of(tally.scores, scores)
    shape = (num_classes * bins, decisions.num_stops)
    true, false = (torch.zeros(shape, dtype=torch.int64) for _ in range(2))
    for rows, tp, fp in _images(tally, decisions, max_det):
        true.index_add_(0, cell[rows], tp)
        false.index_add_(0, cell[rows], fp)
    table = (num_classes, bins, decisions.num_stops)
    tp, fp = (_above(histogram.view(table)) for histogram in (true, false))
    return DetectionCounts(tp, fp, _positives(tally.target_labels, tally.ignore, num_classes))


def count_images(
    tally: DetectionTally, decisions: Decisions, scores: Stops, max_det: int
) -> Iterator[DetectionCounts]:
    """Yield the counts of each image, pooled over its classes, as C = 1."""
    level = levels_of(tally.scores, scores).to(torch.int32)
    wanted = torch.split(~tally.ignore, tally.images[:, 1].tolist())
    images = _images(tally, decisions, max_det)
    for (rows, *masks), targets in zip(images, wanted, strict=True):
        histograms = torch.zeros(2, len(scores) + 1, decisions.num_stops, dtype=torch.int64)
        for histogram, mask in zip(histograms, masks, strict=True):
            histogram.index_add_(0, level[rows], mask)
        above = _above(histograms)
        yield DetectionCounts(above[:1], above[1:], targets.sum()[None])


def _images(
    tally: DetectionTally, decisions: Decisions, max_det: int
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """Yield each image's detections, and where they are true and false, int64 (n, T)."""
    sizes = tally.images[:, 0]
    for size, end in zip(sizes.tolist(), sizes.cumsum(0).tolist(), strict=True):
        rows = slice(end - size, end)
        kept, true, ignored = decisions.rows(rows)
        keep_first(kept, torch.tensor([size]), max_det)
        yield rows, (kept & true).long(), (kept & ~true & ~ignored).long()


def _positives(labels: torch.Tensor, ignore: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Return how many targets of each class are to be found, int64 (C,)."""
    return labels[~ignore].bincount(minlength=num_classes)


def _above(histogram: torch.Tensor) -> torch.Tensor:
    """Return how many lie above each score stop: from (C, S + 1, T) levels to (C, T, S)."""
    above = histogram.flip(1).cumsum(1).flip(1)[:, 1:]
    return above.transpose(1, 2).contiguous()
