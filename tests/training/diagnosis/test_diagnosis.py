"""The rules over a growing run: when, once, and the same however often one looks."""

import numpy as np
import pytest

from torchdial.training import History
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.series import Series


def eventful(diagnosis_every):
    """A run with a spike at 300, a dead layer from 400 to 600, and NaN at 900."""
    history, events = History(), []
    history.layers["grad_norm"] = LayerMatrix(["a.weight", "b.weight"], history.lock)
    diagnosis = Diagnosis(history)
    noise = np.random.default_rng(0).normal(size=1001)
    for step in range(1, 1001):
        loss = 2.0 / (1 + step / 100) + 0.01 * noise[step] + 9.0 * (step == 300)
        norms = [0.0 if 400 <= step < 600 else 1.0, 1.0]
        history.record_layers("grad_norm", ["a.weight", "b.weight"], step, norms)
        history.record(step, {"loss": loss if step < 900 else np.nan, "grad_norm": 1.0})
        if step % diagnosis_every == 0:
            events += diagnosis.look()
    return events + diagnosis.look(final=True)


@pytest.mark.parametrize("every", [1, 10, 333, 5000])
def test_what_is_found_does_not_depend_on_when_one_looks(every):
    found = [(event.step, event.kind, event.where) for event in eventful(every)]
    assert found == [
        (300, "loss_spike", "loss"),
        (400, "dead_layer", "a.weight"),
        (900, "nonfinite_loss", "loss"),
    ]


def test_messages_begin_with_the_step_and_carry_its_time():
    history = History()
    for step in range(1, 6):
        history.record(step, {"loss": 1.0 if step < 4 else np.inf}, time=10.0 * step)
    (event,) = Diagnosis(history).look()
    assert event.message.startswith("step 4: loss is infinity")
    assert event.time == 40.0


def test_an_episode_that_ends_and_comes_again_is_said_again():
    history = History()
    diagnosis, events = Diagnosis(history), []
    for step in range(1, 1501):
        wait = 0.9 if step < 300 or step >= 1000 else 0.1
        history.record(step, {"loss": 2.0 / step, "system/data_wait": wait})
        events += diagnosis.look()
    assert [event.kind for event in events] == ["starved", "starved"]


def test_an_episode_is_one_event_however_long_it_lasts():
    history, n = History(), 60_000
    history.record(0, {"loss": 2.0, "system/data_wait": 0.9})
    for name, values in [
        ("loss", 2.0 / np.arange(1, n)),
        ("system/data_wait", np.full(n - 1, 0.9)),
    ]:
        history[name].extend(np.arange(1, n), values, np.arange(1, n) * 0.1)
    assert [event.kind for event in Diagnosis(history).look()] == ["starved"]


def test_nothing_new_is_nothing_said():
    history = History()
    diagnosis = Diagnosis(history)
    assert diagnosis.look() == []
    history.record(1, {"loss": np.nan})
    assert len(diagnosis.look(final=True)) == 1
    assert diagnosis.look() == diagnosis.look(final=True) == []


def test_looking_changes_nothing_in_the_history():
    history = History()
    for step in range(1, 100):
        history.record(step, {"loss": np.nan})
    version = history.version
    assert Diagnosis(history).look()
    assert history.version == version
    assert history.events == []


def test_a_resumed_run_is_judged_from_where_it_was_taken_up():
    history = History()
    for step in range(1, 101):
        history.record(step, {"loss": np.nan if step == 50 else 1.0 / step})
    history.start_step = 100
    diagnosis = Diagnosis(history)
    for step in range(101, 150):
        history.record(step, {"loss": np.nan if step == 120 else 1.0 / step})
    assert [event.step for event in diagnosis.look()] == [120]


def test_a_checkpoint_loaded_in_mid_run_is_judged_anew():
    history = History()
    for step in range(1, 41):
        history.record(step, {"loss": 1.0 / step})
    saved = history.state_dict()
    diagnosis = Diagnosis(history)
    for _ in range(3):  # back to the same step, twice
        for step in range(41, 60):
            history.record(step, {"loss": np.nan if step == 50 else 1.0 / step})
        assert [event.step for event in diagnosis.look()] == [50]
        history.load_state_dict(saved)


def test_a_look_reads_what_is_new_however_long_the_run(monkeypatch):
    history = History()
    n = 200_000
    history.record(0, {"loss": 2.0})
    history["loss"].extend(range(1, n), 2.0 / np.arange(1, n), np.arange(1, n) * 0.01)
    diagnosis = Diagnosis(history)
    diagnosis.look()
    read = counted_points(monkeypatch, Series, "points")
    history.record(n, {"loss": 1e-5})
    history.record(n + 1, {"loss": 1e-5})
    diagnosis.look()
    assert read
    assert max(read) < 1000


def test_a_checkpoint_reads_few_points_of_a_loss_with_an_x_of_its_own(monkeypatch):
    history = History()
    n = 100_000
    history.series("grad_norm").extend(range(n // 50), np.ones(n // 50), 50 * np.arange(n // 50))
    history.series("loss").extend(range(n), 1 + 1 / (1 + np.arange(n)), np.arange(n))
    history["loss"].x_name = "x"
    read = counted_points(monkeypatch, History, "points_along_run")
    [event] = Diagnosis(history).look()
    assert event.kind == "plateau"
    assert max(read) < 10_000


def counted_points(monkeypatch, owner, method):
    """Return a list that grows by how many points each call of a method returns."""
    read, points = [], getattr(owner, method)

    def counted(*args):
        found = points(*args)
        read.append(len(found[0]))
        return found

    monkeypatch.setattr(owner, method, counted)
    return read


def test_an_empty_layer_matrix_and_odd_scalars_do_no_harm():
    history = History()
    history.layers["grad_norm"] = LayerMatrix([], history.lock)
    history.layers["update_ratio"] = LayerMatrix(["w"], history.lock)
    for step in range(1, 500):
        history.record(step, {"accuracy": 0.1})
        history.record(1_000_000 - step, {"val/loss": 0.5})
    assert Diagnosis(history).look(final=True) == []
