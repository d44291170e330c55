"""Classification metrics at every stop of a threshold sweep over samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from torchdial.inputs.arguments import one_of
from torchdial.sweeps.metric_formulas import mean_of_defined, to_demands
from torchdial.sweeps.pixels.pixel_counts import Counts
from torchdial.sweeps.pixels.threshold_curves import BestThreshold, ThresholdCurves
from torchdial.sweeps.plateau import highest, longest_run
from torchdial.sweeps.samples.classification_metrics import (
    ABSTAINING,
    ONE_LABEL,
    ClassificationMetric,
    Costs,
    of_abstaining,
    of_one_label,
)


class ClassificationCurves:
    """Metrics by scikit-learn's names at every stop of a dial.

    `label` is the index of a class against the rest; None is the only one of binary, all labels
    of multilabel, averaged, and for multiclass the class of the highest probability, unless that
    is ≤ t: then there is no answer.

    Attributes:
        counts: of samples, from `ThresholdSweep`.
        average: of all labels, "micro" (pooled counts) or "macro" (mean over the labels that
            occur).
        costs: of mistakes, for the metric "cost"; see `to_costs`.
    """

    def __init__(self, counts: ThresholdCurves, average: str, costs: Costs) -> None:
        self.counts = counts
        self.average = average
        self.costs = costs

    def metrics(self, label: int | None = None) -> tuple[ClassificationMetric, ...]:
        """Return the names of the metrics of a label, or of all."""
        abstaining = self._abstains(label)
        names = ABSTAINING if abstaining else ONE_LABEL
        known = self.costs and abstaining == (self.counts.task == "multiclass")
        return (*names, "cost") if known else names

    def metric(self, name: str, label: int | None = None) -> torch.Tensor:
        """Return a metric at every stop, float64 (T,).

        Raises:
            ValueError: an unknown name.
        """
        names = self.metrics(label)
        remedy = "Choose one of these."
        if isinstance(name, str) and name == "cost":
            remedy = 'Pass costs={"fp": 1, "fn": 20} to the preview; of multiclass for all classes.'
        one_of("metric", name, names, remedy)
        return self._evaluate(name, self._counts(label), label)

    def best(
        self,
        metric: str,
        at_least: Mapping[ClassificationMetric, float] | None = None,
        label: int | None = None,
    ) -> BestThreshold:
        """Return the threshold where a metric is highest, or the cost lowest, and its value.

        Over a plateau it is the lower middle of the longest run of equal stops.

        Raises:
            ValueError: no stop meets the demands, or the metric is undefined at every stop.
        """
        values = self.metric(metric, label)
        least = to_demands(at_least)
        demands = {name: self.metric(name, label) for name in least}
        sign = -1 if metric == "cost" else 1
        top = highest(metric, sign * values, demands, least)
        stop = longest_run(top.tolist()).lower_middle
        return BestThreshold(self.counts.stops.values[stop], float(values[stop]))

    def at(self, thresholds: Sequence[float], label: int | None = None) -> dict[str, Any]:
        """Return counts and metrics, each class at the stop nearest to its threshold.

        Returns:
            tp, fp, fn, tn, or where there may be no answer right, wrong, abstained; every metric.
        """
        counts = self._counts(label, thresholds)
        pooled = counts.pooled((0, 1))
        tp, fp, fn, tn = (int(getattr(pooled, name)) for name in ("tp", "fp", "fn", "tn"))
        numbers: dict[str, Any] = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
        if self._abstains(label):
            numbers = {"right": tp, "wrong": fp, "abstained": fn - fp}
        return numbers | {
            name: float(self._evaluate(name, counts, label)) for name in self.metrics(label)
        }

    def _abstains(self, label: int | None) -> bool:
        return self.counts.task == "multiclass" and label is None

    def _counts(self, label: int | None, thresholds: Sequence[float] | None = None) -> Counts:
        """Return the counts of a label, or of all, at every stop or at one for each class."""
        curves = self.counts
        counts = curves.counts
        if self._abstains(label) and curves.argmax is not None:
            counts = curves.argmax.counts
        if thresholds is not None:
            counts = counts.at([curves.stops.nearest(t) for t in thresholds])
        return counts if label is None else counts.of_classes(slice(label, label + 1))

    def _evaluate(self, name: str, counts: Counts, label: int | None) -> torch.Tensor:
        if self._abstains(label):
            return of_abstaining(name, counts, self.costs)
        if self.average == "micro" or label is not None:
            return of_one_label(name, counts.pooled((0, 1)), self.costs)[0, 0]
        occurs = counts.positives[0] > 0
        return mean_of_defined(of_one_label(name, counts, self.costs)[0, occurs])
