"""Losses that stand still."""

import numpy as np
import pytest

from torchdial.training.diagnosis.loss_plateau import at_work, most_gained, stuck

rng = np.random.default_rng(0)
NOISE = rng.normal(size=400)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(1 + 0.01 * NOISE, True, id="level, little noise"),
        pytest.param(1 + 0.3 * NOISE, False, id="noise hides the course"),
        pytest.param(np.linspace(1.0, 0.95, 400) + 0.01 * NOISE, False, id="slow but sure"),
        pytest.param(0.1 + 0.001 * NOISE, False, id="low: it has learned"),
        pytest.param(np.linspace(1.0, 1.5, 400), True, id="rising is no progress"),
    ],
)
def test_stuck(values, expected):
    assert stuck(values, start=2.3) is expected


def test_most_gained_is_a_bound_with_confidence():
    gained = [most_gained(1 + 0.1 * rng.normal(size=300)) for _ in range(200)]
    assert np.mean(np.array(gained) > 0) > 0.95  # the truth, 0, is under it


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        pytest.param([], True, id="no rate was recorded"),
        pytest.param(np.full(50, 0.1), True, id="constant"),
        pytest.param(np.linspace(0, 1, 50), False, id="warm-up"),
        pytest.param(np.cos(np.linspace(0, 1.5, 50)), False, id="cosine's end"),
        pytest.param(np.cos(np.linspace(0, 0.8, 50)), True, id="cosine's middle"),
        pytest.param(np.r_[np.full(40, 1.0), np.full(10, 0.1)], False, id="dropped to a tenth"),
    ],
)
def test_at_work(rates, expected):
    assert at_work(np.asarray(rates, float)) is expected
