"""torchvision's own segmentation models: the dial keeps what a threshold keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models import segmentation

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.real.random_weights import settle_batch_norm, spread

pytestmark = pytest.mark.real("torchvision")

IMAGES = photographs(64, 96)
PLAIN = {"weights": None, "weights_backbone": None, "num_classes": 4}
MODELS: dict[str, Callable[[], nn.Module]] = {
    "FCN": lambda: segmentation.fcn_resnet50(**PLAIN),
    "DeepLabV3": lambda: segmentation.deeplabv3_mobilenet_v3_large(**PLAIN),
    "LR-ASPP": lambda: segmentation.lraspp_mobilenet_v3_large(**PLAIN),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_dial_keeps_what_a_threshold_keeps(name: str, cases: Cases) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    head = model.classifier
    settle_batch_norm(model, lambda: model(IMAGES))
    layers = [head[-1]] if isinstance(head, nn.Sequential) else [head.low_classifier]
    spread(layers, lambda: model(IMAGES))
    preview = td.SegmentationPreview.from_model(model, IMAGES, task="multiclass", from_logits=True)
    with torch.no_grad():
        probs = model(IMAGES)["out"].softmax(dim=1)
    for k in range(0, 101, 5):
        preview.threshold = k / 100
        on = probs > torch.tensor(k / 100)
        for i in range(len(IMAGES)):
            for c in range(4):
                cases.compare(
                    f"t {k / 100}, image {i}, class {c}", preview.mask(i, c), on[i, c] * 255
                )
            cases.compare(f"t {k / 100}, image {i}, all", preview.mask(i), on[i].any(0) * 255)
    assert cases.differing == []
