"""A scalar's points: all of them kept, and pictures of any window that miss nothing."""

from __future__ import annotations

import math
import threading
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.inputs.error_messages import says
from tests.memory import little_memory
from tests.training.recording import slow_norms as slow
from torchdial.training.history.extremes_pyramid import Pyramid
from torchdial.training.history.series import Series

NUMBERS = st.one_of(
    st.integers(-5, 5).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
STEPS = {
    "rising": st.integers(0, 3),  # differences
    "going back": st.integers(-4, 4),
    "starting over": st.sampled_from([1, 1, 1, 1, -30]),
}


@st.composite
def series_in_parts(draw: Any, kind: str) -> list[tuple[list[int], list[float], list[float]]]:
    """Steps, values and times that come in several parts, some of them longer than a node."""
    parts, step, clock = [], 0, 0.0
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(0, 120))
        steps, times = [], []
        for difference in draw(st.lists(STEPS[kind], min_size=size, max_size=size)):
            step, clock = step + difference, clock + abs(difference) / 8
            steps.append(step)
            times.append(clock)
        calm = st.lists(st.integers(0, 3).map(float), min_size=size, max_size=size)
        wild = st.lists(NUMBERS, min_size=size, max_size=size)
        parts.append((steps, draw(st.one_of(calm, wild)), times))
    return parts


WINDOWS = st.tuples(
    st.one_of(st.none(), st.integers(-40, 120), st.floats(-50, 150)),
    st.one_of(st.none(), st.integers(0, 100), st.floats(0, 150)),
)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("x", ["step", "time", "index"])
@settings(max_examples=20)
@given(data=st.data())
def test_a_picture_has_what_stands_out_in_each_bucket(kind: str, x: Any, data: Any) -> None:
    """Against plain loops over all points, at each moment of a series that grows."""
    series = Series("loss")
    for part in data.draw(series_in_parts(kind)):
        series.extend(*part)
        buckets = data.draw(st.integers(1, 40))
        start, length = data.draw(WINDOWS)
        stop = None if length is None else (start or 0) + length
        picture = series.picture(buckets, start, stop, x)
        along = {"step": series.steps, "time": series.times, "index": np.arange(len(series))}[x]
        index, complete = slow.picture(along.tolist(), series.values.tolist(), buckets, start, stop)
        assert picture.index.tolist() == index
        assert picture.complete == complete
        np.testing.assert_array_equal(picture.y, series.values[index])
        np.testing.assert_array_equal(picture.x, along[index])


@pytest.mark.parametrize("place", [0, 31, 32, 4095, 4096, 70_000, 99_999])
def test_one_step_is_never_lost(place: int) -> None:
    values = np.zeros(100_000)
    values[place] = 1e-3
    series = filled(values)
    assert place in series.picture(50).index
    assert series.picture(50).y.max() == 1e-3
    assert series.best(highest=True) == (place, 1e-3)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_seen_beside_the_finite_extremes(odd: float) -> None:
    values = np.sin(np.arange(10_000) / 100)
    values[[5_000, 5_001]] = odd
    picture = filled(values).picture(20)
    assert picture.index[~np.isfinite(picture.y)].tolist() == [5_000]
    assert np.nanmax(picture.y[np.isfinite(picture.y)]) == np.nanmax(values[np.isfinite(values)])


def test_a_point_beyond_the_window_comes_on_each_side() -> None:
    series = filled(np.arange(10.0))
    assert series.picture(100, 3.5, 5.5).x.tolist() == [3, 4, 5, 6]
    assert series.picture(100, 3.2, 3.4).x.tolist() == [3, 4]
    assert series.picture(100, -5, 1).x.tolist() == [0, 1, 2]
    assert series.picture(100, 20, 30).x.tolist() == [9]


def test_an_empty_series_has_an_empty_picture() -> None:
    series = Series("loss")
    assert len(series.picture(10).x) == 0
    assert series.picture(10).complete
    assert series.last is None
    assert series.best(highest=False) is None


def test_the_best_is_the_first_of_equal_ones_and_finite() -> None:
    series = filled(np.array([math.nan, 3, 1, 5, 1, 5, math.inf, -math.inf]))
    assert series.best(highest=False) == (2, 1.0)
    assert series.best(highest=True) == (3, 5.0)
    assert filled(np.array([math.nan])).best(highest=True) is None


def test_append_and_extend_come_to_the_same() -> None:
    dice = np.random.default_rng(0)
    steps, values = dice.integers(0, 999, 9_000), dice.normal(size=9_000)
    one, other = Series("a"), Series("a")
    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
        one.append(step, value, step / 2)
    other.extend(steps, values, steps / 2)
    for mine, theirs in zip(one.since(0), other.since(0), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for x in ("step", "time", "index"):
        np.testing.assert_array_equal(one.picture(9, x=x).index, other.picture(9, x=x).index)


def test_arrays_that_were_read_never_change() -> None:
    series = filled(np.arange(3.0))
    kept = series.values
    for _ in range(500):
        series.append(0, 7.0, 0.0)
    assert kept.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1
    assert series.since(502)[1].tolist() == [7.0]
    assert series.last == (0, 7.0)
    assert series.version == len(series) == 503


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        pytest.param(([1], [0.5, 0.4], [0.1]), "(1,), (2,), (1,)", id="another length"),
        pytest.param(([[1]], [[0.5]], [[0.1]]), "(1, 1)", id="two dimensions"),
        pytest.param((1, 0.5, 0.1), "()", id="single numbers"),
        pytest.param(([1.5], [0.5], [0.1]), "1.5", id="a broken step"),
        pytest.param(([math.nan], [0.5], [0.1]), "nan", id="no step"),
        pytest.param(([1], [0.5], [math.nan]), "nan", id="no time"),
        pytest.param((["one"], [0.5], [0.1]), "one", id="a word"),
    ],
)
def test_points_that_are_none_are_refused(arguments: Any, got: str) -> None:
    series = Series("loss")
    with pytest.raises(ValueError, match=says("loss", "of one length", got, "every point")):
        series.extend(*arguments)
    assert len(series) == 0


