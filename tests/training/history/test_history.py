"""The record of a run."""

from __future__ import annotations

import math
import threading
from argparse import Namespace
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.inputs.error_messages import says
from torchdial.training import Event, History


def test_points_are_kept_in_order_of_arrival() -> None:
    history = History("run 1")
    for step, loss in [(1, 0.5), (3, 0.3), (2, 0.4), (2, 0.41)]:
        history.record(step, {"loss": loss, "lr": 0.1}, time=step / 2)
    assert history["loss"].steps.tolist() == [1, 3, 2, 2]
    assert history["loss"].values.tolist() == [0.5, 0.3, 0.4, 0.41]
    assert history["loss"].times.tolist() == [0.5, 1.5, 1.0, 1.0]
    assert history.names == ["loss", "lr"]
    assert "loss" in history
    assert "acc" not in history
    with pytest.raises(KeyError, match=r"'acc' was not recorded; there are no scalars yet"):
        History("empty")["acc"]
    with pytest.raises(KeyError, match=r"'acc' was not recorded; there are loss, lr"):
        history["acc"]


def test_time_goes_on_by_itself() -> None:
    history = History()
    for step in range(3):
        history.record(step, {"loss": 0.0})
    times = history["loss"].times
    assert 0 <= times[0] <= times[1] <= times[2] <= history.now < 60


def test_layers_left_out_have_no_value_and_new_ones_take_their_place() -> None:
    history = History()
    history.record_layers("grad_norm", ["a", "c"], 1, np.array([1, 2], np.float32))
    history.record_layers("grad_norm", ["a", "b", "c"], 2, np.array([3, 4, 5], np.float32))
    history.record_layers("grad_norm", ["c"], 3, np.array([math.inf], np.float32))
    matrix = history.layers["grad_norm"]
    assert matrix.names == ["a", "b", "c"]
    assert matrix.count.tolist() == [[1, 1, 0], [0, 1, 0], [1, 1, 1]]
    np.testing.assert_array_equal(matrix.max[2], [2, 5, math.inf])
    history.record_histograms(["a", "c"], 2, [[1, 2], [3, 4]], exponents=[0])
    history.record_histograms(["c"], 3, [[5, 6]], exponents=[0])
    assert history.histograms is not None
    found = history.histograms.at(3)
    assert found is not None
    assert found[1].tolist() == [[0, 0], [5, 6]]


def test_the_version_grows_with_each_change() -> None:
    history = History()
    changes: list[Any] = [
        lambda: history.record(1, {"loss": 0.5}),
        lambda: history.record(1, {"loss": 0.5, "lr": 0.1}),
        lambda: history.record_layers("grad_norm", ["a"], 1, [1.0]),
        lambda: history.record_layers("grad_norm", ["b"], 1, [1.0]),
        lambda: history.record_histograms(["a"], 1, [[1, 2]], exponents=[0]),
        lambda: history.add_event(Event(1, "plateau", None, "nothing moves")),
        lambda: history.load_state_dict(History().state_dict()),
    ]
    for change in changes:
        before = history.version
        change()
        assert history.version > before
    assert history.replaced == 1


def test_threads_write_and_read_at_once() -> None:
    history = History()
    problems: list[str] = []

    def write(name: str) -> None:
        for step in range(2_000):
            history.record(step, {name: step, "both": step}, time=step)
            if step % 100 == 0:
                history.record_layers("grad_norm", [name], step, [1.0])

    def read() -> None:
        while any(thread.is_alive() for thread in writers):
            History().load_state_dict(history.state_dict())  # refuses what does not go together
            history.to_pandas()
            for name in history.names:
                steps, values, _ = history[name].since(0)
                if not (steps == values).all():
                    problems.append(name)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    reader = threading.Thread(target=read)
    for thread in [*writers, reader]:
        thread.start()
    for thread in [*writers, reader]:
        thread.join()
    assert problems == []
    assert [len(history[name]) for name in ("a", "b", "c", "both")] == [2000, 2000, 2000, 6000]


def test_a_table_for_pandas() -> None:
    history = History()
    history.record(2, {"loss": 0.2}, time=0.2)
    history.record(1, {"loss": 0.1, "lr": 1.0}, time=0.1)
    history.record(2, {"loss": 0.25, "lr": 2.0}, time=0.3)
    table = history.to_pandas()
    assert table.index.tolist() == [1, 2, 2]
    assert table["loss"].tolist() == [0.1, 0.2, 0.25]
    assert table["time"].tolist() == [0.1, 0.2, 0.3]
    np.testing.assert_array_equal(table["lr"], [1.0, 2.0, np.nan])
    assert len(History().to_pandas()) == 0


@pytest.mark.parametrize(
    ("recorded", "steps", "epochs"),
    [
        pytest.param([(0, 0), (10, 1), (30, 2)], [0, 5, 20, 40], [0, 0.5, 1.5, 2.5], id="starts"),
        pytest.param([(0, 0), (5, 0), (10, 1), (15, 1)], [5, 15], [0.5, 1.5], id="each step"),
        pytest.param([(4, 0.1), (8, 0.2)], [4, 6, 8], [0.1, 0.15, 0.2], id="fractions"),
        pytest.param([(10, 2), (0, 1)], [-5, 5], [0.5, 1.5], id="out of order"),
        pytest.param([(0, 0), (5, math.nan), (10, 1)], [5], [0.5], id="one that is no number"),
        pytest.param([(0, 0), (0, 1), (10, 2)], [5], [1], id="two at one step"),
        pytest.param([(0, 0), (10, 1), (12, 0), (20, 2)], [15], [1.5], id="one that goes back"),
    ],
)
def test_steps_are_placed_among_epochs(recorded: Any, steps: Any, epochs: Any) -> None:
    history = History()
    for step, epoch in recorded:
        history.record(step, {"epoch": epoch})
    np.testing.assert_allclose(history.epochs(steps), epochs)


@pytest.mark.parametrize("recorded", [[], [(0, 0), (5, 0)]])
def test_one_epoch_says_nothing_of_its_length(recorded: Any) -> None:
    history = History()
    for step, epoch in recorded:
        history.record(step, {"epoch": epoch})
    with pytest.raises(ValueError, match=says("epochs", "two or more", "", "log")):
        history.epochs([0])


@dataclass
class Settings:
    lr: float = 0.1


@pytest.mark.parametrize(
    "config", [{"lr": 0.1}, Namespace(lr=0.1), SimpleNamespace(lr=0.1), Settings()]
)
def test_settings_are_taken_by_name(config: Any) -> None:
    assert History("run", config).config == {"lr": 0.1}


def test_other_settings_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="config: expected settings by name"):
        History("run", 0.1)  # type: ignore[arg-type]
