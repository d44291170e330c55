"""What a detection sweep found: counts, metrics and AP at every score threshold and NMS IoU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch

from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_whole
from torchdial.sweeps.boxes.average_precision import (
    AREAS,
    MATCH_IOUS,
    average_precision,
    check_area,
    select,
)
from torchdial.sweeps.boxes.detection_counts import (
    Decisions,
    DetectionCounts,
    count_all,
    count_images,
    decide,
)
from torchdial.sweeps.boxes.detection_curves_file import read_tally, write_tally
from torchdial.sweeps.boxes.detection_setting import (
    choose,
    confuse,
    count_at,
    shown_at,
    thresholds_of,
)
from torchdial.sweeps.boxes.detection_settings import (
    METRICS,
    DetectionMetric,
    DetectionSettings,
    check_metric,
    evaluate,
    mean_of_defined,
)
from torchdial.sweeps.boxes.detection_tally import DetectionTally
from torchdial.sweeps.metric_formulas import Average, check_average, to_demands

if TYPE_CHECKING:
    import pandas as pd


class BestPoint(NamedTuple):
    """Where a metric is highest.

    Attributes:
        score_threshold: a stop of the score dial.
        nms_iou: a stop of the NMS dial.
        value: the metric there.
    """

    score_threshold: float
    nms_iou: float
    value: float


class DetectionCurves:
    """Counts and metrics over T stops of the NMS dial and S stops of the score dial.

    Metrics take `average=`:

    - "micro" (default): counts pooled over images and classes.
    - "macro": pooled over images, then the mean over the classes present in the targets.
    - "image": pooled over classes, then the mean over images.
    - None: each class by itself, counts pooled over images, (C, T, S).

    A mean leaves out what is undefined: precision where nothing was found, recall where nothing
    was there. `max_det` governs all of these, and AP has COCO's own rules.

    Attributes:
        tally: what is kept of each image; nothing else is stored.
        settings: how it was counted.

    Example:
        >>> from torchdial import DetectionSweep
        >>> box, label = torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([0])
        >>> sweep = DetectionSweep(nms_ious=3, score_thresholds=5)
        >>> found = {"boxes": box, "scores": torch.tensor([0.6]), "labels": label}
        >>> sweep.update([found], [{"boxes": box, "labels": label}])
        >>> curves = sweep.compute()
        >>> curves.f1().shape, curves.recall()[0].tolist()
        (torch.Size([3, 5]), [1.0, 1.0, 1.0, 0.0, 0.0])
    """

    def __init__(self, tally: DetectionTally, settings: DetectionSettings) -> None:
        self.tally: Final = tally
        self.settings: Final = settings

    def __repr__(self) -> str:
        return (
            f"DetectionCurves({self.num_images:,} images, {len(self.tally.scores):,} candidates, "
            f"{self.num_classes} class{'es' * (self.num_classes != 1)}, "
            f"{len(self.settings.nms)} × {len(self.settings.scores)} stops)"
        )

    @property
    def nms_ious(self) -> torch.Tensor:
        """The stops of the NMS dial, float64 (T,): an IoU is compared with them in float64."""
        return torch.tensor(self.settings.nms.values, dtype=torch.float64)

    @property
    def score_thresholds(self) -> torch.Tensor:
        """The stops of the score dial, float32 (S,)."""
        return self.settings.scores.tensor().clone()

    @property
    def num_images(self) -> int:
        """Number of images counted."""
        return self.tally.num_images

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return self.settings.num_classes or self.tally.num_classes

    def capped(self, max_det: int) -> DetectionCurves:
        """Return these curves with another `max_det`, which governs neither matching nor AP."""
        if max_det == self.settings.max_det:
            return self
        capped = DetectionCurves(self.tally, replace(self.settings, max_det=max_det))
        for name in ("_decisions", "_ap"):
            vars(capped)[name] = getattr(self, name)  # where a cached property keeps its value
        return capped

    @cached_property
    def counts(self) -> DetectionCounts:
        """Counts of each class over all images."""
        scores, max_det = self.settings.scores, self.settings.max_det
        return count_all(self.tally, self._decisions, scores, self.num_classes, max_det)

    @property
    def tp(self) -> torch.Tensor:
        """True positives, int64 (C, T, S)."""
        return self.counts.tp

    @property
    def fp(self) -> torch.Tensor:
        """False positives, int64 (C, T, S)."""
        return self.counts.fp

    @property
    def fn(self) -> torch.Tensor:
        """Missed targets, int64 (C, T, S)."""
        return self.counts.fn

    def precision(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TP / (TP + FP), float64 (T, S) or (C, T, S); NaN where nothing is found."""
        return self.metric("precision", average)

    def recall(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TP / (TP + FN), float64 (T, S) or (C, T, S); NaN where nothing is there."""
        return self.metric("recall", average)

    def f1(self, average: Average | None = "micro") -> torch.Tensor:
        """Return 2TP / (2TP + FP + FN), float64 (T, S) or (C, T, S)."""
        return self.metric("f1", average)

    def metric(
        self, name: DetectionMetric, average: Average | None = "micro", label: int | None = None
    ) -> torch.Tensor:
        """Return a metric by name, float64 (T, S), or (C, T, S) with `average=None`.

        Args:
            name: "precision", "recall" or "f1".
            average: see the class.
            label: one class, for which `average` says nothing.

        Raises:
            ValueError: an unknown name, average or label.
        """
        check_metric(name)
        if label is not None:
            return self._mean(name, self.counts.of_class(self._known(label)))
        if average is None:
            return evaluate(name, self.counts, self.settings.zero_division)
        check_average(average)
        if average == "image":
            scores, max_det = self.settings.scores, self.settings.max_det
            images = count_images(self.tally, self._decisions, scores, max_det)
            values = (evaluate(name, counts, self.settings.zero_division)[0] for counts in images)
            return mean_of_defined(values, self.tp.shape[1:])
        each = self.counts.pooled() if average == "micro" else self.counts.present()
        return self._mean(name, each)

    def average_precision(
        self,
        match_iou: float | None = 0.5,
        area: str = "all",
        average: Average | None = "macro",
    ) -> torch.Tensor:
        """Return COCO's AP at every NMS stop, over the score of all candidates.

        Args:
            match_iou: one of 0.50, 0.55 … 0.95 or the sweep's own; None for the mean over COCO's.
            area: "all", "small", "medium" or "large", as in COCO.
            average: "macro", the mean over the classes that have targets of such an area; or None,
                for each class.

        Returns:
            float64 (T,), or (C, T), NaN where there is no such target.

        Raises:
            ValueError: an unknown match IoU, area or average.
        """
        check_area(area)
        each = select(self._ap_of(area), self._match_ious, match_iou)
        if average is None:
            return each
        if average == "macro":
            return mean_of_defined(each, each.shape[1:])
        raise refusal(
            "average",
            expected="'macro' or None",
            got=repr(average),
            remedy="AP is a mean over classes by definition.",
        )

    def best(
        self,
        metric: DetectionMetric = "f1",
        at_least: Mapping[DetectionMetric, float] | None = None,
        average: Average = "micro",
        label: int | None = None,
    ) -> BestPoint:
        """Return the score threshold and the NMS IoU where a metric is highest, and its value.

        It looks at the stops. Over a plateau it takes the NMS stops with the longest run of score
        stops, of these the lower middle of the longest run, and there the lower middle.

        Args:
            metric: what to maximise.
            at_least: demands on other metrics, such as {"precision": 0.9}.
            average: over what to average them all.
            label: one class by itself.

        Raises:
            ValueError: no stop meets the demands, or the metric is undefined at every stop.
        """
        check_average(average)
        at_least = to_demands(at_least)
        demands = {name: self.metric(name, average, label) for name in at_least}
        values = self.metric(metric, average, label)
        row, column = choose(metric, values, demands, at_least)
        value = float(values[row, column])
        scores, nms = self.settings.scores.values, self.settings.nms.values
        return BestPoint(scores[column], nms[row], value)

    def at(
        self,
        score_threshold: float | Sequence[float],
        nms_iou: float,
        average: Average = "micro",
        label: int | None = None,
    ) -> dict[str, Any]:
        """Return counts and metrics at a score threshold, exactly, and at the nearest NMS stop.

        Args:
            score_threshold: one for all classes, or one for each class; as float32.
            nms_iou: moved to the nearest stop.
            average: over what to average the metrics; counts are pooled.
            label: one class by itself.

        Returns:
            score_threshold, nms_iou, tp, fp, fn, precision, recall, f1, average, num_images.

        Raises:
            ValueError: not a number, another number of thresholds than classes, or an unknown
                average or label.
        """
        check_average(average)
        stop = self.settings.nms.nearest(nms_iou, "nms_iou")
        shown = self._shown(score_threshold, stop)
        classes, images = count_at(self.tally, self._decisions, stop, shown, self.num_classes)
        if label is not None:
            classes, average = classes.of_class(self._known(label)), "micro"
        pooled = classes.pooled()
        each = {"micro": pooled, "macro": classes.present(), "image": images}[average]
        return {
            "score_threshold": score_threshold,
            "nms_iou": self.settings.nms.values[stop],
            **{name: int(getattr(pooled, name)) for name in ("tp", "fp", "fn")},
            **{name: float(self._mean(name, each)) for name in METRICS},
            "average": average,
            "num_images": self.num_images,
        }

    def confusion(self, score_threshold: float | Sequence[float], nms_iou: float) -> torch.Tensor:
        """Return the confusion matrix at a setting, rows for the truth, the background last.

        The diagonal holds the true positives. A false positive that overlaps a missed target of
        another class by `match_iou` counts as confused with it.

        Args:
            score_threshold: one for all classes, or one for each class.
            nms_iou: moved to the nearest stop.

        Returns:
            int64 (C + 1, C + 1).

        Raises:
            ValueError: not a number, or another number of thresholds than classes.
        """
        shown = self._shown(score_threshold, self.settings.nms.nearest(nms_iou, "nms_iou"))
        return confuse(self.tally, shown, self.settings.match_iou, self.num_classes).matrix()

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each class, NMS stop and score stop."""
        import pandas as pd

        counts = {name: getattr(self, name) for name in ("tp", "fp", "fn")}
        columns = counts | {name: self.metric(name, None) for name in METRICS}
        classes, rows, stops = np.indices(self.tp.shape).reshape(3, -1)
        frame: pd.DataFrame = pd.DataFrame(
            {
                "class": classes,
                "nms_iou": np.asarray(self.settings.nms.values)[rows],
                "score_threshold": np.asarray(self.settings.scores.values)[stops],
            }
            | {name: values.flatten().numpy() for name, values in columns.items()}
        )
        return frame

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything to one .npz file of plain arrays, without pickle."""
        write_tally(path, self.tally, self.settings)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> DetectionCurves:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        return cls(*read_tally(path))

    @cached_property
    def _decisions(self) -> Decisions:
        return decide(self.tally, len(self.settings.nms), self.settings.match_iou)

    @cached_property
    def _match_ious(self) -> list[float]:
        return sorted({*MATCH_IOUS, self.settings.match_iou})

    @cached_property
    def _ap(self) -> dict[str, torch.Tensor]:
        """AP by area range, computed when first read, (M, C, T) each."""
        return {}

    def _ap_of(self, area: str) -> torch.Tensor:
        """Return the AP of an area range; that of all areas alone takes a third of the time."""
        if area not in self._ap:
            names = [area] if area == "all" else list(AREAS)
            ranges = [AREAS[name] for name in names]
            num_stops = len(self.settings.nms)
            table = average_precision(
                self.tally, self.num_classes, num_stops, self._match_ious, ranges
            )
            self._ap.update(zip(names, table.unbind(1), strict=True))
        return self._ap[area]

    def _mean(self, metric: DetectionMetric, each: DetectionCounts) -> torch.Tensor:
        values = evaluate(metric, each, self.settings.zero_division)
        return mean_of_defined(values, values.shape[1:])

    def _shown(self, score_threshold: float | Sequence[float], stop: int) -> torch.Tensor:
        kept, _, _ = self._decisions.at(stop)
        thresholds = thresholds_of(score_threshold, self.num_classes)
        return shown_at(self.tally, kept, thresholds, self.settings.max_det)

    def _known(self, label: int) -> int:
        remedy = "Pass the number of a class, as it is in the targets."
        return to_whole("label", label, 0, self.num_classes - 1, remedy=remedy)
