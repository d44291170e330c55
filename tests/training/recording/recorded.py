"""A run with some of everything, and whether two runs are the same."""

from __future__ import annotations

import math

import numpy as np

from torchdial.training import Event, History

NAMES = ["conv.weight", "conv.bias", "head.weight"]


def fill(history: History, start: int, stop: int) -> None:
    """Record some steps of a run; what is recorded depends on the step alone."""
    for step in range(start, stop):
        loss = math.nan if step == 13 else 1 / (1 + step)
        history.record(step, {"loss": loss, "lr": 0.1}, time=step / 8)
        values = np.array([step, -step, math.inf if step == 7 else 1], np.float32)
        history.record_layers("grad_norm", NAMES, step, values)
        history.record_layers("update_ratio", NAMES[: 1 + step % 3], step, values[: 1 + step % 3])
        if step % 10 == 0:
            history.record({True: -step}.get(step == 20, step), {"val/loss": loss}, time=step / 8)
            history.record_histograms(NAMES, step, np.full((3, 4), step), exponents=[-1, 0, 1])
            evidence = {"loss": loss, "limit": math.inf}
            history.add_event(Event(step, "plateau", "loss", "nothing moves", evidence, step / 8))


def recorded(count: int) -> History:
    history = History("run 7", {"lr": 0.1, "layers": [3, 4], "path": "a/b"})
    fill(history, 0, count)
    return history


def check_same(one: History, other: History) -> None:
    assert (one.name, one.config) == (other.name, other.config)
    assert (one.started, one.start_step) == (other.started, other.start_step)
    assert one.names == other.names
    for name in one.names:
        for mine, theirs in zip(one[name].since(0), other[name].since(0), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert list(one.layers) == list(other.layers)
    for name, matrix in one.layers.items():
        twin = other.layers[name]
        assert (matrix.names, matrix.stride) == (twin.names, twin.stride)
        for part in ("steps", "max", "mean", "count"):
            np.testing.assert_array_equal(getattr(matrix, part), getattr(twin, part))
    check_same_histograms(one, other)
    assert repr(one.events) == repr(other.events)  # NaN is not equal to itself


def check_same_histograms(one: History, other: History) -> None:
    mine, theirs = one.histograms, other.histograms
    assert (mine is None) == (theirs is None)
    if mine is None or theirs is None:
        return
    assert (mine.names, mine.exponents) == (theirs.names, theirs.exponents)
    assert mine.steps.tolist() == theirs.steps.tolist()
    for step in mine.steps.tolist():
        a, b = mine.at(step), theirs.at(step)
        assert a is not None
        assert b is not None
        np.testing.assert_array_equal(a[1], b[1])
