"""How detections are counted, and the metrics of the counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from torchdial.inputs.arguments import one_of
from torchdial.inputs.stops import Stops, to_stops
from torchdial.sweeps import metric_formulas as formulas
from torchdial.sweeps.boxes.detection_counts import DetectionCounts

DetectionMetric = Literal["precision", "recall", "f1"]
METRICS: tuple[DetectionMetric, ...] = get_args(DetectionMetric)


@dataclass(frozen=True)
class DetectionSettings:
    """What a sweep was made with; see `DetectionSweep`."""

    num_classes: int | None
    nms: Stops
    scores: Stops
    match_iou: float
    class_agnostic: bool
    max_det: int
    zero_division: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {name: value for name, value in vars(self).items() if name not in _DIALS}
        return plain | {name: vars(getattr(self, name)) for name in _DIALS}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> DetectionSettings:
        """Return what `as_json` returned values of.

        Raises:
            KeyError, TypeError, ValueError: they are something else.
        """
        nms, scores = (_stops_from(plain[name]) for name in _DIALS)
        num_classes = plain["num_classes"]
        return DetectionSettings(
            num_classes=None if num_classes is None else int(num_classes),
            nms=nms,
            scores=scores,
            match_iou=float(plain["match_iou"]),
            class_agnostic=bool(plain["class_agnostic"]),
            max_det=int(plain["max_det"]),
            zero_division=float(plain["zero_division"]),
        )


_DIALS = ("nms", "scores")


def _stops_from(plain: Mapping[str, Any]) -> Stops:
    return to_stops(len(plain["values"]) if plain["even"] else plain["values"])


def check_metric(name: str) -> None:
    """Raise ValueError for an unknown metric."""
    one_of("metric", name, METRICS, "Choose one of these; AP is average_precision().")


def evaluate(
    metric: DetectionMetric, counts: DetectionCounts, zero_division: float
) -> torch.Tensor:
    """Return a metric of counts, float64 (C, T, S)."""
    name: formulas.Metric = "dice" if metric == "f1" else metric
    none = torch.zeros_like(counts.tp)  # nothing is a true negative here
    return formulas.evaluate(name, counts.tp, counts.fp, counts.fn, none, zero_division)


def mean_of_defined(values: Iterable[torch.Tensor], shape: Sequence[int]) -> torch.Tensor:
    """Return the mean of float64 tensors of a shape, entry by entry, of what is not NaN.

    Summed in order: `nanmean` may round equal columns differently, and break a plateau in two.
    """
    total = torch.zeros(*shape, dtype=torch.float64)
    number = torch.zeros_like(total)
    for value in values:
        total += value.nan_to_num()
        number += ~value.isnan()
    return total / number
