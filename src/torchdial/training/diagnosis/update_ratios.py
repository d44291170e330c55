"""Steps that are too large or too small for the weights they change.

The update of a weight over the weight, in L2 norms, is about 10⁻³ in runs that learn well (A.
Karpathy, Stanford CS231n, "Ratio of weights:updates"); 10⁻⁴ … 10⁻² is the band around it. Judged
are weights of two or more dimensions, by the median of 20 samples, after the first 5 % of the
steps (or after 100 steps, where the length is not known).

Ordinary runs leave the band: updates of 1 to 6 % are seen while small networks take their first
hundred steps or warm up, and fine-tuning makes steps under 10⁻⁴. So it is said at once of ratios
that are out by ten times, of the network (its median weight) or of a single weight, and of the
network's that are out by twice for 200 steps (and 20 samples). Too small is only said while the
learning rate is at work and the loss is not low yet: a run that winds down, or has learned, rightly
makes small steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis import vanishing_gradients as vanishing
from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.loss_plateau import LEARNED, LOOKED_AT, at_work
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite, row_medians
from torchdial.training.diagnosis.run_view import Floats, Layers, Reading

LOW, HIGH = 1e-4, 1e-2
AT_ONCE = 10.0
IN_TIME = 2.0
LASTING = 200
SAMPLES = 20
AFTER_SHARE = 0.05
AFTER = 100


def off(ratios: Floats) -> tuple[int | None, float] | None:
    """Return which update ratio is off the band by ten times, if one is.

    Args:
        ratios: (L,) the weights' medians; NaN where not known.

    Returns:
        The row, or None for the network as a whole, and the ratio.

    Example:
        >>> off(np.array([1e-3, 2e-2, 1e-3])) is None
        True
        >>> off(np.array([0.5, 0.2, 0.001]))
        (None, 0.2)
        >>> off(np.array([1e-3, 0.5, 1e-3]))
        (1, 0.5)
    """
    known = np.flatnonzero(np.isfinite(ratios))
    if not len(known):
        return None
    middle = float(np.median(ratios[known]))
    if not LOW / AT_ONCE <= middle <= HIGH * AT_ONCE:
        return None, middle
    usual = np.sqrt(LOW * HIGH)
    distance = np.abs(np.log(np.maximum(ratios[known], 1e-30) / usual))
    row = int(known[distance.argmax()])
    ratio = float(ratios[row])
    return None if LOW / AT_ONCE <= ratio <= HIGH * AT_ONCE else (row, ratio)


def stays_off(medians: Floats) -> float | None:
    """Return the network's usual ratio if it is off the band by twice, and always was.

    Args:
        medians: (K,) the median over the weights in each of some stretches of time.

    Example:
        >>> stays_off(np.array([0.03, 0.05, 0.04]))
        0.04
        >>> stays_off(np.array([0.03, 0.01, 0.04])) is None
        True
    """
    known = finite(medians)
    if len(known) and (known.min() > IN_TIME * HIGH or known.max() < LOW / IN_TIME):
        return float(np.median(known))
    return None


def judge(reading: Reading) -> Iterator[Finding]:
    """Find steps that do not suit their weights."""
    early = AFTER if reading.total_steps is None else AFTER_SHARE * reading.total_steps
    layers = reading.layers("update_ratio", max(LASTING, 2 * SAMPLES))
    if layers is None or reading.step - reading.first_step < early:
        return
    found = off(_medians(layers)) or _lasting(reading, layers)
    if found is None:
        return
    row, ratio = found
    if ratio < LOW and not _should_move(reading):
        return
    where = None if row is None else layers.names[row]
    yield Finding(reading.step, "update_ratio", where, _message(where, ratio), {"ratio": ratio})


def _medians(layers: Layers) -> Floats:
    """Each weight's median over its newest 20 samples, NaN where there are fewer."""
    newest = _moving(layers)[:, -2 * SAMPLES :]
    enough = np.isfinite(newest).sum(axis=1) >= SAMPLES
    return np.where(enough, row_medians(newest), np.nan)


def _moving(layers: Layers) -> Floats:
    """The ratios without zeros: that a weight stands still is for other rules to explain."""
    return np.where(layers.mean > 0, layers.mean, np.nan).astype(np.float64)


def _lasting(reading: Reading, layers: Layers) -> tuple[None, float] | None:
    since = reading.step - LASTING
    if since < reading.first_step or len(layers.steps) < SAMPLES:
        return None
    recent = _moving(layers)[
        :, min(np.searchsorted(layers.steps, since), len(layers.steps) - SAMPLES) :
    ]
    stretches = np.array_split(recent, recent.shape[1] // (SAMPLES // 4), axis=1)
    ratio = stays_off(np.array([_middle(row_medians(part)) for part in stretches]))
    return None if ratio is None else (None, ratio)


def _middle(values: Floats) -> float:
    known = finite(values)
    return float(np.median(known)) if len(known) else float("nan")


def _message(where: str | None, ratio: float) -> str:
    advice = (
        "lower the learning rate, or warm up"
        if ratio > HIGH
        else "it hardly learns; raise the learning rate"
    )
    return (
        f"each step changes {where or 'the weights'} by {number(ratio)} of its size (0.0001 to "
        f"0.01 is usual): {advice}"
    )


def _should_move(reading: Reading) -> bool:
    if any(vanishing.judge(reading)):  # which says it better
        return False
    rate = reading.rate()
    if rate and not at_work(reading.whole(rate, LOOKED_AT)):
        return False
    levels = reading.levels.values()
    return not any(level.best < LEARNED * level.start for level in levels)
