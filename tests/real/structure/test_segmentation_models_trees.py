"""The model tree of every decoder, and every kind of encoder, of segmentation-models-pytorch."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch

from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree, without_initialisation

pytestmark = pytest.mark.real("segmentation-models-pytorch")

DECODERS = sorted({*smp.MODEL_ARCHITECTURES_MAPPING} - {"dpt"})  # which takes ViTs alone
ENCODERS = {
    entry["encoder"]: name for name, entry in reversed(smp.encoders.encoders.items())
}.values()
PAIRS = [(decoder, "resnet18") for decoder in DECODERS] + [("fpn", name) for name in ENCODERS]


@pytest.mark.parametrize(("decoder", "encoder"), PAIRS)
def test_an_architecture(decoder: str, encoder: str, cases: Cases) -> None:
    with without_initialisation():
        model = smp.create_model(decoder, encoder, None)
    check_tree(model, (torch.rand(1, 3, 64, 64),), cases)
    assert cases.differing == []
