"""What a clock makes of steps: time is what the test says it is."""

import pytest

from torchdial.training.recording import overhead_budget as module
from torchdial.training.recording.overhead_budget import Clock, Pace


@pytest.fixture
def now(monkeypatch):
    """A clock's hands; `now[0] += 1` is a second later."""
    hands = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: hands[0])
    return hands


def run(clock, now, steps, seconds=0.1, ours=0.0, busy=0.0, reading=0.0, wait=0.0, batch=None):
    for _ in range(steps):
        now[0] += seconds
        clock.ours += ours
        clock.reading += reading
        clock.busy += busy
        clock.take_batch(wait, batch)
        clock.lap(paused=0.0)


def test_overhead_is_our_share_of_the_steps_in_both_threads(now):
    clock = Clock()
    run(clock, now, 4, ours=0.05)  # the first steps are not like the others
    run(clock, now, 100, ours=0.002, busy=0.001)
    assert clock.overhead == pytest.approx(0.03)


def test_overhead_follows_what_the_last_some_hundred_steps_cost(now):
    clock = Clock()
    run(clock, now, 2000, ours=0.02)
    run(clock, now, 6000, ours=0.001)
    assert clock.overhead == pytest.approx(0.01, rel=0.05)


def test_a_gap_between_steps_is_no_step(now):
    clock = Clock()
    run(clock, now, 50)
    now[0] += 3600.0
    run(clock, now, 50)
    assert clock.step_time == pytest.approx(0.1)
    assert clock.readings()["system/steps_per_s"] == pytest.approx(10, rel=0.1)


def test_paused_time_is_no_step_time(now):
    clock = Clock()
    run(clock, now, 10)
    now[0] += 0.3
    clock.lap(paused=0.2)
    assert clock.totals().lasted == pytest.approx(1.0)


def test_readings_are_of_the_steps_since_the_last_ones(now):
    clock = Clock()
    run(clock, now, 14, wait=0.05)
    first = clock.readings()
    run(clock, now, 10, seconds=0.2, wait=0.02)
    second = clock.readings()
    assert first["system/steps_per_s"] == pytest.approx(10)
    assert first["system/data_wait"] == pytest.approx(0.5)
    assert second["system/steps_per_s"] == pytest.approx(5)
    assert second["system/data_wait"] == pytest.approx(0.1)
    assert clock.readings() == {}


def test_without_a_loop_the_wait_for_data_is_not_known(now):
    clock = Clock()
    run(clock, now, 10)
    assert "system/data_wait" not in clock.readings()


def paced(now, norms, sample, step=0.1, rest=0.0, budget=0.01):
    """Run with readings that cost what they are said to; return pace and fraction taken."""
    clock = Clock(budget)
    pace = Pace(clock)
    spent = 0.0
    for i in range(3000):
        reading = pace.due()
        cost = {"nothing": 0.0, "norms": norms, "sample": sample}[reading]
        if cost:
            pace.took(reading, cost)
        clock.reading += cost
        clock.ours += cost + rest
        spent += cost + rest if i > 500 else 0.0
        now[0] += step
        clock.lap(paused=0.0)
    return pace, spent / (2499 * step)


@pytest.mark.parametrize(
    ("norms", "sample", "rest", "every"),
    [
        pytest.param(0.0001, 0.002, 0.0, 1, id="cheap: every step"),
        pytest.param(0.005, 0.08, 0.0, 9, id="as a residual network: some steps"),
        pytest.param(0.1, 2.0, 0.0, 167, id="dear: few steps"),
        pytest.param(0.001, 0.02, 0.0009, 7, id="what else there is has its share first"),
    ],
)
def test_reading_backs_off_to_stay_within_the_budget(now, norms, sample, rest, every):
    pace, fraction = paced(now, norms, sample, rest=rest)
    assert fraction <= 0.0125
    assert pace.norms_every == pytest.approx(every, abs=1)
    assert pace.sample_every >= 10
    assert ("the budget of 1 % of a step" in pace.note()) == (every > 1)


def test_the_note_never_says_within_the_budget_where_recording_takes_more(now):
    pace, _ = paced(now, 0.005, 0.08)
    assert "within the budget of 1 % of a step" in pace.note()
    pace.clock.ours += 0.96 * pace.clock.lasted
    assert pace.clock.overhead > 0.9
    pace.took("sample", 20.0)
    assert "every more than 10,000" in pace.note()
    assert "still takes more than the budget of 1 % of a step" in pace.note()


def test_with_all_the_time_there_is_every_step_is_read(now):
    pace, _ = paced(now, 0.01, 0.05, budget=1.0)
    assert (pace.norms_every, pace.sample_every, pace.note()) == (1, 10, "")


def test_cheap_readings_are_dense_at_first_so_that_a_short_run_shows_something(now):
    clock = Clock()
    pace = Pace(clock)
    depths = []
    for _ in range(400):
        depths.append(pace.due())
        if depths[-1] != "nothing":
            pace.took(depths[-1], {"norms": 0.0003, "sample": 0.003}[depths[-1]])
        now[0] += 0.0005  # of which a hundredth is next to nothing
        clock.lap(paused=0.0)
    read = [step for step, depth in enumerate(depths, 1) if depth != "nothing"]
    assert read[:8] == list(range(1, 9))
    assert 30 <= len(read) <= 60
    assert 12 <= depths.count("sample") <= 20


def test_a_slow_reading_of_norms_does_not_make_samples_seem_free(now):
    clock = Clock()
    pace = Pace(clock)
    run(clock, now, 10, seconds=0.01)
    for reading, seconds in (("norms", 0.05), ("sample", 0.02)):
        pace.due()
        pace.took(reading, seconds)
    assert pace.sample_every >= 0.02 / (0.4 * 0.01 * 0.01)


def test_what_is_ours_in_a_long_gap_is_part_of_its_time(now):
    clock = Clock()
    run(clock, now, 50)
    run(clock, now, 1, seconds=3600.0, ours=3000.0)
    assert clock.overhead == pytest.approx(1.0, rel=0.01)


def test_the_first_step_is_a_sample():
    assert Pace(Clock()).due() == "sample"
