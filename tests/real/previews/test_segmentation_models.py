"""segmentation-models-pytorch: its models, and the counts of its metrics."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.real.random_weights import settle_batch_norm, spread
from tests.real.thresholds import above

pytestmark = pytest.mark.real("segmentation-models-pytorch")

IMAGES = photographs(128, 128)
TARGETS = (IMAGES.mean(1, keepdim=True) > 0.4).long()
ARCHITECTURES = sorted({*smp.MODEL_ARCHITECTURES_MAPPING} - {"dpt"})  # which takes ViTs alone


def make(architecture: str, classes: int = 1) -> nn.Module:
    torch.manual_seed(0)
    model = smp.create_model(architecture, "resnet18", None, classes=classes).eval()
    settle_batch_norm(model, lambda: model(IMAGES))
    last = [m for m in model.segmentation_head.modules() if isinstance(m, nn.Conv2d)]
    spread(last, lambda: model(IMAGES))
    return model


@torch.no_grad()
def probs_of(model: nn.Module) -> torch.Tensor:
    return model(IMAGES).sigmoid()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_dial_keeps_what_a_threshold_keeps(architecture: str, cases: Cases) -> None:
    model = make(architecture)
    preview = td.SegmentationPreview.from_model(model, IMAGES, TARGETS, from_logits=True)
    probs = probs_of(model)
    for k in range(0, 100, 3):
        preview.threshold = k / 100
        theirs = smp.metrics.get_stats(probs, TARGETS, mode="binary", threshold=above(k))
        counts = [preview.metrics[name] for name in ("tp", "fp", "fn", "tn")]
        cases.compare(f"counts at {k / 100}", counts, [count.sum() for count in theirs])
        for i in range(len(IMAGES)):
            on = (probs[i, 0] > torch.tensor(k / 100)) * 255
            cases.compare(f"image {i} at {k / 100}", preview.mask(i), on)
    assert cases.differing == []


def test_counts_of_several_labels(cases: Cases) -> None:
    probs = probs_of(make("fpn", classes=3))
    targets = (IMAGES > 0.5).long()
    sweep = td.ThresholdSweep(task="multilabel", num_classes=3)
    sweep.update(probs, targets)
    curves = sweep.compute()
    for k in range(100):
        theirs = smp.metrics.get_stats(probs, targets, mode="multilabel", threshold=above(k))
        ours = [getattr(curves, name)[:, k] for name in ("tp", "fp", "fn", "tn")]
        cases.compare(f"at {k / 100}", ours, [count.sum(0) for count in theirs])
    assert cases.differing == []


def test_counts_of_the_argmax(cases: Cases) -> None:
    model = make("unet", classes=3)
    with torch.no_grad():
        logits = model(IMAGES)
    targets = IMAGES.argmax(1)
    sweep = td.ThresholdSweep(task="multiclass", num_classes=3, from_logits=True)
    sweep.update(logits, targets)
    argmax = sweep.compute().argmax
    theirs = smp.metrics.get_stats(logits.argmax(1), targets, mode="multiclass", num_classes=3)
    for name, counts in zip(("tp", "fp", "fn", "tn"), theirs, strict=True):
        cases.compare(name, getattr(argmax, name)[:, 0], counts.sum(0))
    assert cases.differing == []
