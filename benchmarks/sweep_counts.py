"""Counts at 101 thresholds: our `update` and `compute` against torchmetrics' binned curve.

On the CPU, both with their checks on, as a user would call them. Their rule is p >= t and ours
p > t, and their stops are float32 `linspace`, so the counts are compared at the stops where no p
lies on or between the two thresholds; there they have to be equal.
"""

import torch
from _measure import Result, at_least, interleave, median_of_ratios, report, scenes, spread
from torchmetrics.classification import BinaryPrecisionRecallCurve, MulticlassPrecisionRecallCurve

from torchdial import ThresholdSweep

STOPS = 101
AIM = 30
CLASSES = 21


def binary():
    _, probs, target = scenes(1, 1024)

    def ours():
        sweep = ThresholdSweep(thresholds=STOPS)
        sweep.update(probs, target)
        return sweep.compute()

    def theirs():
        metric = BinaryPrecisionRecallCurve(thresholds=STOPS)
        metric.update(probs, target)
        metric.compute()
        return metric

    agreeing = compare(probs, ours(), theirs())
    times = interleave(31, ours=ours, theirs=theirs)
    ratio = median_of_ratios(times["theirs"], times["ours"])
    return [
        at_least("binary, 1024², ratio", ratio, AIM, "×"),
        Result("ThresholdSweep", spread(times["ours"])),
        Result("BinaryPrecisionRecallCurve", spread(times["theirs"])),
        Result("stops where the rules agree: equal counts", f"{agreeing} of {STOPS}"),
    ]


def compare(probs, curves, metric):
    """Assert equal counts where the rules agree; return at how many stops that is."""
    our_stops, their_stops = curves.stops.tensor(), metric.thresholds
    on_or_between = torch.stack(
        [
            ((probs >= min(a, b)) & (probs <= max(a, b))).any()
            for a, b in zip(our_stops, their_stops, strict=True)
        ]
    )
    agree = ~on_or_between
    assert agree.sum() > STOPS // 2, "too few stops to compare"
    counts = curves.counts.pooled((0, 1))
    tn, fp, fn, tp = metric.confmat.flatten(1).T  # (stops, target, prediction)
    for own, other in ((counts.tp, tp), (counts.fp, fp), (counts.fn, fn), (counts.tn, tn)):
        assert torch.equal(own.flatten()[agree], other[agree]), "counts differ"
    return int(agree.sum())


def multiclass():
    logits = torch.randn(1, CLASSES, 512, 512, generator=torch.Generator().manual_seed(1))
    probs, target = (3 * logits).softmax(dim=1), logits.argmax(dim=1)

    def ours():
        sweep = ThresholdSweep(task="multiclass", num_classes=CLASSES, thresholds=STOPS)
        sweep.update(probs, target)
        return sweep.compute()

    def theirs():
        metric = MulticlassPrecisionRecallCurve(CLASSES, thresholds=STOPS)
        metric.update(probs, target)
        return metric.compute()

    times = interleave(2, ours=ours, theirs=theirs)
    ratio = median_of_ratios(times["theirs"], times["ours"])
    return [
        Result(f"multiclass, C = {CLASSES}, 512², ratio", f"{ratio:.3g} ×"),
        Result("ThresholdSweep, with the argmax rule", spread(times["ours"])),
        Result("MulticlassPrecisionRecallCurve", spread(times["theirs"])),
    ]


if __name__ == "__main__":
    report("sweep_counts", [*binary(), *multiclass()], ["torchmetrics"])
