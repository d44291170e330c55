"""Losses that jump, and the layers whose gradients did."""

import numpy as np
import pytest

from torchdial.training.diagnosis.loss_spikes import first_riser, spikes
from torchdial.training.diagnosis.run_view import Layers

rng = np.random.default_rng(0)
NOISE = rng.normal(size=300)


def at(place, value, values):
    values = np.array(values)
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("values", "start", "expected"),
    [
        pytest.param(1 + 0.05 * NOISE, 2.3, [], id="noise"),
        pytest.param(at(250, 3.0, 1 + 0.05 * NOISE), 2.3, [250], id="one point far up"),
        pytest.param(at(250, -3.0, 1 + 0.05 * NOISE), 2.3, [], id="far down is no spike"),
        pytest.param(at(slice(250, 255), 2.0, 1 + 0.05 * NOISE), 10.0, [250], id="small, lasting"),
        pytest.param(
            at(slice(250, 254), 2.0, 1 + 0.05 * NOISE), 10.0, [], id="small, four batches"
        ),
        pytest.param(
            at([200, 250], [2.9, 3.0], 1 + 0.05 * NOISE), 2.3, [200], id="as high as one before"
        ),
        pytest.param(at(250, 0.02, 1e-3 + 1e-5 * NOISE), 2.3, [], id="next to nothing"),
        pytest.param(np.linspace(2.3, 0.1, 300), 2.3, [], id="steady fall"),
        pytest.param(np.geomspace(2.3, 1e9, 300), 2.3, [], id="growth has its own word"),
        pytest.param(at(20, 9.0, 1 + 0.05 * NOISE), 2.3, [], id="too early to say"),
        pytest.param(at(250, np.nan, 1 + 0.05 * NOISE), 2.3, [], id="NaN has its own word"),
    ],
)
def test_spikes(values, start, expected):
    assert [spike.at for spike in spikes(values, 0, start)] == expected


def test_no_false_alarm_in_a_hundred_thousand_noisy_points():
    noise = np.random.default_rng(1).lognormal(0.0, 0.4, 100_000)
    assert spikes(0.1 * noise, 0, start=2.3) == []


@pytest.mark.parametrize("seed", range(5))
def test_finds_what_the_rule_in_words_finds(seed):
    generator = np.random.default_rng(seed)
    values = generator.lognormal(0.0, 1.0, 600)
    values[[310, 400, 480, 560]] *= [30, 99, 500, 2000]
    values[generator.integers(0, 600, 9)] = np.nan
    values[generator.integers(0, 600, 3)] = np.inf
    for fresh in (0, 299):
        found = [spike.at for spike in spikes(values, fresh, 3.0)]
        assert found == [i for i in range(fresh, 600) if is_spike(values, i, 3.0)]
        assert found, "a case without a spike proves little"


def is_spike(values, i, start):
    """Say what the docstring of the module says, point by point."""
    before = [v for v in values[max(0, i - 200) : i] if np.isfinite(v)]
    nearest = values[max(0, i - 30) : i]
    if len(nearest) < 30 or len(before) < 30 or not np.isfinite(values[i]):
        return False
    if not values[i] > np.nanmax(nearest):
        return False
    usual = float(np.median(before[-30:]))
    if usual > 2 * start:
        return False
    spread = 1.4826 * np.median(np.abs(np.array(before[-30:]) - usual))
    highest = max(before[k] - np.median(before[k - 29 : k + 1]) for k in range(29, len(before)))
    least = max(8 * spread, 2 * max(highest, 0))
    won = max(abs(start - usual), abs(usual))
    rises = values[i : i + 5] - usual
    stays = len(rises) == 5 and all(rise > max(least, won / 10) for rise in rises)
    return rises[0] > max(least, 1.25 * won) or stays


def test_points_judged_before_are_only_looked_back_on():
    values = at(250, 3.0, 1 + 0.05 * NOISE)
    assert spikes(values, 251, 2.3) == []


def layers(norms):
    norms = np.asarray(norms, np.float32)
    steps = np.arange(1, norms.shape[1] + 1)
    return Layers(["stem", "head"], steps, norms, norms, np.ones(norms.shape, np.int32))


def test_first_riser_is_the_layer_that_rose_first():
    norms = 1 + 0.1 * rng.normal(size=(2, 100))
    norms[1, 97:] = 9.0  # step 98
    norms[0, 98:] = 99.0  # step 99
    name, step, ratio = first_riser(layers(norms), step=99)
    assert (name, step) == ("head", 98)
    assert ratio == pytest.approx(9, rel=0.1)


def test_no_riser_among_steady_layers():
    assert first_riser(layers(1 + 0.1 * rng.normal(size=(2, 100))), step=99) is None
