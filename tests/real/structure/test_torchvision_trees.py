"""The model tree of every architecture of torchvision."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import detection, get_model, get_model_builder, list_models

import torchdial as td
from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree, without_initialisation

pytestmark = pytest.mark.real("torchvision")

DETECTORS = set(list_models(detection))
OTHERS = sorted({*list_models()} - DETECTORS)


def fitting(name: str) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Return options and arguments of a model, as small as it takes them."""
    *_, package, kind = get_model_builder(name).__module__.split(".")
    images = torch.rand(1, 3, 96, 96)
    if package == "segmentation":
        return {"weights_backbone": None}, (images,)
    if package == "quantization":
        return {"quantize": False}, (images,)
    if kind == "vision_transformer":
        size = 3 * int(name.rpartition("_")[2])
        return {"image_size": size}, (torch.rand(1, 3, size, size),)
    if kind == "maxvit":
        return {}, (torch.rand(1, 3, 224, 224),)
    if kind == "raft":
        return {}, (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128))
    if kind == "mvit":
        return {}, (torch.rand(1, 3, 16, 224, 224),)
    if package == "video":
        return {}, (torch.rand(1, 3, 16, 64, 64),)
    return {}, (images,)


def make(name: str, **options: Any) -> nn.Module:
    with without_initialisation():
        return get_model(name, weights=None, **options)


@pytest.mark.parametrize("name", OTHERS)
def test_an_architecture(name: str, cases: Cases) -> None:
    """Those that take large inputs alone, on the meta device: sizes without numbers."""
    with torch.device("meta" if name.startswith(("maxvit", "mvit")) else "cpu"):
        options, arguments = fitting(name)
        model = make(name, **options)
    check_tree(model, arguments, cases)
    assert cases.differing == []


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_a_detector(name: str, cases: Cases) -> None:
    small = {} if name.startswith("ssd") else {"min_size": 64}
    check_tree(make(name, weights_backbone=None, **small), ([torch.rand(3, 64, 96)],), cases)
    assert cases.differing == []


def test_a_list_of_images() -> None:
    model = get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None)
    tree = td.ModelTree(model, [torch.rand(3, 64, 96), torch.rand(3, 64, 96)])
    assert tree.table.failure is None


def test_a_scripted_model() -> None:
    tree = td.ModelTree(torch.jit.script(make("resnet18")), torch.rand(1, 3, 64, 64))
    assert tree.table.failure is None
