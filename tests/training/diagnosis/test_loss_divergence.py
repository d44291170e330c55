"""Losses that leave for good."""

import numpy as np
import pytest

from torchdial.training import History
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.diagnosis.loss_divergence import diverged, lost
from torchdial.training.diagnosis.losses import Level

BEGUN = Level(start=2.3, best=2.3, noise=np.inf)
LEARNED = Level(start=2.3, best=0.3, noise=0.05)


@pytest.mark.parametrize(
    ("recent", "level", "far", "gone"),
    [
        pytest.param(np.full(20, 5.0), BEGUN, True, False, id="twice what it began with"),
        pytest.param(np.full(20, 4.0), BEGUN, False, False, id="a bulge in warm-up"),
        pytest.param(np.full(20, 2.0), LEARNED, False, True, id="most of what was won is lost"),
        pytest.param(np.full(20, 1.0), LEARNED, False, False, id="a third is lost"),
        pytest.param(np.full(19, 9.0), BEGUN, False, False, id="too few points"),
        pytest.param(
            np.r_[np.full(8, 99.0), np.full(12, 0.3)], LEARNED, False, False, id="some batches"
        ),
        pytest.param(np.full(20, -1.0), Level(-3.0, -9.0, 0.1), False, True, id="below zero"),
    ],
)
def test_divergence(recent, level, far, gone):
    assert diverged(recent, level) is far
    assert lost(recent, level) is gone


def kinds(**losses):
    history = History()
    for name, values in losses.items():
        for step, value in enumerate(values, start=1):
            history.record(step, {name: value})
    return [event.kind for event in Diagnosis(history).look(final=True)]


def test_rivals_may_rise_while_another_falls():
    up, down = np.linspace(0.7, 5.0, 200), np.linspace(1.4, 0.2, 200)
    assert kinds(g_loss=up, d_loss=down) == []
    assert kinds(g_loss=up, d_loss=up) == ["divergence", "divergence"]
