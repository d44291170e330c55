"""Frames under the dials."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.models import streaming
from torchdial.models.streaming import paced


class Clock:
    """Time that passes by sleeping and working only."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass while a model runs, so that a busy machine drops no frame."""
    clock = Clock()
    monkeypatch.setattr(
        streaming, "paced", lambda frames, fps: paced(frames, fps, clock, clock.sleep)
    )


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        pytest.param(0.0, list(range(10)), id="fast enough"),
        pytest.param(0.09, list(range(10)), id="just fast enough"),
        pytest.param(0.25, [0, 2, 4, 7, 9], id="two and a half frames each"),
    ],
)
def test_frames_come_when_they_are_due_and_late_ones_are_dropped(
    work: float, expected: list[int]
) -> None:
    clock, seen = Clock(), []
    for frame in paced(range(10), 10, clock, clock.sleep):
        seen.append(frame)
        assert 0 <= clock.now - (100 + frame / 10) < 0.1 + 1e-9
        clock.now += work
    assert seen == expected


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 1, 3, padding=1)


@pytest.mark.usefixtures("unhurried")
def test_shows_every_frame_with_what_the_model_makes_of_it() -> None:
    net, frames = model(), torch.rand(3, 3, 8, 8)
    preview = td.SegmentationPreview.from_model(net, frames[:1], from_logits=True, threshold=0.4)
    preview.threshold = 0.55
    versions: list[Any] = []
    preview.observe(lambda change: versions.append(change["new"]["version"]), "_frame")
    assert td.stream(net, frames, preview, fps=30) == 3
    assert versions == [1, 2, 3]
    assert preview.threshold == 0.55
    expected = td.segment(net(frames[2:]).sigmoid()[0, 0].detach(), 0.55)
    assert torch.equal(torch.from_numpy(preview.mask(0)), expected)
    assert (preview.pictures[0] == (frames[2] * 255).round().byte().permute(1, 2, 0).numpy()).all()
    (tile,) = preview._pictures["tiles"]
    assert bytes(tile["data"]) == preview.pictures[0].tobytes()


@pytest.mark.usefixtures("unhurried")
def test_detections_stream_too() -> None:
    def detector(batch: Any) -> Any:
        side = float(batch[0].mean()) * 8
        boxes = torch.tensor([[0.0, 0.0, 2 + side, 2 + side]])
        return [{"boxes": boxes, "scores": torch.tensor([0.9]), "labels": torch.tensor([0])}]

    frames = torch.stack([torch.full((3, 16, 16), v) for v in (0.0, 0.5, 1.0)])
    preview = td.DetectionPreview.from_model(detector, frames[:1])
    assert td.stream(detector, frames, preview, fps=30) == 3
    assert preview.kept(0)["boxes"].tolist() == [[0, 0, 10, 10]]


@pytest.mark.usefixtures("unhurried")
def test_a_frame_that_cannot_be_shown_is_reported_and_passed_over() -> None:
    net, frames = model(), torch.rand(3, 3, 8, 8)
    frames[1] = float("nan")
    preview = td.SegmentationPreview.from_model(net, frames[:1], from_logits=True)
    notices: list[str] = []
    preview.observe(lambda change: notices.append(change["new"]), "_notice")
    assert td.stream(net, frames, preview, fps=30) == 2
    assert "not finite" in notices[0]
    assert notices[-1] == ""


def test_an_interrupt_ends_it() -> None:
    def frames() -> Any:
        yield torch.rand(3, 8, 8)
        raise KeyboardInterrupt

    net = model()
    preview = td.SegmentationPreview.from_model(net, torch.rand(1, 3, 8, 8), from_logits=True)
    assert td.stream(net, frames(), preview) == 1


def test_refuses_with_a_reason() -> None:
    net, images = model(), torch.rand(1, 3, 8, 8)
    given = td.SegmentationPreview(images, torch.rand(1, 8, 8))
    with pytest.raises(TypeError, match="made by from_model and without targets, got one of out"):
        td.stream(net, images, given)
    judged = td.SegmentationPreview.from_model(
        net, images, torch.zeros(1, 8, 8, dtype=torch.int64), from_logits=True
    )
    with pytest.raises(TypeError, match="got one of targets"):
        td.stream(net, images, judged)
    with pytest.raises(ValueError, match="fps: expected a number above 0, at most 30"):
        td.stream(net, images, given, fps=0)
