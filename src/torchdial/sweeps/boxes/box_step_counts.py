"""What is counted of each refresh of a detection preview, whether its frame is kept or not."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from torchdial.sweeps.boxes.detection_counts import DetectionCounts
from torchdial.sweeps.boxes.detection_curves import BestPoint, DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.boxes.detection_setting import choose
from torchdial.sweeps.boxes.detection_settings import (
    METRICS,
    DetectionMetric,
    DetectionSettings,
    evaluate,
)
from torchdial.sweeps.metric_formulas import Average, to_demands


@dataclass(frozen=True)
class BoxStepCounts:
    """Counts of one step at all stops of both dials, as the `max_det` at that time has them.

    Neighbouring stops hardly differ, so that zlib makes them a fiftieth.

    Attributes:
        labels: those of the C classes.
        tp: true positives of each class, uint32 (C, T, S), compressed.
        fp: other boxes that are kept, likewise; all of them without targets.
        positives: targets of each class, int64 (C,).
        overall: unless it follows from pooled counts ("micro"), each metric of all classes,
            averaged, float64 (T, S), compressed.
        settings: how it was counted.
        best_f1: the micro F1 at its best point, NaN without targets.
    """

    labels: tuple[int, ...]
    tp: bytes
    fp: bytes
    positives: torch.Tensor
    overall: Mapping[str, bytes]
    settings: DetectionSettings
    best_f1: float

    @staticmethod
    def of(
        frame: DetectionFrame, labels: Sequence[int], max_det: int, average: Average
    ) -> BoxStepCounts:
        """Return what is counted of a frame."""
        curves = (frame.curves or DetectionCurves(frame.tally, frame.settings)).capped(
            min(max_det, max(len(frame.boxes), 1))
        )
        counts = curves.counts
        overall: dict[str, bytes] = {}
        best = float("nan")
        if frame.has_targets:
            best = float(curves.f1().nan_to_num(-1).max())
            if average != "micro":
                overall = {name: _squeezed(curves.metric(name, average), "<f8") for name in METRICS}
        chosen = torch.tensor(labels)
        return BoxStepCounts(
            tuple(labels),
            _squeezed(counts.tp[chosen], "<u4"),
            _squeezed(counts.fp[chosen], "<u4"),
            counts.positives[chosen],
            overall,
            curves.settings,
            best if best >= 0 else float("nan"),
        )

    def metric(self, name: DetectionMetric, label: int | None = None) -> torch.Tensor:
        """Return a metric of all classes, as it is averaged, or of one label, float64 (T, S)."""
        if label is None and name in self.overall:
            size = (len(self.settings.nms), len(self.settings.scores))
            values = np.frombuffer(zlib.decompress(self.overall[name]), "<f8")
            return torch.from_numpy(values.copy()).view(size)
        tp, fp = (torch.from_numpy(self.boxes(which).astype(np.int64)) for which in "tf")
        counts = DetectionCounts(tp, fp, self.positives)
        one = counts.pooled() if label is None else counts.of_class(self.labels.index(label))
        return evaluate(name, one, self.settings.zero_division)[0]

    def boxes(self, which: str) -> npt.NDArray[np.uint32]:
        """Return true ("t") or false ("f") positives, uint32 (C, T, S)."""
        size = (-1, len(self.settings.nms), len(self.settings.scores))
        packed = self.tp if which == "t" else self.fp
        return np.frombuffer(zlib.decompress(packed), "<u4").reshape(size)

    def best(
        self,
        metric: DetectionMetric,
        at_least: Mapping[DetectionMetric, float] | None,
        label: int | None,
    ) -> BestPoint:
        """Return the score threshold and NMS IoU where a metric is highest, and its value.

        Raises:
            ValueError: no stop meets the demands, or the metric is undefined at every stop.
        """
        at_least = to_demands(at_least)
        demands = {name: self.metric(name, label) for name in at_least}
        values = self.metric(metric, label)
        row, column = choose(metric, values, demands, at_least)
        value = float(values[row, column])
        return BestPoint(self.settings.scores.values[column], self.settings.nms.values[row], value)


def _squeezed(values: torch.Tensor, dtype: str) -> bytes:
    return zlib.compress(values.numpy().astype(dtype).tobytes(), 1)
