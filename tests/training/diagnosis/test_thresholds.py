"""Each threshold of the rules: a case just below it and a case just above it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from torchdial.training import History
from torchdial.training.diagnosis import Diagnosis, diagnosis as diagnosis_module
from torchdial.training.diagnosis.amp_loss_scale import collapsed
from torchdial.training.diagnosis.data_wait import find_data_wait, waiting
from torchdial.training.diagnosis.dead_layers import find_dead_layers
from torchdial.training.diagnosis.exploding_and_vanishing_gradients import (
    exploded,
    find_exploding,
    find_vanishing,
    reference,
    vanished,
)
from torchdial.training.diagnosis.findings import Episodes, Finding
from torchdial.training.diagnosis.loss_divergence import diverged, lost
from torchdial.training.diagnosis.loss_plateau import at_work, find_plateau, most_gained, stuck
from torchdial.training.diagnosis.loss_spikes import first_riser, spikes
from torchdial.training.diagnosis.losses import Level, begun, continued
from torchdial.training.diagnosis.run_view import Layers, RunView
from torchdial.training.diagnosis.update_ratios import (
    find_unusual_updates,
    idle,
    off,
    stays_off,
)

LEVEL = Level(start=2.3, best=0.3, noise=0.0)


def view(history: History, **more: Any) -> RunView:
    """Everything in a history, new, as the rules get it."""
    until = {name: len(history[name]) for name in history.names}
    last = [int(m.steps[-1]) for m in history.layers.values()]
    last += [history[name].steps[-1] for name in history.names]
    levels = {name: Level(2.3, 1.0, 0.01) for name in history.names if "loss" in name}
    given = {"levels": levels, "reference": {}, "first_step": 1, **more}
    return RunView(history, int(max(last)), {}, until, **given)


def scalar(name: str, values: Any) -> History:
    history = History()
    for step, value in enumerate(values, start=1):
        history.record(step, {name: value})
    return history


def norms(
    steps: int, *rows: Callable[[int], float], every: int = 1, name: str = "grad_norm"
) -> Any:
    """A history whose layers a.weight, b.weight, … have a norm every so many steps."""
    history = History()
    names = [f"{'abc'[k]}.weight" for k in range(len(rows))]
    for step in range(1, steps + 1):
        if step % every == 0 or step == steps:
            history.record_layers(name, names, step, [row(step) for row in rows])
    return history


def found(rule: Any, history: History, **more: Any) -> list[str]:
    return [finding.kind for finding in rule(view(history, **more))]


def one(step: int) -> float:
    return 1.0


# The scale of AMP

START = 65536.0


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ([2.0, 1.0], None),
        ([2.0, 0.99], 1),
        ([START, START / 1023], None),
        ([START, START / 1024], 1),
        ([START, *[START / 4] * 19, START / 1024], 20),
        ([START, *[START / 4] * 20, START / 1024], None),
    ],
    ids=["at 1", "below 1", "under ten halvings", "ten", "within 20 points", "within 21"],
)
def test_amp_scale(scales: list[float], expected: int | None) -> None:
    assert collapsed(np.array(scales)) == expected


# The wait for data


@pytest.mark.parametrize(("share", "is_long"), [(0.49, False), (0.51, True)])
def test_share_of_waiting(share: float, is_long: bool) -> None:
    assert (waiting(np.full(5, share)) is not None) is is_long


@pytest.mark.parametrize(("readings", "is_enough"), [(4, False), (5, True)])
def test_readings_of_waiting(readings: int, is_enough: bool) -> None:
    assert (waiting(np.full(readings, 0.9)) is not None) is is_enough


@pytest.mark.parametrize(("readings", "kinds"), [(6, []), (7, ["starved"])])
def test_first_readings_of_waiting_are_left_out(readings: int, kinds: list[str]) -> None:
    assert found(find_data_wait, scalar("system/data_wait", [0.9] * readings)) == kinds


# Layers without gradient


@pytest.mark.parametrize(("dead", "kinds"), [(49, []), (50, ["dead_layer"])])
def test_steps_of_a_dead_layer(dead: int, kinds: list[str]) -> None:
    history = norms(90, lambda step: float(step <= 90 - dead), one)
    assert found(find_dead_layers, history) == kinds


@pytest.mark.parametrize(("readings", "kinds"), [(4, []), (5, ["dead_layer"])])
def test_readings_of_a_dead_layer(readings: int, kinds: list[str]) -> None:
    history = norms(20 * readings, lambda step: 0.0, one, every=20)
    assert found(find_dead_layers, history, first_step=-1000) == kinds


@pytest.mark.parametrize(
    ("step", "kinds"), [(99, []), (100, ["no_gradient"]), (399, ["no_gradient"]), (400, [])]
)
def test_steps_of_a_parameter_without_gradient(step: int, kinds: list[str]) -> None:
    history = norms(step, one, every=5)
    history.layers["grad_norm"].add(["a.weight", "unused"])
    assert found(find_dead_layers, history) == kinds


@pytest.mark.parametrize(("readings", "kinds"), [(4, []), (5, ["no_gradient"])])
def test_readings_of_a_parameter_without_gradient(readings: int, kinds: list[str]) -> None:
    history = norms(25 * readings, one, every=25)
    history.layers["grad_norm"].add(["a.weight", "unused"])
    assert found(find_dead_layers, history, first_step=25 * readings - 110) == kinds


# Gradients that explode


@pytest.mark.parametrize(("norm", "rows"), [(100.0, []), (101.0, [0])])
def test_growth_of_a_gradient(norm: float, rows: list[int]) -> None:
    assert exploded(np.array([norm, 1.0]), np.array([1.0, 1.0])) == rows


@pytest.mark.parametrize(("norm", "rows"), [(30.0, []), (30.1, [0])])
def test_growth_over_what_any_layer_began_with(norm: float, rows: list[int]) -> None:
    assert exploded(np.array([norm, 1.0]), np.array([1e-6, 1.0])) == rows


@pytest.mark.parametrize(("norms_there", "known"), [(2, {}), (3, {"a": 1.0})])
def test_norms_that_a_layer_began_with(norms_there: int, known: dict[str, float]) -> None:
    assert reference(["a"], np.ones((1, norms_there), np.float32)) == known


def test_a_layer_began_with_its_first_three_norms() -> None:
    assert reference(["a"], np.array([[4, 3, 2, 1, 1, 1]], np.float32)) == {"a": 3.0}


@pytest.mark.parametrize(("large", "kinds"), [(2, []), (3, ["exploding_gradient"])])
def test_exploding_is_the_median_of_five(large: int, kinds: list[str]) -> None:
    history = norms(20, lambda step: 1e3 if step > 20 - large else 1.0)
    assert found(find_exploding, history, reference={"a.weight": 1.0}) == kinds


@pytest.mark.parametrize(("columns", "kinds"), [(4, []), (5, ["exploding_gradient"])])
def test_columns_of_an_exploding_gradient(columns: int, kinds: list[str]) -> None:
    history = norms(columns, lambda step: 1e3)
    assert found(find_exploding, history, reference={"a.weight": 1.0}) == kinds


# Gradients that vanish


@pytest.mark.parametrize(("norm", "rows"), [(1.01e-5, None), (0.99e-5, (0, 1))])
def test_ratio_of_a_vanished_gradient(norm: float, rows: Any) -> None:
    assert vanished(np.array([norm, 1.0])) == rows


def faint(step: int) -> float:
    return 1e-9


@pytest.mark.parametrize(("step", "kinds"), [(50, []), (51, ["vanishing_gradient"])])
def test_steps_before_vanishing_is_judged(step: int, kinds: list[str]) -> None:
    assert found(find_vanishing, norms(step, faint, one)) == kinds


@pytest.mark.parametrize(("readings", "kinds"), [(4, []), (5, ["vanishing_gradient"])])
def test_readings_of_a_vanished_gradient(readings: int, kinds: list[str]) -> None:
    history = norms(100 * readings, faint, one, every=100)
    assert found(find_vanishing, history) == kinds


@pytest.mark.parametrize(("first", "kinds"), [(25, []), (26, ["vanishing_gradient"])])
def test_first_steps_are_left_out_of_vanishing(first: int, kinds: list[str]) -> None:
    """Five readings of a run that began at step 1; the first of them counts from step 26 on."""
    history = History()
    for step in (first, 60, 61, 62, 63):
        history.record_layers("grad_norm", ["a.weight", "b.weight"], step, [1e-9, 1.0])
    assert found(find_vanishing, history) == kinds


@pytest.mark.parametrize(("clear", "kinds"), [(9, ["vanishing_gradient"]), (11, [])])
def test_vanishing_is_the_median_of_twenty(clear: int, kinds: list[str]) -> None:
    history = norms(200, lambda step: 1.0 if step > 200 - clear else 1e-9, one)
    assert found(find_vanishing, history) == kinds


# Levels of a loss, and divergence


@pytest.mark.parametrize(("count", "is_begun"), [(2, False), (3, True)])
def test_points_that_a_loss_begins_with(count: int, is_begun: bool) -> None:
    assert (begun(np.ones(count)) is not None) is is_begun


@pytest.mark.parametrize(("count", "best"), [(19, 2.3), (20, 1.0)])
def test_points_of_a_level(count: int, best: float) -> None:
    assert continued(Level(2.3, 2.3, math.inf), np.ones(count)).best == best


@pytest.mark.parametrize(("bad", "kinds"), [(5, ["divergence"]), (6, [])])
def test_first_points_among_which_a_loss_begins(bad: int, kinds: list[str]) -> None:
    values = [*[math.nan] * bad, *[1.0] * (8 - bad), *[9.0] * 80]
    events = Diagnosis(scalar("loss", values)).look(final=True)
    assert [event.kind for event in events if event.kind == "divergence"] == kinds


@pytest.mark.parametrize(("value", "is_far"), [(4.59, False), (4.61, True)])
def test_a_loss_twice_what_it_began_with(value: float, is_far: bool) -> None:
    assert diverged(np.full(20, value), LEVEL) is is_far


@pytest.mark.parametrize(("value", "is_lost"), [(1.79, False), (1.81, True)])
def test_share_of_the_gain_that_is_lost(value: float, is_lost: bool) -> None:
    assert lost(np.full(20, value), LEVEL) is is_lost  # 0.3 + 0.75 · 2.0


@pytest.mark.parametrize(("value", "is_lost"), [(1.89, False), (1.91, True)])
def test_noises_that_a_loss_is_above_its_best(value: float, is_lost: bool) -> None:
    assert lost(np.full(20, value), Level(2.3, 0.3, noise=0.2)) is is_lost  # 0.3 + 8 · 0.2


@pytest.mark.parametrize(("best", "is_lost"), [(0.91, False), (0.89, True)])
def test_gain_that_can_be_lost(best: float, is_lost: bool) -> None:
    assert lost(np.full(20, 1.0), Level(1.0, best, noise=0.0)) is is_lost


# A loss that stands still


@pytest.mark.parametrize(("value", "is_stuck"), [(0.229, False), (0.231, True)])
def test_a_loss_that_is_low(value: float, is_stuck: bool) -> None:
    assert stuck(np.full(400, value), start=2.3) is is_stuck


@pytest.mark.parametrize(("gain", "is_stuck"), [(0.0099, True), (0.0102, False)])
def test_gain_of_a_loss_that_stands_still(gain: float, is_stuck: bool) -> None:
    assert stuck(np.r_[np.full(200, 1 + gain), np.ones(200)], start=2.3) is is_stuck


def test_confidence_in_what_was_gained() -> None:
    """Two standard errors of the difference of two medians, by hand."""
    values = np.tile([-1.0, 1.0], 100)
    error = math.sqrt(math.pi / 2) * 1.4826 / math.sqrt(100)
    assert most_gained(values) == pytest.approx(2 * math.sqrt(2) * error, rel=1e-4)


@pytest.mark.parametrize(("points", "kinds"), [(299, []), (300, ["plateau"])])
def test_points_of_a_plateau(points: int, kinds: list[str]) -> None:
    assert found(find_plateau, scalar("loss", [1.0] * points)) == kinds


@pytest.mark.parametrize(("before", "kinds"), [(300, ["plateau"]), (500, [])])
def test_share_of_the_run_that_a_plateau_takes(before: int, kinds: list[str]) -> None:
    """The last 300 points are level, the 200 before them are not."""
    values = [2.0] * before + [1.0] * 300
    assert found(find_plateau, scalar("loss", values)) == kinds


@pytest.mark.parametrize(("finite", "kinds"), [(150, []), (151, ["plateau"])])
def test_finite_points_of_a_plateau(finite: int, kinds: list[str]) -> None:
    values = [math.nan] * (300 - finite) + [1.0] * finite
    assert found(find_plateau, scalar("loss", values)) == kinds


@pytest.mark.parametrize(("last", "expected"), [(0.19, False), (0.21, True)])
def test_a_learning_rate_that_is_nearly_run_down(last: float, expected: bool) -> None:
    assert at_work(np.r_[np.full(90, 1.0), np.full(60, last)]) is expected


@pytest.mark.parametrize(("rise_at", "expected"), [(74, True), (75, False)])
def test_last_quarter_in_which_a_learning_rate_rises(rise_at: int, expected: bool) -> None:
    rates = np.ones(100)
    rates[:rise_at] = 0.5
    assert at_work(rates) is expected


@pytest.mark.parametrize(("best", "words"), [(0.91, "next to nothing"), (0.89, "or stop")])
def test_what_is_next_to_nothing(best: float, words: str) -> None:
    levels = {"loss": Level(1.0, best, 0.0)}
    (finding,) = find_plateau(view(scalar("loss", [0.95] * 300), levels=levels))
    assert words in finding.message


# Spikes


def spiked(
    rise: float, noise: float, lasting: int = 1, earlier: tuple[int, float] = (0, 0.0)
) -> Any:
    """Points of 1 ± noise; from index 300 on a rise, and another one so many points earlier."""
    values = 1 + noise * np.tile([-1.0, 1.0], 200)
    values[300 : 300 + lasting] = 1 + rise
    if earlier[0]:
        values[300 - earlier[0]] = 1 + earlier[1]
    return [spike.at for spike in spikes(values[:310], 300, start=1.0)]


@pytest.mark.parametrize(("rise", "expected"), [(1.24, []), (1.26, [300])])
def test_rise_over_what_was_gained(rise: float, expected: list[int]) -> None:
    assert spiked(rise, noise=0.01) == expected


@pytest.mark.parametrize(("rise", "expected"), [(2.36, []), (2.39, [300])])
def test_rise_over_the_spread(rise: float, expected: list[int]) -> None:
    assert spiked(rise, noise=0.2) == expected  # 8 · 1.4826 · 0.2 = 2.372


@pytest.mark.parametrize(("rise", "expected"), [(5.9, []), (6.1, [300])])
def test_rise_over_an_earlier_rise(rise: float, expected: list[int]) -> None:
    assert spiked(rise, noise=0.01, earlier=(100, 3.0)) == expected


@pytest.mark.parametrize(("ago", "expected"), [(171, []), (172, [300])])
def test_points_among_which_there_was_an_earlier_rise(ago: int, expected: list[int]) -> None:
    """200 points, the first 29 of which have too few before them to rise above."""
    assert spiked(4.0, noise=0.01, earlier=(ago, 3.0)) == expected


@pytest.mark.parametrize(("rise", "expected"), [(0.099, []), (0.101, [300])])
def test_rise_that_lasts(rise: float, expected: list[int]) -> None:
    assert spiked(rise, noise=0.001, lasting=5) == expected


@pytest.mark.parametrize(("lasting", "expected"), [(4, []), (5, [300])])
def test_points_that_a_rise_lasts(lasting: int, expected: list[int]) -> None:
    assert spiked(0.5, noise=0.001, lasting=lasting) == expected


@pytest.mark.parametrize(("before", "expected"), [(29, []), (30, [30])])
def test_points_before_a_spike(before: int, expected: list[int]) -> None:
    values = np.r_[np.tile([0.99, 1.01], 20)[:before], 9.0, 1.0, 1.0]
    assert [spike.at for spike in spikes(values, 0, start=1.0)] == expected


@pytest.mark.parametrize(("ago", "is_found"), [(5, True), (6, False)])
def test_steps_in_which_a_layer_may_have_risen_first(ago: int, is_found: bool) -> None:
    rising = np.tile([0.9, 1.1], 50)[:100]
    rising[99 - ago] = 9.0  # column 99 is step 100
    steps = np.arange(1, 101)
    values = rising[None].astype(np.float32)
    layers = Layers(["a"], steps, values, values, np.ones((1, 100), np.int32))
    assert (first_riser(layers, step=100) is not None) is is_found


@pytest.mark.parametrize(("columns", "is_found"), [(29, False), (30, True)])
def test_columns_before_a_layer_rises(columns: int, is_found: bool) -> None:
    values = np.r_[np.tile([0.9, 1.1], 20)[:columns], 9.0][None].astype(np.float32)
    steps = np.r_[np.arange(columns), columns + 10]
    layers = Layers(["a"], steps, values, values, np.ones(values.shape, np.int32))
    assert (first_riser(layers, step=columns + 10) is not None) is is_found


@pytest.mark.parametrize(("rise", "is_found"), [(1.18, False), (1.19, True)])
def test_spreads_that_a_layer_rises(rise: float, is_found: bool) -> None:
    values = np.r_[np.tile([0.9, 1.1], 20), 1 + rise][None].astype(np.float32)
    layers = Layers(["a"], np.r_[np.arange(40), 50], values, values, np.ones((1, 41), np.int32))
    assert (first_riser(layers, step=50) is not None) is is_found  # 8 · 1.4826 · 0.1 = 1.186


# Updates and learning rates


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([0.099] * 3, None),
        ([0.101] * 3, (None, 0.101)),
        ([1.01e-5] * 3, None),
        ([0.99e-5] * 3, (None, 0.99e-5)),
        ([1e-3, 0.099, 1e-3], None),
        ([1e-3, 0.101, 1e-3], (1, 0.101)),
        ([1e-3, 1.01e-5, 1e-3], None),
        ([1e-3, 0.99e-5, 1e-3], (1, 0.99e-5)),
    ],
)
def test_ratios_reported_at_once(ratios: list[float], expected: Any) -> None:
    assert off(np.array(ratios)) == expected


@pytest.mark.parametrize(
    ("ratio", "is_off"), [(0.0199, False), (0.0201, True), (5.1e-5, False), (4.9e-5, True)]
)
def test_ratios_reported_after_a_time(ratio: float, is_off: bool) -> None:
    assert (stays_off(np.full(4, ratio)) is not None) is is_off


def updates(steps: int, ratio: float, every: int = 1) -> History:
    return norms(steps, lambda _: ratio, every=every, name="update_ratio")


@pytest.mark.parametrize(("step", "kinds"), [(100, []), (101, ["update_ratio"])])
def test_steps_before_ratios_are_judged(step: int, kinds: list[str]) -> None:
    assert found(find_unusual_updates, updates(step, 0.5)) == kinds


@pytest.mark.parametrize(("total", "kinds"), [(1010, []), (990, ["update_ratio"])])
def test_share_of_the_run_before_ratios_are_judged(total: int, kinds: list[str]) -> None:
    assert found(find_unusual_updates, updates(51, 0.5), total_steps=total) == kinds


@pytest.mark.parametrize(("samples", "kinds"), [(19, []), (20, ["update_ratio"])])
def test_samples_of_a_ratio(samples: int, kinds: list[str]) -> None:
    assert found(find_unusual_updates, updates(10 * samples, 0.5, every=10)) == kinds


@pytest.mark.parametrize(("step", "kinds"), [(200, []), (201, ["update_ratio"])])
def test_steps_that_a_ratio_is_off(step: int, kinds: list[str]) -> None:
    assert found(find_unusual_updates, updates(step, 0.03)) == kinds


@pytest.mark.parametrize(("samples", "kinds"), [(19, []), (20, ["update_ratio"])])
def test_samples_of_a_ratio_that_is_off(samples: int, kinds: list[str]) -> None:
    assert found(find_unusual_updates, updates(20 * samples, 0.03, every=20)) == kinds


@pytest.mark.parametrize(("best", "kinds"), [(0.101, ["update_ratio"]), (0.099, [])])
def test_small_steps_of_a_loss_that_is_low(best: float, kinds: list[str]) -> None:
    history = updates(120, 1e-7)
    assert found(find_unusual_updates, history, levels={"loss": Level(1.0, best, 0.0)}) == kinds


@pytest.mark.parametrize(("points", "expected"), [(19, False), (20, True)])
def test_points_of_a_rate_of_zero(points: int, expected: bool) -> None:
    assert idle(np.array([0.1, *[0.0] * points])) is expected


# Episodes and checkpoints


@pytest.mark.parametrize(
    ("kind", "gap", "is_news"),
    [
        ("starved", 200, False),
        ("starved", 201, True),
        ("loss_spike", 20, False),
        ("loss_spike", 21, True),
    ],
)
def test_steps_after_which_a_finding_is_news(kind: str, gap: int, is_news: bool) -> None:
    episodes = Episodes()
    episodes.is_news(Finding(1, kind, None, ""), 1)
    assert episodes.is_news(Finding(1, kind, None, ""), 1 + gap) is is_news


@pytest.mark.parametrize(("steps", "kinds"), [(25, []), (26, ["zero_lr"])])
def test_a_lasting_state_is_reported_at_the_checkpoint(steps: int, kinds: list[str]) -> None:
    """Step 25 is judged once a later one has been recorded."""
    history = History()
    for step in range(1, steps + 1):
        history.record(step, {"loss": 1.0, "lr": 0.0})
    assert [event.kind for event in Diagnosis(history).look()] == kinds


def test_checkpoints_are_25_steps_apart_and_later_a_hundredth_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[int] = []
    monkeypatch.setattr(
        diagnosis_module, "STATE_RULES", (lambda run: judged.append(run.step) or (),)
    )
    history = scalar("loss", 2.0 / np.arange(1, 6001))
    Diagnosis(history).look()
    expected, step = [], 0
    while step + max(25, step // 100) < 6000:
        step += max(25, step // 100)
        expected.append(step)
    assert judged == expected
    assert len(judged) > 150


@pytest.mark.parametrize(("column", "kinds"), [(29, ["exploding_gradient"]), (30, [])])
def test_columns_that_say_what_a_layer_began_with(column: int, kinds: list[str]) -> None:
    """A layer whose first three norms are in columns up to 32, or one beyond."""
    history = History()
    for step in range(1, 81):
        names = ["a.weight", "b.weight"] if step > column else ["a.weight"]
        values = [1.0, 1.0 if step < column + 4 else 1e4][: len(names)]
        history.record_layers("grad_norm", names, step, values)
        history.record(step, {"loss": 2.0 / step})
    found = [event.kind for event in Diagnosis(history).look(final=True)]
    assert [kind for kind in found if kind == "exploding_gradient"] == kinds
