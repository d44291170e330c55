"""A model of twelve equal blocks.

Tests import this module, and notebooks run its source to get the same model.
"""

from __future__ import annotations

import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01)  # so that the blocks take longest on any machine
        output: torch.Tensor = x + self.norm(self.conv(x)).relu()
        return output


class Net(nn.Module):
    """Fails in its head unless that takes 16 features."""

    def __init__(self, features: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.blocks = nn.Sequential(*(Block(16) for _ in range(12)))
        self.head = nn.Linear(features, 10)
        self.add_module("<img src=x onerror=planted()>", nn.Identity())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.head(self.blocks(self.stem(x)).mean((2, 3)))
        return output
