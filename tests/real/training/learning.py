"""A training of a few steps, and whether two of them came to the same bit for bit."""

from __future__ import annotations

import torch
from torch import nn

STEPS = 12


class Net(nn.Module):
    """Batch norm, dropout and a convolution: what depends on modes and random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of three classes for (N, 1, 6, 6)."""
        return self.head(self.drop(self.norm(self.conv(x)).relu().flatten(1)))


def digits(seed: int = 0) -> torch.utils.data.TensorDataset:
    """Return STEPS batches of 8 images and labels."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.randn(8 * STEPS, 1, 6, 6, generator=rng)
    return torch.utils.data.TensorDataset(images, torch.randint(0, 3, (8 * STEPS,), generator=rng))


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of all parameters and buffers, and the random state the training has left."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()} | {
        "random state": torch.get_rng_state()
    }