@pytest.mark.parametrize(("buckets", "x"), [(0, "step"), (10, "epoch")])
def test_pictures_that_are_none_are_refused(buckets: int, x: Any) -> None:
    with pytest.raises(ValueError, match=says("picture", "at least 1", f"{buckets} and", "pixels")):
        filled(np.zeros(3)).picture(buckets, x=x)


@pytest.mark.parametrize("order", ["rising", "falling"])
def test_a_million_points_take_at_most_32_bytes_each(order: str) -> None:
    steps = np.arange(1_000_000)[:: 1 if order == "rising" else -1]
    parts = np.split(steps, 1000)  # many growths, as in a run
    tracemalloc.start()
    try:
        series = Series("loss")
        for number, part in enumerate(parts):
            series.extend(part, part / 3, np.arange(1000 * number, 1000 * number + 1000))
        _, peak = tracemalloc.get_traced_memory()
        series.picture(1000)
        series.picture(1000, x="time")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= 32 * len(steps)
    assert peak <= 36 * len(steps)


@pytest.mark.parametrize("every_seventh", [0.5, math.nan])
def test_making_a_picture_takes_little_memory(every_seventh: float) -> None:
    values = np.sin(np.arange(500_000))
    values[::7] = every_seventh
    series = filled(values)
    series.picture(1)  # makes the pyramid
    with little_memory(3_000_000):
        series.picture(8000)


class Counted:
    """Numbers that count how many of them were looked at."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.looks = values, 0

    def take(self, places: np.ndarray) -> np.ndarray:
        self.looks += np.size(places)
        return self.values[places]


def test_growing_looks_at_each_point_a_few_times() -> None:
    counted = Counted(np.zeros(200_000))
    pyramid = Pyramid()
    for count in range(0, 200_001, 500):
        pyramid.grow(counted.take, count)
    assert counted.looks < 2 * 200_000


@pytest.fixture(
    scope="module", params=[1_000_000, pytest.param(10_000_000, marks=pytest.mark.wide)]
)
def long(request: pytest.FixtureRequest) -> Series:
    """A series with a spike of one step, NaN and infinity, whose steps go back once."""
    count: int = request.param
    values = np.sin(np.arange(count) / 1e5)
    values[[count // 3, count // 2, count // 2 + 1]] = 99, math.nan, math.inf
    series = Series("loss")
    for part in np.array_split(np.arange(count), 100):
        series.extend(part, values[part], part / 100)
    series.append(count // 4, 0.0, count / 100)
    return series


def test_a_long_series_misses_nothing(long: Series) -> None:
    spike, nan = (len(long) // part for part in (3, 2))
    picture = long.picture(1000)
    assert len(picture.x) < 2100
    assert {spike, nan, nan + 1} <= set(picture.index.tolist())
    inner = long.picture(1000, spike - 210, spike + 690)
    assert inner.complete
    assert len(inner.x) == 903


def test_a_window_costs_the_same_at_any_length(
    long: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: the values and the x a picture looks at."""

    def looks(count: int) -> int:
        series = Series("loss")
        series.extend(*(a[:count] for a in long.since(0)))
        counts = [Counted(np.asarray(a)) for a in (series._values, series._steps)]
        row = series._row("step")
        monkeypatch.setattr(
            series, "_row", lambda x: replace(row, y=counts[0].take, x=counts[1].take)
        )
        series.picture(1000)
        return sum(c.looks for c in counts)

    few, many = looks(100_000), looks(len(long))
    assert many < 1.6 * few
    assert many < 200_000


def test_two_threads_write_and_a_third_draws() -> None:
    series = Series("loss")
    problems = []

    def write() -> None:
        for k in range(20_000):
            series.append(k, 1.0, float(k))

    def draw() -> None:
        while any(t.is_alive() for t in writers):
            picture = series.picture(50)
            if len(picture.y) and not (picture.y == 1.0).all():
                problems.append(picture)

    writers = [threading.Thread(target=write) for _ in range(2)]
    reader = threading.Thread(target=draw)
    for thread in [*writers, reader]:
        thread.start()
    for thread in [*writers, reader]:
        thread.join()
    assert not problems
    assert len(series) == 40_000
    assert sorted(series.steps.tolist()) == sorted(2 * list(range(20_000)))


def filled(values: np.ndarray) -> Series:
    series = Series("loss")
    series.extend(np.arange(len(values)), values, np.arange(len(values)) / 10)
    return series


def test_adopted_points_are_kept_and_grow_apart_from_what_was_read() -> None:
    series = Series("loss")
    points = np.arange(3), np.array([0.5, 0.4, 0.3]), np.array([0.1, 0.2, 0.3])
    series.adopt(*points)
    read = series.values
    assert np.shares_memory(read, points[1])
    series.append(3, 0.2, 0.4)
    series.adopt([4], [0.1], [0.5])
    assert series.values.tolist() == [0.5, 0.4, 0.3, 0.2, 0.1]
    assert series.steps.tolist() == [0, 1, 2, 3, 4]
    assert (read.tolist(), points[1].tolist()) == ([0.5, 0.4, 0.3], [0.5, 0.4, 0.3])
