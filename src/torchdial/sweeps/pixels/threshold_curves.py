"""Counts and metrics at every stop of a threshold sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch

from torchdial.deprecation import RenamedAttribute
from torchdial.inputs.arguments import one_of, to_list
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_float, to_whole
from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.sweeps.metric_formulas import (
    AVERAGES,
    METRICS,
    Average,
    Metric,
    check_metric,
    evaluate,
    mean_of_defined,
    to_demands,
)
from torchdial.sweeps.pixels.calibration import Calibration, calibrate
from torchdial.sweeps.pixels.pixel_counts import Counts, Tally
from torchdial.sweeps.pixels.threshold_curves_file import read_tally, write_tally
from torchdial.sweeps.plateau import highest, longest_run

if TYPE_CHECKING:
    import pandas as pd


class BestThreshold(NamedTuple):
    """Where a metric is highest.

    Attributes:
        threshold: a stop.
        value: the metric there.
    """

    threshold: float
    value: float


class ThresholdCurves:
    """Counts and metrics at every stop of a dial, on the CPU.

    Metrics take `average=`:

    - "micro" (default): counts pooled over images and classes.
    - "macro": pooled over images, then the mean over the classes present in the targets.
    - "image": pooled over classes, then the mean over images.
    - None: each class by itself, counts pooled over images, (C, T).

    A mean leaves out what is undefined: precision without predictions, recall without targets.
    With `include_background=False` class 0 is in none of the first three averages, nor in the
    counts of `at`; its pixels still count as false positives and false negatives of the others.

    Of samples, counted from scores (N,) or (N, C), "image" is refused; Dice is their F1 score.

    It is not a dataclass because torchmetrics and Lightning rebuild those field by field.

    Attributes:
        task: "binary", "multilabel" or "multiclass".
        stops: the positions of the dial.
        counts: per image, class and stop.
        zero_division: Dice and IoU where neither prediction nor target has a pixel.
        argmax: for multiclass, the curves of the argmax rule: the class of the highest
            probability, unless that is ≤ t.
        joint: for multiclass, pixels over (target, argmax, level of the maximum).
        include_background: whether class 0 is in the averages.
        of_samples: whether samples are counted in place of pixels.

    Example:
        >>> from torchdial import ThresholdSweep
        >>> sweep = ThresholdSweep(thresholds=5)
        >>> sweep.update(torch.tensor([[0.2, 0.6]]), torch.tensor([[0, 1]]))
        >>> curves = sweep.compute()
        >>> curves.thresholds.tolist(), curves.dice().round(decimals=2).tolist()
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.67, 1.0, 1.0, 0.0, 0.0])
    """

    def __init__(
        self,
        task: Task,
        stops: Stops,
        counts: Counts,
        zero_division: float = 1.0,
        argmax: ThresholdCurves | None = None,
        joint: torch.Tensor | None = None,
        include_background: bool = True,
        of_samples: bool = False,
    ) -> None:
        self.task: Final = task
        self.stops: Final = stops
        self.counts: Final = counts
        self.zero_division: Final = zero_division
        self.argmax: Final = argmax
        self.joint: Final = joint
        self.include_background: Final = include_background
        self.of_samples: Final = of_samples

    def __repr__(self) -> str:
        size = " ".join(f"{n:,} {name[4:]}" for name, n in self._number_counted().items())
        return (
            f"ThresholdCurves({self.task}: {size}, {self.num_classes} "
            f"class{'es' * (self.num_classes > 1)}, {len(self.stops)} stops)"
        )

    @classmethod
    def from_tally(
        cls,
        tally: Tally,
        task: Task,
        stops: Stops,
        zero_division: float = 1.0,
        include_background: bool = True,
    ) -> ThresholdCurves:
        """Return the curves of what was counted."""
        tally = tally.on_host()
        argmax, joint = None, tally.joint
        also = (include_background, tally.of_samples)
        if tally.argmax is not None:
            argmax = cls(task, stops, tally.argmax, zero_division, None, joint, *also)
        return cls(task, stops, tally.classes, zero_division, argmax, joint, *also)

    @property
    def thresholds(self) -> torch.Tensor:
        """The stops, float32 (T,)."""
        return self.stops.tensor().clone()

    @property
    def num_images(self) -> int:
        """Number of images counted; 1 for samples, which are one group."""
        return len(self.counts.tp)

    @property
    def num_samples(self) -> int:
        """Largest number of samples, or pixels, counted of a class; ignored ones are left out."""
        return int((self.counts.positives + self.counts.negatives).sum(0).max())

    @property
    def num_classes(self) -> int:
        """Number of classes C, 1 for binary."""
        return self.counts.tp.shape[1]

    @property
    def tp(self) -> torch.Tensor:
        """True positives over all images, int64 (C, T)."""
        return self.counts.tp.sum(0)

    @property
    def fp(self) -> torch.Tensor:
        """False positives over all images, int64 (C, T)."""
        return self.counts.fp.sum(0)

    @property
    def fn(self) -> torch.Tensor:
        """False negatives over all images, int64 (C, T)."""
        return self.counts.fn.sum(0)

    @property
    def tn(self) -> torch.Tensor:
        """True negatives over all images, int64 (C, T)."""
        return self.counts.tn.sum(0)

    def precision(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TP / (TP + FP), float64 (T,) or (C, T); NaN where nothing is predicted."""
        return self.metric("precision", average)

    def recall(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TP / (TP + FN), float64 (T,) or (C, T); NaN without positives."""
        return self.metric("recall", average)

    def specificity(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TN / (TN + FP), float64 (T,) or (C, T); NaN without negatives."""
        return self.metric("specificity", average)

    def dice(self, average: Average | None = "micro") -> torch.Tensor:
        """Return 2TP / (2TP + FP + FN), float64 (T,) or (C, T)."""
        return self.metric("dice", average)

    def iou(self, average: Average | None = "micro") -> torch.Tensor:
        """Return TP / (TP + FP + FN), float64 (T,) or (C, T)."""
        return self.metric("iou", average)

    def accuracy(self, average: Average | None = "micro") -> torch.Tensor:
        """Return (TP + TN) / all pixels, float64 (T,) or (C, T)."""
        return self.metric("accuracy", average)

    def metric(self, name: Metric, average: Average | None = "micro") -> torch.Tensor:
        """Return a metric by name, float64 (T,), or (C, T) with `average=None`.

        Raises:
            ValueError: an unknown name or average.
        """
        check_metric(name)
        if average is not None:
            self._check_average(average)
        return self._average(self.counts, name, average)

    def _check_average(self, average: str) -> None:
        # Samples belong to no image.
        one_of("average", average, AVERAGES[:2] if self.of_samples else AVERAGES)

    def _average(self, counts: Counts, metric: Metric, average: Average | None) -> torch.Tensor:
        averaged = counts if average is None else self._averaged(counts)
        return _average(averaged, metric, average, self.zero_division)

    def _averaged(self, counts: Counts) -> Counts:
        """Return the counts of the classes that are averaged."""
        return counts if self.include_background else counts.of_classes(slice(1, None))

    def for_label(self, label: int) -> ThresholdCurves:
        """Return the curves of one class against the rest.

        Raises:
            ValueError: there is no such class.
        """
        label = to_whole("label", label, 0, self.num_classes - 1, remedy="Labels count from 0.")
        counts = self.counts.of_classes(slice(label, label + 1))
        return ThresholdCurves(
            "binary", self.stops, counts, self.zero_division, of_samples=self.of_samples
        )

    for_class = RenamedAttribute("for_label")

    def pooled(self) -> ThresholdCurves:
        """Return these curves with the counts of all images in one, without the joint table."""
        return ThresholdCurves(
            self.task,
            self.stops,
            self.counts.pooled(0),
            self.zero_division,
            self.argmax and self.argmax.pooled(),
            include_background=self.include_background,
            of_samples=self.of_samples,
        )

    def best(
        self,
        metric: Metric = "dice",
        at_least: Mapping[Metric, float] | None = None,
        average: Average = "micro",
    ) -> BestThreshold:
        """Return the threshold where a metric is highest, and its value there.

        Over a plateau it is the lower middle of the longest run of equal stops.

        Args:
            metric: what to maximise.
            at_least: lower bounds of other metrics, such as {"recall": 0.9}.
            average: over what to average them all.

        Raises:
            ValueError: no stop meets the demands, or the metric is undefined at every stop.
        """
        self._check_average(average)
        values = self.metric(metric, average)
        least = to_demands(at_least)
        demands = {name: self.metric(name, average) for name in least}
        top = highest(metric, values, demands, least)
        stop = longest_run(top.tolist()).lower_middle
        return BestThreshold(self.stops.values[stop], float(values[stop]))

    def at(self, threshold: float | Sequence[float], average: Average = "micro") -> dict[str, Any]:
        """Return counts and metrics at the stop nearest to a threshold.

        Args:
            threshold: one for all classes, or one for each class.
            average: over what to average the metrics; counts are pooled.

        Returns:
            threshold (as given by the stops), tp, fp, fn, tn, every metric, average, num_images,
            or of samples num_samples.

        Raises:
            ValueError: not a number, or another number of thresholds than classes.
        """
        self._check_average(average)
        indices = self._stop_indices(threshold)
        counts = self.counts.at(indices)
        chosen = [self.stops.values[i] for i in indices]
        pooled = self._averaged(counts).pooled((0, 1))
        return {
            "threshold": chosen[0] if _is_one(threshold) else chosen,
            **{name: int(getattr(pooled, name)) for name in ("tp", "fp", "fn", "tn")},
            **{m: float(self._average(counts, m, average)) for m in METRICS},
            "average": average,
            **self._number_counted(),
        }

    def _number_counted(self) -> dict[str, int]:
        if self.of_samples:
            return {"num_samples": self.num_samples}
        return {"num_images": self.num_images}

    def images_at(self, threshold: float | Sequence[float]) -> dict[str, torch.Tensor]:
        """Return counts and metrics of each image at the stop nearest to a threshold.

        Args:
            threshold: one for all classes, or one for each class; counts are pooled over these.

        Returns:
            tp, fp, fn, tn, int64 (N,), and every metric, float64 (N,).
        """
        counts = self._averaged(self.counts.at(self._stop_indices(threshold))).pooled(1)
        pooled = {name: getattr(counts, name)[:, 0, 0] for name in ("tp", "fp", "fn", "tn")}
        return pooled | {
            m: evaluate(m, **pooled, zero_division=self.zero_division) for m in METRICS
        }

    def _stop_indices(self, threshold: float | Sequence[float]) -> list[int]:
        expected = f"a number, or one for each of {self.num_classes} classes"
        remedy = "Pass one number to use it for every class."
        if _is_one(threshold):
            given: list[Any] = [threshold] * self.num_classes
        else:
            given = to_list("threshold", threshold, expected=expected, remedy=remedy)
        if len(given) != self.num_classes:
            raise refusal(
                "threshold", expected=expected, got=f"{len(given)} numbers", remedy=remedy
            )
        return [self.stops.nearest(t) for t in given]

    def confusion(self, threshold: float | Sequence[float]) -> torch.Tensor:
        """Return the confusion matrix at the stop nearest to a threshold, rows for the truth.

        Returns:
            int64. binary: (2, 2), background then class. multilabel: (C, 2, 2), one a class.
            multiclass: (C, C + 1), the last column counting pixels whose highest probability
            does not pass its class's threshold.
        """
        indices = self._stop_indices(threshold)
        if self.joint is not None:
            return _joint_confusion(self.joint, indices)
        c = self.counts.at(indices).pooled(0)
        matrix = torch.stack([c.tn, c.fp, c.fn, c.tp], dim=-1).view(-1, 2, 2)
        return matrix[0] if self.task == "binary" else matrix

    def calibration(self) -> Calibration:
        """Return the reliability diagram of each class; it needs no further pass over the data.

        Raises:
            ValueError: scores were counted, which are no probabilities.
        """
        return calibrate(self.counts, self.stops)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each class and stop, counts pooled over images."""
        import pandas as pd

        counts = {name: getattr(self, name) for name in ("tp", "fp", "fn", "tn")}
        columns = counts | {m: self.metric(m, average=None) for m in METRICS}
        classes, stops = np.indices((self.num_classes, len(self.stops))).reshape(2, -1)
        frame: pd.DataFrame = pd.DataFrame(
            {"class": classes, "threshold": np.asarray(self.stops.values)[stops]}
            | {name: values.flatten().numpy() for name, values in columns.items()}
        )
        return frame

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything to one .npz file of plain arrays, without pickle."""
        argmax = None if self.argmax is None else self.argmax.counts
        settings = {
            "task": self.task,
            "zero_division": self.zero_division,
            "include_background": self.include_background,
        }
        tally = Tally(self.counts, argmax, self.joint, self.of_samples)
        write_tally(path, tally, self.stops, settings)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ThresholdCurves:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        tally, settings = read_tally(path)
        return cls.from_tally(tally, **settings)


def _is_one(threshold: Any) -> bool:
    return isinstance(threshold, Real) or math.isfinite(to_float(threshold))


def _average(
    counts: Counts, metric: Metric, average: Average | None, zero_division: float
) -> torch.Tensor:
    def of(c: Counts) -> torch.Tensor:
        return evaluate(metric, c.tp, c.fp, c.fn, c.tn, zero_division)

    if average == "micro":
        return of(counts.pooled((0, 1)))[0, 0]
    if average == "image":
        return mean_of_defined(of(counts.pooled(1)))[0]
    pooled = counts.pooled(0)
    each = of(pooled)[0]
    return mean_of_defined(each[pooled.positives[0] > 0]) if average == "macro" else each


def _joint_confusion(joint: torch.Tensor, indices: Sequence[int]) -> torch.Tensor:
    kept = torch.stack([joint[:, c, k + 1 :].sum(-1) for c, k in enumerate(indices)], dim=1)
    return torch.cat([kept, joint.sum((1, 2))[:, None] - kept.sum(1, keepdim=True)], dim=1)
