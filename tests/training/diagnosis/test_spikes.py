"""Losses that jump, and the layers whose gradients did."""

import numpy as np
import pytest

from torchdial.training.diagnosis.reading import Layers
from torchdial.training.diagnosis.spikes import first_riser, spikes

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
