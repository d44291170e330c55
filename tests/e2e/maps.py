"""Probability maps, logits and labels of a few small images.

Tests import this module, and notebooks run its source to get the same numbers.
"""

from __future__ import annotations

import numpy as np

N, H, W = 3, 24, 32

rng = np.random.default_rng(7)
images = rng.integers(0, 256, (N, H, W, 3), dtype=np.uint8)
probs = rng.integers(0, 101, (N, H, W)).astype(np.float32) / np.float32(100)
targets = (rng.random((N, H, W)) < probs).astype(np.uint8)
newer = np.flip(probs, axis=2).copy()
logits = rng.normal(size=(N, 4, H, W)).astype(np.float32)
labels = rng.integers(0, 4, (N, H, W))


def mask_at(probs: np.ndarray, stop: int) -> np.ndarray:
    """Return 255 where p > t in float32, 0 elsewhere: the definition."""
    return np.where(probs > np.float32(stop / 100), 255, 0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities over axis 1."""
    exponentials: np.ndarray = np.exp(logits)
    return exponentials / exponentials.sum(1, keepdims=True)
