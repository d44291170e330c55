"""The detector: what it returns, its errors, and that it learns."""

from typing import Any

import pytest
import torch
from torch import Tensor

import torchdial as td
from torchdial.demo import DigitDetector, DigitScenes, digit_scenes, train_detector
from torchdial.demo.digit_detector import _assign, _generalised_iou, _places
from torchdial.inputs import to_detections


@pytest.fixture(scope="module")
def scenes() -> DigitScenes:
    return digit_scenes(24, size=48)


def seeded(**arguments: Any) -> DigitDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DigitDetector(**arguments)


def targets_of(scenes: DigitScenes) -> list[dict[str, Tensor]]:
    pairs = zip(scenes.boxes, scenes.labels, strict=True)
    return [{"boxes": boxes, "labels": labels} for boxes, labels in pairs]


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 24, 40), (1, 3, 96, 96)])
def test_candidates_are_well_formed(shape: tuple[int, ...]) -> None:
    """One for each point and class, inside the image, as `to_detections` takes them."""
    n, _, height, width = shape
    model = seeded(num_classes=3, width=4, score_floor=0.0).eval()
    given = model(torch.rand(shape))
    assert [set(image) for image in given] == [{"boxes", "scores", "labels"}] * n
    for found in to_detections(given, num_classes=3):
        assert len(found) == height * width // 64 * 3
        assert found.boxes.min() >= 0
        assert found.boxes[:, [0, 2]].max() <= width
        assert found.boxes[:, [1, 3]].max() <= height
        assert found.labels.bincount().tolist() == [height * width // 64] * 3


def test_the_floor_leaves_out_lower_scores_only() -> None:
    images = torch.rand(1, 3, 48, 48)
    (every,) = seeded(width=4, score_floor=0.0).eval()(images)
    floor = every["scores"].median().item()
    (some,) = seeded(width=4, score_floor=floor).eval()(images)
    above = every["scores"] > floor
    assert 0 < above.sum() < len(above)
    for name, values in some.items():
        assert values.equal(every[name][above])


def test_each_point_speaks_for_its_own_place() -> None:
    """Boxes lie around their points, (4, 4), (12, 4) … row after row."""
    boxes = seeded(width=4).eval().points(torch.rand(1, 3, 16, 24)).boxes[0]
    centres = torch.tensor([[x, y] for y in (4.0, 12.0) for x in (4.0, 12.0, 20.0)])
    assert (boxes[:, :2] < centres).all()
    assert (boxes[:, 2:] > centres).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DigitDetector(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: DigitDetector(width=0), "width must be at least 1, got 0"),
        (lambda: DigitDetector(score_floor=1.0), r"score_floor must be in \[0, 1\), got 1.0"),
        (lambda: DigitDetector()(torch.rand(1, 3, 20, 16)), "multiples of 8, got 20 x 16"),
        (lambda: DigitDetector()(torch.rand(3, 16, 16)), r"\(n, 3, H, W\), got \(3, 16, 16\)"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_classes_that_the_model_does_not_have_are_refused(scenes: DigitScenes) -> None:
    with pytest.raises(ValueError, match="build the model with num_classes=10"):
        train_detector(DigitDetector(num_classes=9), scenes)


def test_gradients_reach_every_weight(scenes: DigitScenes) -> None:
    model = seeded(width=4)
    train_detector(model, scenes, epochs=1, batch_size=24)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_short_training_finds_digits(scenes: DigitScenes) -> None:
    """Where they are, not yet which they are; on the scenes it saw."""
    model = seeded(width=8)
    losses = train_detector(model, scenes, epochs=30)
    assert len(losses) == 30 * 3
    assert sum(losses[-6:]) < 0.5 * sum(losses[:6])
    with torch.no_grad():
        found = model.eval()(scenes.images)
    sweep = td.DetectionSweep(num_classes=1)
    targets = [{**true, "labels": true["labels"] * 0} for true in targets_of(scenes)]
    sweep.update([{**image, "labels": image["labels"] * 0} for image in found], targets)
    assert sweep.compute().average_precision().max() > 0.7


def test_scenes_without_digits_give_finite_losses() -> None:
    empty = digit_scenes(2, size=32, min_digits=0, max_digits=0)
    losses = train_detector(seeded(width=2), empty, epochs=2)
    assert torch.tensor(losses).isfinite().all()


def test_training_is_repeatable_and_leaves_random_state_and_mode(scenes: DigitScenes) -> None:
    one, other = seeded(width=2).eval(), seeded(width=2).eval()
    state = torch.get_rng_state()
    calls: list[tuple[int, float]] = []
    first = train_detector(one, scenes, epochs=1, seed=4, on_step=lambda *call: calls.append(call))
    assert calls == list(enumerate(first))
    assert torch.equal(torch.get_rng_state(), state)
    assert not one.training
    torch.manual_seed(99)
    assert train_detector(other, scenes, epochs=1, seed=4) == pytest.approx(first, rel=1e-4)
    assert train_detector(seeded(width=2), scenes, epochs=1, seed=5) != first


def test_a_point_belongs_to_the_nearest_centre() -> None:
    """Inside the box only: the third is too narrow for the point on its left."""
    boxes = torch.tensor([[0.0, 0, 24, 24], [12, 0, 36, 24], [49, 0, 55, 24]])  # around 12, 24, 52
    labels, own = _assign(boxes, torch.tensor([7, 3, 1]), _places(3, 7))
    assert labels.view(3, 7).tolist() == [[7, 7, 3, 3, -1, -1, 1]] * 3
    assert own.view(3, 7, 4)[1, 1].equal(boxes[0])
    assert own.view(3, 7, 4)[1, 3].equal(boxes[1])
    nothing, _ = _assign(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), _places(3, 5))
    assert nothing.eq(-1).all()


@pytest.mark.parametrize(
    ("other", "value"),
    [
        pytest.param([0, 0, 4, 4], 1.0, id="the same"),
        pytest.param([0, 0, 4, 2], 0.5, id="half of it"),
        pytest.param([2, 2, 6, 6], 4 / 28 - 8 / 36, id="a corner in common"),
        pytest.param([4, 0, 8, 4], 0.0, id="beside it"),
        pytest.param([8, 0, 12, 4], -16 / 48, id="apart"),
    ],
)
def test_generalised_iou_worked_by_hand(other: list[float], value: float) -> None:
    one = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    found = _generalised_iou(one, torch.tensor([other], dtype=torch.float32))
    assert float(found) == pytest.approx(value)
