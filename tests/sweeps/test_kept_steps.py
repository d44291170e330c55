"""Which frames of a training are kept."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.golden.make_steps import slow_kept
from torchdial.sweeps.kept_steps import by_importance, check_keep, next_dropped, thinned
from torchdial.sweeps.refresh_records import NewestFrame, RefreshRecord, RefreshRecords


@pytest.mark.parametrize("seed", range(30))
def test_as_trying_each_frame_that_may_go(seed: int) -> None:
    generator = random.Random(seed)
    steps = sorted(generator.sample(range(1000), generator.randint(5, 60)))
    best = generator.choice([None, *steps])
    keep = generator.randint(4, len(steps))
    found = thinned(steps, best, lambda kept: len(kept) > keep)
    assert found == slow_kept(steps, best, keep)
    assert {steps[0], steps[-1]} <= set(found)
    assert best is None or best in found


def test_gaps_stay_within_1_6_times_even_spacing() -> None:
    kept: list[int] = []
    for step in range(2000):
        kept = thinned([*kept, step], None, lambda steps: len(steps) > 24)
        if step >= 200:  # before, a gap of one or two steps is a large share
            largest = max(after - before for before, after in pairwise(kept))
            assert largest <= 1.6 * step / 23, (step, kept)


def test_none_may_go_of_the_first_the_best_and_the_last() -> None:
    assert next_dropped([1, 5, 9], 5) is None
    assert next_dropped([1, 9], None) is None
    assert thinned([1, 5, 9], 5, lambda _: True) == [1, 5, 9]


def test_importance_is_the_order_of_dropping_backwards() -> None:
    steps = [0, 3, 4, 20, 21, 50, 90]
    order = by_importance(steps, best=4)
    assert order[:3] == [90, 4, 0]
    for count in range(4, len(steps) + 1):
        kept = thinned(steps, 4, lambda kept, count=count: len(kept) > count)
        assert sorted(order[:count]) == kept


@pytest.mark.parametrize("keep", [0, 2, 3, -1, 4.5, "many", None])
def test_invalid_numbers_of_frames(keep: object) -> None:
    with pytest.raises((TypeError, ValueError), match="keep: expected"):
        check_keep(keep)  # type: ignore[arg-type]


def test_bytes_drop_frames_before_their_number_does() -> None:
    class Sized(NewestFrame[int]):
        pass

    records: RefreshRecords[int] = RefreshRecords(keep=10, keep_bytes=35)
    for step in range(12):
        record = RefreshRecord(step, step, None, -abs(step - 4.0), NewestFrame(step))
        records = records.added(record, lambda frame: Sized(frame, 10))
        assert records.nbytes <= 35
        assert records.is_limited == (step > 3)
    kept = [one.step for one in records.kept]
    assert len(kept) == 4
    assert {0, 4, 11} <= set(kept)
    assert records.steps == tuple(range(12))
