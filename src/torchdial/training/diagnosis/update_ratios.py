"""Steps that are too large or too small for the weights they change, or of exactly zero.

The update of a weight over the weight, in L2 norms, is about 10⁻³ in runs that learn well (A.
Karpathy, Stanford CS231n, "Ratio of weights:updates"); 10⁻⁴ … 10⁻² is the usual band around it.
Judged are weights of two or more dimensions, by the median of 20 samples, after the first 5 % of
the steps (or after 100 steps, where the length is not known).

Healthy runs leave the band: updates of 1 to 6 % are seen while small networks take their first
hundred steps or warm up, and fine-tuning makes steps under 10⁻⁴. So a ratio that is out by ten
times is reported at once, of the network (its median weight) or of a single weight; and the
network's ratio that is out by twice is reported after 200 steps (and 20 samples). Too small is
reported only while the learning rate is at work and the loss is not low yet: a run that winds down,
or has learned, makes small steps.

A learning rate of exactly zero is reported after 20 points in a row: a warm-up begins at zero for
one step, and a cosine or linear schedule ends there, at its last.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.exploding_and_vanishing_gradients import find_vanishing
from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.loss_plateau import LEARNED_SHARE, THINNED_POINTS, at_work
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite, median, row_medians
from torchdial.training.diagnosis.run_view import Floats, Layers, RunView
from torchdial.training.history.measured_names import LEARNING_RATE

LOW_RATIO, HIGH_RATIO = 1e-4, 1e-2
FAR_OFF = 10.0
LASTING_OFF = 2.0
LASTING_OFF_STEPS = 200
RATIO_SAMPLES = 20
EARLY_SHARE = 0.05
EARLY_STEPS = 100
ZERO_RATE_POINTS = 20


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
    middle = median(ratios[known])
    if not LOW_RATIO / FAR_OFF <= middle <= HIGH_RATIO * FAR_OFF:
        return None, middle
    usual = np.sqrt(LOW_RATIO * HIGH_RATIO)
    distance = np.abs(np.log(np.maximum(ratios[known], 1e-30) / usual))
    row = int(known[distance.argmax()])
    ratio = float(ratios[row])
    return None if LOW_RATIO / FAR_OFF <= ratio <= HIGH_RATIO * FAR_OFF else (row, ratio)


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
    if len(known) and (
        known.min() > LASTING_OFF * HIGH_RATIO or known.max() < LOW_RATIO / LASTING_OFF
    ):
        return median(known)
    return None


def find_unusual_updates(run: RunView) -> Iterator[Finding]:
    """Find steps that do not suit their weights."""
    early = EARLY_STEPS if run.total_steps is None else EARLY_SHARE * run.total_steps
    layers = run.layers("update_ratio", max(LASTING_OFF_STEPS, 2 * RATIO_SAMPLES))
    if layers is None or run.step - run.first_step < early:
        return
    found = off(_medians(layers)) or _lasting(run, layers)
    if found is None:
        return
    row, ratio = found
    if ratio < LOW_RATIO and not _should_move(run):
        return
    where = None if row is None else layers.names[row]
    yield Finding(run.step, "update_ratio", where, _message(where, ratio), {"ratio": ratio})


def _medians(layers: Layers) -> Floats:
    """Each weight's median over its newest 20 samples, NaN where there are fewer."""
    newest = _moving(layers)[:, -2 * RATIO_SAMPLES :]
    enough = np.isfinite(newest).sum(axis=1) >= RATIO_SAMPLES
    return np.where(enough, row_medians(newest), np.nan)


def _moving(layers: Layers) -> Floats:
    """The ratios without zeros: that a weight stands still is for other rules to explain."""
    return np.where(layers.mean > 0, layers.mean, np.nan).astype(np.float64)


def _lasting(run: RunView, layers: Layers) -> tuple[None, float] | None:
    since = run.step - LASTING_OFF_STEPS
    if since < run.first_step or len(layers.steps) < RATIO_SAMPLES:
        return None
    recent = _moving(layers)[
        :, min(np.searchsorted(layers.steps, since), len(layers.steps) - RATIO_SAMPLES) :
    ]
    stretches = np.array_split(recent, recent.shape[1] // (RATIO_SAMPLES // 4), axis=1)
    ratio = stays_off(np.array([_middle(row_medians(part)) for part in stretches]))
    return None if ratio is None else (None, ratio)


def _middle(values: Floats) -> float:
    known = finite(values)
    return median(known) if len(known) else float("nan")


def _message(where: str | None, ratio: float) -> str:
    advice = (
        "lower the learning rate, or warm up"
        if ratio > HIGH_RATIO
        else "it hardly learns; raise the learning rate"
    )
    return (
        f"each step changes {where or 'the weights'} by {number(ratio)} of its size (0.0001 to "
        f"0.01 is usual): {advice}"
    )


def _should_move(run: RunView) -> bool:
    if any(find_vanishing(run)):  # which says it better
        return False
    rate = run.rate()
    if rate and not at_work(run.whole(rate, THINNED_POINTS)):
        return False
    levels = run.levels.values()
    return not any(level.best < LEARNED_SHARE * level.start for level in levels)


def idle(rates: Floats) -> bool:
    """Return whether a rate has been zero for the last 20 points.

    Example:
        >>> idle(np.zeros(20)), idle(np.array([0.1] + 19 * [0.0]))
        (True, False)
    """
    return len(rates) >= ZERO_RATE_POINTS and not np.any(rates[-ZERO_RATE_POINTS:])


def find_zero_rates(run: RunView) -> Iterator[Finding]:
    """Find parameter groups whose learning rate is zero."""
    for name in run.measured(LEARNING_RATE):
        points = run.newest(name, ZERO_RATE_POINTS)
        if not idle(points.values):
            continue
        ever = bool(np.any(run.whole(name, 1_000)))
        why = "the schedule has run out" if ever else "no schedule has raised it"
        message = (
            f"the learning rate ({name}) has been exactly 0 for {ZERO_RATE_POINTS} steps: "
            f"{why}, and training changes nothing"
        )
        evidence = {"points": float(ZERO_RATE_POINTS), "ever": float(ever)}
        yield Finding(int(points.steps[0]), "zero_lr", name, message, evidence)
