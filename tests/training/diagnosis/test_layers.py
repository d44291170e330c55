"""Rules about layers: exploding, vanishing, dead, never reached, steps of the wrong size."""

import math

import numpy as np
import pytest

from torchdial.training.diagnosis.dead_layers import dead_end, zeros
from torchdial.training.diagnosis.exploding_and_vanishing_gradients import (
    exploded,
    reference,
    vanished,
)
from torchdial.training.diagnosis.update_ratios import off, stays_off

NAN = math.nan


@pytest.mark.parametrize(
    ("recent", "first", "expected"),
    [
        pytest.param([1, 2, 3], [1, 1, 1], [], id="as usual"),
        pytest.param([500, 200, 3], [1, 1, 1], [0, 1], id="the one that grew most first"),
        pytest.param([5, 3], [1e-6, 1], [], id="a branch that began at zero"),
        pytest.param([5, 3], [0, 1], [], id="at exactly zero"),
        pytest.param([500, NAN], [1, NAN], [0], id="some are not known"),
        pytest.param([500], [NAN], [], id="none is known"),
    ],
)
def test_exploded(recent, first, expected):
    assert exploded(np.array(recent, float), np.array(first, float)) == expected


def test_reference_passes_over_steps_without_gradient():
    norms = np.array([[NAN, 5.0, NAN, 1.0, 3.0, 99.0], [2.0, NAN, 2.0, NAN, NAN, NAN]], np.float32)
    assert reference(["critic", "rare"], norms) == {"critic": 3.0}


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [
        pytest.param([1e-2, 1e-1, 1.0], None, id="a gentle fall"),
        pytest.param([1e-7, 1e-4, 1e-1, 1.0], (0, 3), id="a sigmoid chain"),
        pytest.param([1.0, 1e-2, 1e-7], None, id="growing towards the input is something else"),
        pytest.param([0.0, 1e-3, 1.0], None, id="exactly zero is dead, not faded"),
        pytest.param([NAN, 1e-9, 1.0], (1, 2), id="one without gradient"),
        pytest.param([], None, id="no weights"),
    ],
)
def test_vanished(gradients, expected):
    assert vanished(np.array(gradients)) == expected


def test_zeros_count_readings_not_columns():
    norms = np.array([[1, 0, 0], [0, NAN, 0], [0, 0, NAN], [NAN, NAN, NAN]], np.float32)
    count = np.array([[8, 8, 4], [8, 0, 4], [8, 8, 1], [0, 0, 0]], np.int32)
    since, readings = zeros(norms, count)
    assert readings.tolist() == [12, 12, 0, 0]
    assert since.tolist() == [1, 0, 3, 0]


NAMES = ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight"]


@pytest.mark.parametrize(
    ("dead", "where"),
    [
        pytest.param("     ", None, id="none"),
        pytest.param("xxx  ", "a.weight", id="ReLU after a: b's weight has no input, its bias has"),
        pytest.param("xxxxx", "c.weight", id="all"),
        pytest.param("    x", "c.weight", id="no bias to tell"),
        pytest.param("  x  ", "b.weight", id="a weight alone"),
    ],
)
def test_dead_end(dead, where):
    assert dead_end(NAMES, np.array([mark == "x" for mark in dead])) == where


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        pytest.param([1e-4, 1e-3, 1e-2], None, id="in the band"),
        pytest.param([3e-2, 4e-2, 5e-2], None, id="a little out"),
        pytest.param([0.3, 0.3, 0.01], (None, 0.3), id="the network, too large"),
        pytest.param([3e-6, 3e-6, 1e-3], (None, 3e-6), id="the network, too small"),
        pytest.param([1e-3, 1e-3, 0.5], (2, 0.5), id="one weight, too large"),
        pytest.param([1e-3, 1e-6, 1e-3], (1, 1e-6), id="one weight, too small"),
        pytest.param([NAN, 1e-3], None, id="one is not known"),
        pytest.param([NAN], None, id="none is known"),
    ],
)
def test_update_ratio_far_off(ratios, expected):
    assert off(np.array(ratios)) == expected


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        pytest.param([0.03, 0.03, 0.03], 0.03, id="too large all the time"),
        pytest.param([2e-5, 2e-5, 2e-5], 2e-5, id="too small all the time"),
        pytest.param([0.03, 0.005, 0.03], None, id="now and then"),
        pytest.param([0.03, 1e-5], None, id="first this, then that"),
        pytest.param([NAN, NAN], None, id="not known"),
    ],
)
def test_update_ratio_that_stays_off(medians, expected):
    assert stays_off(np.array(medians)) == expected
