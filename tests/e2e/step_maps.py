"""Probability maps of some steps of a training, for the tests of the step dial."""

from __future__ import annotations

import numpy as np

from tests.e2e import maps

STEPS = (0, 10, 20, 50, 60, 90, 100, 150, 160)
KEEP = 5


def probs_at(step: int) -> np.ndarray:
    """Return the maps of a step: better until 90, then worse; float32 (N, H, W)."""
    rng = np.random.default_rng(step)
    noise = rng.integers(0, 101, maps.probs.shape) / 100
    share = 0.6 - abs(step - 90) / 300
    return np.round(share * maps.targets + (1 - share) * noise, 2).astype(np.float32)
