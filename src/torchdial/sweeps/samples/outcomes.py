"""The outcome of each sample at a setting, as js/src/lib/classification/outcomes.ts has it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from torchdial.sweeps.samples.classification_frame import ClassificationFrame

Flags = npt.NDArray[np.bool_]


class Outcomes(NamedTuple):
    """Which samples are which, bool (N,) each; ignored samples are none of these.

    Where there may be no answer, tp are right answers, fp wrong ones, and fn samples without one.
    With several labels a sample is fp where any of its labels is, and fn likewise.
    """

    tp: Flags
    fp: Flags
    fn: Flags
    tn: Flags


def passed(frame: ClassificationFrame, thresholds: npt.NDArray[np.float32]) -> Flags:
    """Return which scores are above the threshold of their class, bool (C, N)."""
    scores: Flags = frame.scores.numpy()[: len(thresholds)] > thresholds[:, None]
    return scores


def answers(
    frame: ClassificationFrame, thresholds: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Return the class of the highest score of each sample, -1 where it is not above its own."""
    if frame.argmax is None:
        raise TypeError("answers are of multiclass")
    argmax = frame.argmax.numpy()
    found: npt.NDArray[np.int64] = np.where(
        frame.scores[-1].numpy() > thresholds[argmax], argmax, -1
    )
    return found


def outcomes(
    frame: ClassificationFrame, thresholds: npt.NDArray[np.float32], label: int | None
) -> Outcomes:
    """Return the outcome of each sample.

    Args:
        frame: the samples.
        thresholds: of each class, float32 (C,).
        label: a class against the rest; None for all.
    """
    truth = frame.truth.numpy()
    if frame.argmax is not None and label is None:
        given, known = answers(frame, thresholds) >= 0, truth[-1] <= 1
        right = truth[-1] == 1
        nothing = np.zeros_like(right)
        return Outcomes(given & right, given & ~right & known, ~given & known, nothing)
    rows = slice(None) if label is None else slice(label, label + 1)
    on = passed(frame, thresholds)[rows]
    yes, no = truth[: len(thresholds)][rows] == 1, truth[: len(thresholds)][rows] == 0
    fp, fn = (on & no).any(0), (~on & yes).any(0)
    clean = ~fp & ~fn
    return Outcomes(clean & (on & yes).any(0), fp, fn, clean & ~(on & yes).any(0) & no.any(0))
