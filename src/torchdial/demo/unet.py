"""A small U-Net and a short training loop that fits it to digit scenes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from torchdial.demo.digit_scenes import DigitScenes
from torchdial.demo.training_loop import check_images, check_positive, fit

Target: TypeAlias = Literal["masks", "classes"]
Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]

_UNET_STRIDE = 8


class UNet(nn.Module):
    """A U-Net with three halvings of the resolution, returning logits.

    It normalises with group norm, so that it behaves the same in training and in
    evaluation mode, and for a batch of one.

    Args:
        in_channels: Channels of the input, at least 1.
        out_channels: Channels of the output: 1 for masks, 11 for the classes of
            digit scenes.
        width: Channels at full resolution, at least 1; doubled at every halving.

    Raises:
        ValueError: If an argument is not at least 1.

    Example:
        >>> logits = UNet(width=4)(torch.zeros(2, 3, 64, 96))
        >>> logits.shape
        torch.Size([2, 1, 64, 96])
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 1, width: int = 12) -> None:
        """Build the layers; weights come from torch's global generator, as in any module."""
        super().__init__()
        check_positive("in_channels", in_channels)
        check_positive("out_channels", out_channels)
        check_positive("width", width)
        self.in_channels = in_channels
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList(
            _block(before, after)
            for before, after in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            _block(deep + skip, skip)
            for deep, skip in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch of images.

        Args:
            images: Float (n, in_channels, H, W), with H and W divisible by 8.

        Returns:
            Logits, float (n, out_channels, H, W); take their sigmoid (one channel) or
            softmax (several) for probabilities.

        Raises:
            ValueError: If the shape is another one.
        """
        check_images(images, self.in_channels, _UNET_STRIDE)
        skips: list[Tensor] = []
        # Convolutions are faster in this layout on a CPU, and give the same result.
        x = images.contiguous(memory_format=torch.channels_last)
        for block in self.down:
            x = block(functional.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        skips.pop()  # the deepest features are x itself
        for block in self.up:
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0), skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def train_unet(
    model: nn.Module,
    scenes: DigitScenes,
    *,
    epochs: int = 8,
    batch_size: int = 16,
    lr: float = 6e-3,
    seed: int = 0,
    target: Target = "masks",
    on_step: Callable[[int, float], object] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
) -> list[float]:
    """Fit a model to scenes, on the device the model is on.

    Adam with a one-cycle learning rate. The loss of masks is binary cross
    entropy, that of classes is cross entropy. The model's weights change in place; its
    training or evaluation mode is put back afterwards. The loop itself neither reads
    nor changes torch's global random state.

    On 240 scenes of 96 x 96 pixels the defaults learn masks in about 20 seconds on two
    CPU cores. Classes are far harder: in that time a model learns where ink is (one
    minus the background's probability), but not which digit it is.

    Args:
        model: Maps float32 (n, 3, H, W) to logits (n, 1, H, W) for masks, or
            (n, C, H, W) for classes 0 to C - 1: 11 of them unless you replaced them.
        scenes: What to fit.
        epochs: Passes over the scenes, at least 1.
        batch_size: Scenes per step, at least 1.
        lr: The highest learning rate, above 0.
        seed: Chooses the order of the scenes.
        target: ``"masks"`` or ``"classes"``.
        on_step: Called after every step with its number, from 0, and its loss.
        optimizer: Adam over the model's parameters, for a monitor to watch; None makes one.

    Returns:
        The loss of every step; epochs * ceil(len(scenes) / batch_size) of them.

    Raises:
        ValueError: If an argument is out of the range given above, or the model's
            output has another shape.

    Example:
        >>> from torchdial.demo import digit_scenes
        >>> losses = train_unet(UNet(width=4), digit_scenes(8, size=32), epochs=2)
        >>> len(losses)
        2
    """
    if target not in get_args(Target):
        raise ValueError(
            f'target must be "masks" or "classes", got {target!r}; pass one of the two.'
        )
    device = next(model.parameters()).device
    images = scenes.images.to(device)
    wanted = (scenes.masks if target == "masks" else scenes.classes).to(device)
    loss_of: Loss = _mask_loss if target == "masks" else functional.cross_entropy

    def loss_of_batch(batch: Tensor) -> Tensor:
        logits = model(images[batch])
        _check_logits(logits, wanted[batch], target)
        return loss_of(logits, wanted[batch])

    return fit(
        model,
        len(scenes),
        loss_of_batch,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        on_step=on_step,
        optimizer=optimizer,
    )


def _block(before: int, after: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each normalised and rectified."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [
            # The norm has its own shift, which makes a bias here redundant.
            nn.Conv2d(channels, after, kernel_size=3, padding=1, bias=False),
            nn.GroupNorm(math.gcd(after, 4), after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _mask_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Binary cross entropy of (n, 1, H, W) logits and (n, H, W) masks."""
    return functional.binary_cross_entropy_with_logits(logits, masks[:, None].to(logits.dtype))


def _check_logits(logits: Tensor, wanted: Tensor, target: Target) -> None:
    n, height, width = wanted.shape
    least = 1 if target == "masks" else int(wanted.max()) + 1
    channels = logits.shape[1] if logits.ndim == 4 else 0
    fits = channels == 1 if target == "masks" else channels >= least
    if not fits or logits.shape[0] != n or logits.shape[2:] != (height, width):
        raise ValueError(
            f"for target={target!r} the model must return logits of shape "
            f"{(n, least, height, width)}, got {tuple(logits.shape)}; build it with "
            f"out_channels={least}."
        )
