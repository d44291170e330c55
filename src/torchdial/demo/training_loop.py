"""The training loop that the demo models share."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module,
    num_scenes: int,
    loss_of: Callable[[Tensor], Tensor],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    seed: int,
    on_step: Callable[[int, float], object] | None,
    optimizer: torch.optim.Optimizer | None = None,
) -> list[float]:
    """Fit a model with Adam and a one-cycle learning rate, and return the loss of every step.

    Args:
        model: Its weights change in place; its training or evaluation mode is put back.
        num_scenes: How many scenes there are.
        loss_of: The loss of the scenes with these indices, int64 (b,) on the model's device.
        epochs: Passes over the scenes, at least 1.
        batch_size: Scenes per step, at least 1.
        lr: The highest learning rate, above 0.
        seed: Chooses the order of the scenes.
        on_step: Called after every step with its number, from 0, and its loss.
        optimizer: Adam over the model's parameters, for a monitor to watch; None makes one.

    Raises:
        ValueError: If an argument is out of the range given above.

    Example:
        >>> model = torch.nn.Linear(1, 1)
        >>> losses = fit(model, 3, lambda batch: model(batch[:, None].float()).square().mean(),
        ...              epochs=2, batch_size=2, lr=0.01, seed=0, on_step=None)
        >>> len(losses)
        4
    """
    check_positive("epochs", epochs)
    check_positive("batch_size", batch_size)
    if not 0 < lr < math.inf:
        raise ValueError(f"lr must be finite and above 0, got {lr!r}; 1e-3 is a usual value.")
    steps = epochs * math.ceil(num_scenes / batch_size)
    if optimizer is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps)
    device = next(model.parameters()).device

    losses: list[float] = []
    was_training = model.training
    model.train()
    try:
        for batch in _batches(num_scenes, epochs, batch_size, seed):
            loss = loss_of(batch.to(device))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if on_step is not None:
                on_step(len(losses) - 1, losses[-1])
    finally:
        model.train(was_training)
    return losses


def check_positive(name: str, value: int) -> None:
    """Raise ValueError for a number below 1."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}; raise it.")


def check_images(images: Tensor, channels: int, stride: int) -> None:
    """Raise ValueError unless images are (n, channels, H, W), H and W divisible by the stride."""
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] != channels:
        raise ValueError(
            f"images must have shape (n, {channels}, H, W), got {shape}; "
            "add the batch dimension or change in_channels."
        )
    if any(side == 0 or side % stride for side in shape[2:]):
        raise ValueError(
            f"H and W must be positive multiples of {stride}, got {shape[2]} x {shape[3]}; "
            "pad, crop or resize the images."
        )


def _batches(count: int, epochs: int, batch_size: int, seed: int) -> list[Tensor]:
    """Return the shuffled indices of every step of every epoch."""
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(count, generator=generator) for _ in range(epochs)]
    return [batch for order in orders for batch in torch.split(order, batch_size)]
