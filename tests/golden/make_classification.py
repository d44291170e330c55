"""Writes classification.json: counts at every stop, and the metrics by scikit-learn."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn import metrics

from torchdial import ThresholdSweep
from torchdial.inputs import to_stops

PATH = Path(__file__).with_name("classification.json")
NAN: dict[str, Any] = {"zero_division": np.nan}
COSTS = {"binary": {"fp": 1.0, "fn": 20.0}, "multiclass": {"error": 1.0, "abstain": 0.2}}
CASES: dict[str, tuple[Any, int, int, int]] = {  # task, samples, classes, stops
    "binary": ("binary", 60, 1, 21),
    "few samples": ("binary", 5, 1, 6),
    "no positives": ("binary", 4, 1, 5),
    "multilabel": ("multilabel", 40, 3, 11),
    "multiclass": ("multiclass", 80, 4, 21),
    "a class that does not occur": ("multiclass", 30, 5, 11),
}


def draw(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores, some of them equal, and targets of a case."""
    task, samples, classes, _ = CASES[name]
    random = torch.Generator().manual_seed(len(name))
    shape = (samples,) if task == "binary" else (samples, classes)
    logits = torch.randn(shape, generator=random)
    if task == "multiclass":
        labels = (logits + torch.randn(shape, generator=random)).argmax(1)
        labels = labels.clamp(max=classes - 2) if "not occur" in name else labels
        return (2 * logits).softmax(1), labels
    targets = (logits + torch.randn(shape, generator=random) > 0).long()
    return (20 * logits.sigmoid()).round() / 20, targets * (name != "no positives")


def of_one_label(truth: np.ndarray, on: np.ndarray, costs: dict[str, float]) -> dict[str, float]:
    """Return scikit-learn's metrics of one label."""
    with np.errstate(invalid="ignore"):
        __, fp, fn, tp = metrics.confusion_matrix(truth, on, labels=[0, 1]).ravel()
    recall = metrics.recall_score(truth, on, **NAN)
    specificity = metrics.recall_score(truth, on, pos_label=0, **NAN)
    both = {*truth.tolist()} == {0, 1}
    return {
        "f1": metrics.f1_score(truth, on, **NAN) if tp + fp + fn else math.nan,
        "precision": metrics.precision_score(truth, on, **NAN),
        "recall": recall,
        "specificity": specificity,
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, on) if both else math.nan,
        "accuracy": metrics.accuracy_score(truth, on),
        "cost": (costs["fp"] * fp + costs["fn"] * fn) / len(truth),
    }


def of_abstaining(
    truth: np.ndarray, argmax: np.ndarray, given: np.ndarray, costs: dict[str, float]
) -> dict[str, float]:
    """Return scikit-learn's metrics of answers, where none is a class of its own."""
    present = sorted({*truth.tolist()})
    answer = np.where(given, argmax, -1)
    right, wrong = (given & (argmax == truth)).mean(), (given & (argmax != truth)).mean()
    recalls = metrics.recall_score(truth, answer, labels=present, average=None)
    return {
        "accuracy": metrics.accuracy_score(truth, answer),
        "selective_accuracy": metrics.accuracy_score(truth[given], argmax[given])
        if given.any()
        else math.nan,
        "coverage": given.mean(),
        "balanced_accuracy": recalls.mean(),
        "f1": metrics.f1_score(truth, answer, labels=present, average="macro"),
        "cost": costs["error"] * wrong + costs["abstain"] * (1 - right - wrong),
    }


def expected(name: str) -> dict[str, dict[str, list[float]]]:
    """Return the metrics at every stop, of "all" and of each label by its index."""
    task, _, classes, num_stops = CASES[name]
    scores, targets = (tensor.numpy() for tensor in draw(name))
    costs = COSTS.get(task, COSTS["binary"])
    tables: dict[str, list[dict[str, float]]] = {}
    for stop in to_stops(num_stops).tensor().numpy():
        on = scores > stop
        if task == "binary":
            tables.setdefault("all", []).append(of_one_label(targets, on, costs))
        elif task == "multiclass":
            argmax, given = scores.argmax(1), scores.max(1) > stop
            tables.setdefault("all", []).append(of_abstaining(targets, argmax, given, costs))
        else:
            micro = of_one_label(targets.ravel(), on.ravel(), costs)
            tables.setdefault("all", []).append(micro)
        for c in range(classes if task != "binary" else 0):
            truth = targets == c if task == "multiclass" else targets[:, c]
            one = of_one_label(truth.astype(int), on[:, c], COSTS["binary"])
            if task == "multiclass":
                del one["cost"]
            tables.setdefault(str(c), []).append(one)
    return {label: {m: [row[m] for row in rows] for m in rows[0]} for label, rows in tables.items()}


def case(name: str) -> dict[str, Any]:
    """Return a case: its counts as the browser gets them, and what follows."""
    task, _, classes, num_stops = CASES[name]
    sweep = ThresholdSweep(
        task=task, num_classes=None if task == "binary" else classes, thresholds=num_stops
    )
    sweep.update(*draw(name))
    curves = sweep.compute()
    return {
        "name": name,
        "task": task,
        "stops": list(curves.stops.values),
        "costs": COSTS.get(task, COSTS["binary"]),
        "counts": _listed(curves.counts),
        "argmax_counts": None if curves.argmax is None else _listed(curves.argmax.counts),
        "metrics": expected(name),
    }


def _listed(counts: Any) -> dict[str, list[Any]]:
    names = ("tp", "fp", "positives", "negatives")
    return {name: getattr(counts, name)[0].tolist() for name in names}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def golden() -> str:
    """Return the text of the file, a case a line."""
    cases = _without_nan(json.loads(json.dumps([case(name) for name in CASES], default=float)))
    return "[\n" + ",\n".join(json.dumps(one, allow_nan=False) for one in cases) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(golden(), encoding="utf-8")
