"""torchmetrics: the counts at each threshold, and mean average precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics.detection import MeanAveragePrecision
from torchmetrics.functional.classification import (
    binary_stat_scores,
    multiclass_stat_scores,
    multilabel_stat_scores,
)

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.sweeps.boxes import coco

pytestmark = pytest.mark.real("torchmetrics")

IMAGES = photographs(80, 112)
VOID = 9
COUNTS = ("tp", "fp", "tn", "fn")


def maps_of(channels: int) -> tuple[torch.Tensor, torch.Generator]:
    rng = torch.Generator().manual_seed(channels)
    return torch.randn(4, channels, 80, 112, generator=rng), rng


def voided(targets: torch.Tensor) -> torch.Tensor:
    """Return targets with a strip that enters no count."""
    targets = targets.clone()
    targets[..., :10] = VOID
    return targets


def counts_of(curves: Any, k: int) -> torch.Tensor:
    """Return tp, fp, tn, fn of each class, (C, 4)."""
    return torch.stack([torch.as_tensor(getattr(curves, name))[:, k] for name in COUNTS], dim=1)


def test_counts_of_one_map(cases: Cases) -> None:
    maps, _ = maps_of(1)
    probs, targets = maps.sigmoid(), voided((IMAGES.mean(1, keepdim=True) > 0.4).long())
    sweep = td.ThresholdSweep(ignore_index=VOID)
    sweep.update(probs, targets)
    curves = sweep.compute()
    for k in range(101):
        theirs = binary_stat_scores(probs, targets, threshold=_float32(k), ignore_index=VOID)
        cases.compare(f"at {k / 100}", counts_of(curves, k)[0], theirs[:4])
    assert cases.differing == []


def test_counts_of_several_labels(cases: Cases) -> None:
    maps, _ = maps_of(3)
    probs, targets = maps.sigmoid(), voided((IMAGES > 0.5).long())
    sweep = td.ThresholdSweep(task="multilabel", num_classes=3, ignore_index=VOID)
    sweep.update(probs, targets)
    curves = sweep.compute()
    for k in range(101):
        theirs = multilabel_stat_scores(
            probs, targets, 3, threshold=_float32(k), average=None, ignore_index=VOID
        )
        cases.compare(f"at {k / 100}", counts_of(curves, k), theirs[:, :4])
    assert cases.differing == []


def test_counts_of_the_argmax(cases: Cases) -> None:
    maps, _ = maps_of(4)
    targets = voided((IMAGES.mean(1) * 4).long().clamp(max=3))
    sweep = td.ThresholdSweep(task="multiclass", num_classes=4, from_logits=True, ignore_index=VOID)
    sweep.update(maps, targets)
    theirs = multiclass_stat_scores(maps, targets, 4, average=None, ignore_index=VOID)
    for c in range(4):
        cases.compare(f"class {c}", counts_of(sweep.compute().argmax, 0)[c], theirs[c, :4])
    assert cases.differing == []


@pytest.mark.parametrize("seed", range(6))
def test_mean_average_precision(seed: int, cases: Cases) -> None:
    """At COCO's thresholds: torchmetrics rounds its own to float32, which moves some recalls."""
    found, true = coco.scenes(8, seed, num_boxes=40)
    sweep = td.DetectionSweep(num_classes=coco.CLASSES, nms_ious=[1.0])
    sweep.update(found, true)
    curves = sweep.compute()
    metric = MeanAveragePrecision(
        iou_thresholds=np.linspace(0.5, 0.95, 10).tolist(),
        rec_thresholds=np.linspace(0, 1, 101).tolist(),
    )
    metric.update(found, true)
    theirs = metric.compute()
    ours = {
        "map": curves.average_precision(None),
        "map_50": curves.average_precision(0.5),
        "map_75": curves.average_precision(0.75),
        "map_small": curves.average_precision(None, "small"),
        "map_medium": curves.average_precision(None, "medium"),
        "map_large": curves.average_precision(None, "large"),
    }
    for name, values in ours.items():
        one = values[0].float().nan_to_num(-1.0)  # as torchmetrics marks none
        cases.compare(name, one.round(decimals=6), theirs[name].round(decimals=6))
    assert cases.differing == []


def _float32(k: int) -> float:
    """Return a stop of the dial as torchmetrics compares with it."""
    return float(np.float32(k / 100))
