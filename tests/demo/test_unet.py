"""The U-Net: its shapes, its errors, and that training it works on held-out scenes."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torchdial.demo import DigitScenes, UNet, digit_scenes, train_unet


@pytest.fixture(scope="module")
def scenes() -> DigitScenes:
    return digit_scenes(24, size=48)


def seeded_unet(**arguments: int) -> UNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNet(**arguments)


def dice(found: Tensor, wanted: Tensor) -> float:
    return float(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 24, 40), (1, 96, 96)])
def test_logits_keep_height_and_width(shape: tuple[int, int, int]) -> None:
    n, height, width = shape
    logits = UNet(2, 5, width=3)(torch.rand(n, 2, height, width))
    assert logits.shape == (n, 5, height, width)


def test_output_is_logits_and_the_same_in_either_mode() -> None:
    model, images = seeded_unet(width=4), torch.rand(2, 3, 16, 16)
    trained = model.train()(images)
    assert trained.min() < 0 or trained.max() > 1
    torch.testing.assert_close(model.eval()(images), trained)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 20, 16), "multiples of 8, got 20 x 16"),
        ((1, 3, 0, 16), "multiples of 8, got 0 x 16"),
        ((1, 1, 16, 16), r"shape \(n, 3, H, W\), got \(1, 1, 16, 16\)"),
        ((3, 16, 16), r"shape \(n, 3, H, W\), got \(3, 16, 16\)"),
    ],
)
def test_bad_shapes_are_named(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNet(width=2)(torch.rand(shape))


@pytest.mark.parametrize("name", ["in_channels", "out_channels", "width"])
def test_channels_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        UNet(**{name: 0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"lr": 0.0}, "lr must be finite and above 0, got 0.0"),
        ({"lr": float("nan")}, "lr must be finite and above 0, got nan"),
        ({"target": "boxes"}, "target must be .* got 'boxes'"),
        ({"target": "classes"}, "build it with out_channels=11"),
    ],
)
def test_bad_training_arguments_are_named(
    scenes: DigitScenes, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train_unet(UNet(width=2), scenes, **arguments)


@pytest.mark.parametrize(("target", "channels"), [("masks", 1), ("classes", 11)])
def test_a_short_training_lowers_the_loss(scenes: DigitScenes, target: Any, channels: int) -> None:
    model = seeded_unet(out_channels=channels, width=8)
    losses = train_unet(model, scenes, epochs=16, target=target)
    assert len(losses) == 16 * 2, "24 scenes are a batch of 16 and one of 8"
    assert sum(losses[-4:]) < 0.75 * sum(losses[:4])


@pytest.mark.parametrize(("target", "channels"), [("masks", 1), ("classes", 11)])
def test_scenes_without_ink_give_finite_losses(target: Any, channels: int) -> None:
    empty = digit_scenes(2, size=32, min_digits=0, max_digits=0)
    losses = train_unet(seeded_unet(out_channels=channels, width=2), empty, target=target)
    assert torch.tensor(losses).isfinite().all()


def test_every_step_is_reported(scenes: DigitScenes) -> None:
    calls: list[tuple[int, float]] = []
    losses = train_unet(
        UNet(width=2), scenes, epochs=2, on_step=lambda step, loss: calls.append((step, loss))
    )
    assert calls == list(enumerate(losses))


def test_training_is_repeatable_and_leaves_random_state_and_mode(scenes: DigitScenes) -> None:
    one, other = seeded_unet(width=2).eval(), seeded_unet(width=2).eval()
    state = torch.get_rng_state()
    first = train_unet(one, scenes, epochs=1, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert not one.training
    torch.manual_seed(99)
    assert train_unet(other, scenes, epochs=1, seed=4) == pytest.approx(first, rel=1e-4)
    assert train_unet(seeded_unet(width=2), scenes, epochs=1, seed=5) != first


def test_mode_is_put_back_when_a_callback_stops_the_training(scenes: DigitScenes) -> None:
    def stop(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    model = UNet(width=2).eval()
    with pytest.raises(KeyboardInterrupt):
        train_unet(model, scenes, on_step=stop)
    assert not model.training


def test_any_module_with_matching_logits_trains(scenes: DigitScenes) -> None:
    assert len(train_unet(nn.Conv2d(3, 1, 3, padding=1), scenes, epochs=1)) == 2


@pytest.mark.wide
def test_defaults_segment_held_out_scenes() -> None:
    """The claim of the docs: Dice of at least 0.8 on digits and textures never seen."""
    model = seeded_unet()
    train_unet(model, digit_scenes(240))
    held_out = digit_scenes(64, seed=1, split="test")
    with torch.no_grad():
        probabilities = model(held_out.images).sigmoid()[:, 0]
    wanted = held_out.masks > 0
    at_half = dice(probabilities > 0.5, wanted)
    assert 0.8 <= at_half < 0.97
    assert at_half > dice(probabilities > 0.95, wanted) + 0.05, "the threshold matters"
