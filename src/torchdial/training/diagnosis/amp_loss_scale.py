"""AMP's loss scale that collapses: the gradients are not finite at any scale.

A scale is halved at each overflow and doubles again after 2,000 steps, so a few halvings at the
beginning are how it is found, and one now and then is usual. The thresholds: below 1 (where
DeepSpeed's and fairseq's scalers give up) it makes gradients smaller, not larger; and ten halvings
within 20 points mean that lower did not help.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite
from torchdial.training.diagnosis.run_view import Floats, Reading
from torchdial.training.history.measured_names import AMP_SCALE

LEAST = 1.0
FALL = 2.0**10
WINDOW = 20


def collapsed(scales: Floats) -> int | None:
    """Return the index at which a scale has collapsed, or None.

    Args:
        scales: (n,) the scale, in order; the last 20 count.

    Example:
        >>> collapsed(np.array([65536.0, 32768.0, 16384.0])) is None
        True
        >>> collapsed(2.0 ** np.arange(16, -5, -1))
        10
    """
    for i, scale in enumerate(scales):
        highest = scales[max(0, i - WINDOW) : i + 1].max()
        if scale < LEAST or (scale > 0 and highest / scale >= FALL):
            return i
    return None


def judge(reading: Reading) -> Iterator[Finding]:
    """Find that the scale has collapsed."""
    points = reading.points(next(iter(reading.measured(AMP_SCALE)), AMP_SCALE), WINDOW)
    scales = np.where(np.isfinite(points.values), points.values, 0.0)
    if points.fresh == len(scales) or not len(finite(scales)):
        return
    i = collapsed(scales)
    if i is None:
        return
    message = (
        f"AMP's loss scale has collapsed, {number(scales.max())} → {number(scales[i])}: gradients "
        "overflow at any scale, so look for NaN or infinity in the model; bfloat16 needs no scale"
    )
    evidence = {"scale": float(scales[i]), "highest": float(scales.max())}
    yield Finding(int(points.steps[i]), "amp_collapse", None, message, evidence)
