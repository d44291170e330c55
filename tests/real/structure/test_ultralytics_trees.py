"""The model tree of every architecture that Ultralytics describes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import ultralytics
from ultralytics import RTDETR, YOLO

from tests.real.cases import Cases
from tests.real.structure.tree_checks import check_tree, without_initialisation

pytestmark = pytest.mark.real("ultralytics")

FILES = (Path(ultralytics.__file__).parent / "cfg" / "models").rglob("*.yaml")
NAMES = sorted({path.stem for path in FILES} - {"yolo11-cls-resnet18"})  # which fetches weights


@pytest.mark.parametrize("name", NAMES)
def test_an_architecture(name: str, cases: Cases) -> None:
    with without_initialisation():
        kind = RTDETR if "rtdetr" in name else YOLO
        model = kind(f"{name}.yaml").model
    check_tree(model, (torch.rand(1, 3, 64, 64),), cases)
    assert cases.differing == []
