"""AMP's loss scale collapses: the gradients are not finite at any scale.

A GradScaler halves the scale at each overflow and doubles it again after 2,000 steps, so a few
halvings at the beginning and one now and then are usual. The thresholds: below 1 (where DeepSpeed's
and fairseq's scalers give up) a scale makes gradients smaller instead of larger; ten halvings
within 20 points mean that lowering it does not help.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite
from torchdial.training.diagnosis.run_view import Floats, RunView
from torchdial.training.history.measured_names import AMP_SCALE

COLLAPSED_SCALE = 1.0
COLLAPSED_FALL = 2.0**10
SCALE_POINTS = 20


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
        highest = scales[max(0, i - SCALE_POINTS) : i + 1].max()
        if scale < COLLAPSED_SCALE or (scale > 0 and highest / scale >= COLLAPSED_FALL):
            return i
    return None


def find_collapsed_scale(run: RunView) -> Iterator[Finding]:
    """Find that the scale has collapsed."""
    points = run.points(next(iter(run.measured(AMP_SCALE)), AMP_SCALE), SCALE_POINTS)
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
