"""The README is short, its links and its picture are there, and its Python runs as printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

import torchdial as td
from torchdial.demo import DigitDetector

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^### ([^\n]+)\n\n```python\n(.*?)^```", README, re.M | re.S)


@pytest.fixture
def names() -> dict[str, Any]:
    """What the examples take for granted."""
    torch.manual_seed(0)
    model = nn.Conv2d(1, 1, 3, padding=1)
    images, targets = torch.rand(4, 1, 32, 32), torch.randint(0, 2, (4, 1, 32, 32))
    return {
        "td": td,
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "criterion": nn.functional.mse_loss,
        "images": images,
        "targets": targets,
        "loader": [(images, targets.float())] * 2,
        "scores": torch.rand(4),
        "labels": torch.tensor([0, 1, 0, 1]),
        "samples": images,
    }


@pytest.fixture
def names_of_a_detector() -> dict[str, Any]:
    boxes = torch.tensor([[2.0, 2.0, 12.0, 12.0], [3.0, 2.0, 13.0, 12.0]])
    return {
        "td": td,
        "images": torch.rand(4, 3, 32, 32),
        "targets": [{"boxes": boxes, "labels": torch.tensor([1, 2])}] * 4,
        "names": [str(label) for label in range(10)],
        "detector": DigitDetector(score_floor=0.0),
    }


@pytest.mark.parametrize("code", [pytest.param(code, id=title) for title, code in EXAMPLES])
def test_example_runs(
    code: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    history = td.History("run")
    history.record(1, {"loss": 0.5})
    (tmp_path / "runs").mkdir()
    history.save("runs/run.td")
    about_boxes = "DetectionPreview" in code
    given = request.getfixturevalue("names_of_a_detector" if about_boxes else "names")
    exec(compile(code, "README.md", "exec"), given)
    if "panel" in given:
        given["panel"].close()


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == README.count("```python") == 4


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_its_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_its_picture_moves_and_is_small() -> None:
    path = ROOT / "docs" / "torchdial.png"
    assert path.stat().st_size <= 3_000_000
    with Image.open(path) as picture:
        assert picture.n_frames >= 20
