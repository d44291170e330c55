"""The model tree of a model of every module of timm, on the meta device: sizes without numbers."""

from __future__ import annotations

import pytest
import timm
import torch

from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree

pytestmark = pytest.mark.real("timm")


@pytest.mark.parametrize("module", timm.list_modules())
def test_an_architecture(module: str, cases: Cases) -> None:
    name = timm.list_models(module=module)[-1]  # the smallest of many
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
        images = torch.rand(1, *model.default_cfg["input_size"])
    check_tree(model, (images,), cases)
    assert cases.differing == []
