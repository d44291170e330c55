"""Every Python example of the README runs as printed, on small models and data."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.demo import DigitDetector

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^### (.+?)\n|^```python\n(.*?)^```", README.read_text(), re.M | re.S)


def examples() -> list[Any]:
    title, found = "the first", []
    for heading, code in BLOCKS:
        title = heading or title
        if code:
            found.append(pytest.param(code, id=title))
    return found


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the examples take for granted."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = nn.Sequential()
    model.add_module("layer1", nn.Conv2d(1, 1, 3, padding=1))
    images = torch.rand(4, 1, 32, 32)
    probs, targets = torch.rand(4, 1, 32, 32), torch.randint(0, 2, (4, 32, 32))
    preview = td.SegmentationPreview(images, probs, targets, task="binary")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return {
        "td": td,
        "ipywidgets": ipywidgets,
        "model": model,
        "optimizer": optimizer,
        "criterion": nn.functional.mse_loss,
        "images": images,
        "probs": probs,
        "logits": torch.randn(4, 3, 32, 32),
        "labels": torch.randint(0, 3, (4, 32, 32)),
        "targets": targets,
        "loader": [(images, targets), (images, targets)],
        "preview": preview,
        "preview_a": preview,
        "preview_b": td.SegmentationPreview(images, probs**2, targets, task="binary"),
        "names": ["background", "inside", "edge"],
        "monitor": td.TrainingMonitor(model, optimizer),
        "example_batch": images,
        "tree": td.ModelTree(model),
        "frames": iter(images),
        "values_a": [1.0, 0.5],
        "values_b": [1.0, 0.7],
        "masks_or_boxes": targets,
        "callback": print,
        "ax": plt.figure().add_subplot(),
        "train": lambda model, loader: None,
    }


def of_a_detector(model: nn.Module) -> dict[str, Any]:
    """What the same names stand for where the example is about boxes."""
    boxes = torch.tensor([[2.0, 2.0, 12.0, 12.0], [3.0, 2.0, 13.0, 12.0]])
    images = torch.rand(4, 3, 32, 32)
    targets = [{"boxes": boxes, "labels": torch.tensor([1, 2])}] * 4
    return {
        "images": images,
        "targets": targets,
        "loader": [(images, targets)],
        "boxes": boxes,
        "scores": torch.tensor([0.9, 0.8]),
        "labels": torch.tensor([1, 1]),
        "names": [str(label) for label in range(10)],
        "detector": model,
        "preview": td.DetectionPreview.from_model(model, images, targets),
    }


@pytest.mark.parametrize("code", examples())
def test_example_runs(code: str, names: dict[str, Any]) -> None:
    if "DetectionPreview" in code or "operating_map_figure" in code:
        names |= of_a_detector(DigitDetector(score_floor=0.0))
    if "td.stream" in code:
        names["preview"] = td.SegmentationPreview.from_model(
            names["model"], names["images"], task="binary", from_logits=True
        )
    ran = eval(compile(code, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.iscoroutine(ran):
        asyncio.run(ran)
