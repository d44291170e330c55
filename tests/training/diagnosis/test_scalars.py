"""Rules about one scalar: the AMP scale, the learning rate, the wait for data."""

import numpy as np
import pytest

from torchdial.training import History
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.diagnosis.amp_loss_scale import collapsed
from torchdial.training.diagnosis.data_wait import waiting
from torchdial.training.diagnosis.update_ratios import idle

START = 65536.0


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        pytest.param(np.full(100, START), None, id="constant"),
        pytest.param(START / 2 ** np.arange(6), None, id="how a scale is found"),
        pytest.param(np.repeat(START / 2 ** np.arange(12), 20), None, id="slowly, over 240 steps"),
        pytest.param(START / 2 ** np.arange(12), 10, id="ten halvings in a row"),
        pytest.param([2.0, 1.0, 0.5], 2, id="below one"),
    ],
)
def test_scale(scales, expected):
    assert collapsed(np.asarray(scales)) == expected


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        pytest.param([0.0] + 30 * [0.1], False, id="a warm-up's first step"),
        pytest.param(np.cos(np.linspace(0, np.pi / 2, 50)), False, id="a cosine's last step"),
        pytest.param(19 * [0.0], False, id="too early to say"),
        pytest.param(20 * [0.0], True, id="never raised"),
        pytest.param(30 * [0.1] + 20 * [0.0], True, id="run out"),
    ],
)
def test_rate_of_zero(rates, expected):
    assert idle(np.asarray(rates)) is expected


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        pytest.param(np.full(5, 0.49), None, id="just under half"),
        pytest.param(np.full(5, 0.8), 0.8, id="most of the time"),
        pytest.param(np.array([0.99, 0.99, 0.1, 0.1, 0.1]), None, id="a slow start of an epoch"),
        pytest.param(np.full(4, 0.9), None, id="too few"),
    ],
)
def test_waiting(shares, expected):
    assert waiting(shares) == expected


def test_each_group_of_rates_is_judged_by_itself():
    history = History()
    for step in range(1, 60):
        history.record(step, {"loss": 1.0, "lr/0": 0.1, "lr/1": 0.0})
    (event,) = Diagnosis(history).look()
    assert (event.kind, event.where) == ("zero_lr", "lr/1")
