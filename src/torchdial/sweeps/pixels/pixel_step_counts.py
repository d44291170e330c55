"""What is counted of each refresh of a segmentation preview, whether its frame is kept or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from torchdial.sweeps.metric_formulas import Average
from torchdial.sweeps.pixels.pixel_counts import Tally
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves


@dataclass(frozen=True)
class PixelStepCounts:
    """Counts of one step.

    Attributes:
        histogram: pixels of all images at each level, int64 (C, T + 1); for multiclass a last row
            is the maximum's.
        curves: counts against the targets, where there are any; pooled over images unless metrics
            are averaged over these.
        num_images: how many images were counted.
    """

    histogram: npt.NDArray[np.int64]
    curves: ThresholdCurves | None
    num_images: int

    @staticmethod
    def of(frame: SegmentationFrame, average: Average) -> PixelStepCounts:
        """Return what is counted of a frame."""
        curves = frame.curves
        if curves is not None:
            curves = _without_joint(curves) if average == "image" else curves.pooled()
        return PixelStepCounts(frame.histograms.sum(0), curves, len(frame.levels))

    @property
    def best_dice(self) -> float:
        """The micro Dice of all classes at its best stop, NaN without targets."""
        if self.curves is None:
            return float("nan")
        return float((self.curves.argmax or self.curves).dice().max())


def _without_joint(curves: ThresholdCurves) -> ThresholdCurves:
    """Return curves without the joint table, which no metric takes and which grows with C²."""
    argmax = None if curves.argmax is None else curves.argmax.counts
    tally = Tally(curves.counts, argmax)
    return ThresholdCurves.from_tally(
        tally, curves.task, curves.stops, curves.zero_division, curves.include_background
    )
