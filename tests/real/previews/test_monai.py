"""MONAI: sliding windows as the model of a preview, its threshold, its counts, its tensors."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import sliding_window_inference
from monai.metrics import get_confusion_matrix
from monai.networks.nets import UNet
from monai.transforms import AsDiscrete

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.real.random_weights import spread
from tests.real.thresholds import above

pytestmark = pytest.mark.real("monai")

IMAGES = photographs(80, 112)
TARGETS = (IMAGES.mean(1, keepdim=True) > 0.4).long()


def unet(dimensions: int, channels: int, classes: int) -> UNet:
    torch.manual_seed(0)
    model = UNet(dimensions, channels, classes, (8, 16), (2,), norm="INSTANCE").eval()
    spread([model.model[-1][0]], lambda: model(torch.rand(2, channels, *[16] * dimensions)))
    return model


WINDOWED = unet(2, 3, 1)


@torch.no_grad()
def windows(images: torch.Tensor) -> torch.Tensor:
    return sliding_window_inference(
        images, (32, 48), 4, WINDOWED, overlap=0.5, mode="gaussian", progress=False
    )


@pytest.mark.parametrize("kind", [torch.Tensor, MetaTensor], ids=["tensors", "MetaTensors"])
def test_sliding_windows_under_the_dial(kind: type, cases: Cases) -> None:
    images = IMAGES if kind is torch.Tensor else MetaTensor(IMAGES)
    targets = TARGETS if kind is torch.Tensor else MetaTensor(TARGETS)
    preview = td.SegmentationPreview.from_model(windows, images, targets, from_logits=True)
    probs = windows(IMAGES).sigmoid()
    for k in range(0, 101, 3):
        preview.threshold = t = k / 100
        on = AsDiscrete(threshold=above(k))(probs)
        theirs = get_confusion_matrix(on, TARGETS).sum((0, 1))
        ours = [preview.metrics[name] for name in ("tp", "fp", "tn", "fn")]
        cases.compare(f"counts at {t}", ours, theirs)
        for i in range(len(IMAGES)):
            cases.compare(f"image {i} at {t}", preview.mask(i), on[i, 0] * 255)
    assert cases.differing == []


def test_dice_without_the_background(cases: Cases) -> None:
    model = unet(2, 3, 4)
    with torch.no_grad():
        probs = model(IMAGES).softmax(1)
    labels = (IMAGES.mean(1) * 4).long()
    sweep = td.ThresholdSweep(task="multiclass", num_classes=4, include_background=False)
    sweep.update(probs, labels)
    to_onehot = AsDiscrete(to_onehot=4, dim=1)
    on = to_onehot(probs.argmax(1, keepdim=True))
    counts = get_confusion_matrix(on, to_onehot(labels[:, None]), include_background=False)
    tp, fp, _, fn = counts.sum(0).double().unbind(1)
    theirs = (2 * tp / (2 * tp + fp + fn)).mean()
    ours = sweep.compute().argmax.dice("macro")[0]
    cases.compare("macro Dice", round(float(ours), 12), round(float(theirs), 12))
    assert cases.differing == []


def test_counts_of_volumes(cases: Cases) -> None:
    volumes = IMAGES[:, :1, :64, :96].reshape(4, 1, 4, 16, 96)
    targets = (volumes > 0.4).long()
    model = unet(3, 1, 1)
    with torch.no_grad():
        probs = model(volumes).sigmoid()
    sweep = td.ThresholdSweep()
    sweep.update(probs, targets)
    curves = sweep.compute()
    for k in range(101):
        on = AsDiscrete(threshold=above(k))(probs)
        theirs = get_confusion_matrix(on, targets).sum((0, 1))
        ours = [getattr(curves, name)[0, k] for name in ("tp", "fp", "tn", "fn")]
        cases.compare(f"at {k / 100}", ours, theirs)
    assert cases.differing == []
