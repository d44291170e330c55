"""Every widget prints: alone, or in a place of somebody's figure."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import torchdial as td


def trained() -> td.TrainingMonitor:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    for _ in range(5):
        loss = model(torch.rand(8, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
    monitor.close()
    return monitor


def detections() -> td.DetectionPreview:
    found = {"boxes": torch.tensor([[1.0, 1.0, 9.0, 9.0]]), "scores": [0.9], "labels": [0]}
    target = {"boxes": found["boxes"], "labels": [0]}
    return td.DetectionPreview(torch.rand(1, 3, 12, 12), [found], [target])


WIDGETS: dict[str, Callable[[], Any]] = {
    "segmentation": lambda: td.SegmentationPreview(
        torch.rand(2, 3, 8, 8), torch.rand(2, 8, 8), torch.randint(0, 2, (2, 8, 8))
    ),
    "classification": lambda: td.ClassificationPreview(torch.rand(20), torch.randint(0, 2, (20,))),
    "detection": detections,
    "loss plot": lambda: td.LossPlot({"loss": [1.0, 0.5, 0.2]}),
    "gradient plot": lambda: td.GradientPlot(trained()),
    "training panel": lambda: td.TrainingPanel(trained()),
    "module tree": lambda: td.ModelTree(nn.Linear(2, 2)),
    "image grid": lambda: td.ImageGrid(torch.rand(3, 3, 8, 8)),
}


def ink(figure: Figure) -> Any:
    """Return which pixels are not white, (H, W)."""
    file = io.BytesIO()
    figure.savefig(file, format="rgba", dpi=50)
    width, height = (round(inches * 50) for inches in figure.get_size_inches())
    pixels = torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)
    return (pixels.view(height, width, 4)[..., :3] < 250).any(-1)


@pytest.mark.parametrize("name", WIDGETS)
def test_prints_in_the_place_of_given_axes_and_nowhere_else(name: str) -> None:
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    right.set_axis_off()
    assert WIDGETS[name]().to_matplotlib(left) is figure
    drawn = ink(figure)
    assert drawn[:, :200].any()
    assert not drawn[:, 205:].any()


@pytest.mark.parametrize("name", WIDGETS)
def test_prints_as_vectors_with_the_users_fonts(name: str, tmp_path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        WIDGETS[name]().savefig(tmp_path / "figure.svg")
    picture = (tmp_path / "figure.svg").read_text()
    assert "<text" in picture
    assert "static picture" not in picture


def test_axes_without_a_place_in_a_grid_are_refused() -> None:
    by_hand = Figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match="ax: expected axes of a grid"):
        WIDGETS["image grid"]().to_matplotlib(by_hand)
