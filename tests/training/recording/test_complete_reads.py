"""A run that is being recorded holds all that was logged when it is read, or does not wait."""

import multiprocessing
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training import History
from torchdial.training.history import arrival
from torchdial.training.recording import publisher_thread
from torchdial.training.runs import compare_runs


@pytest.fixture
def monitor():
    made = td.TrainingMonitor(nn.Linear(1, 1))
    yield made
    made.close()


def log(monitor, count):
    for i in range(count):
        monitor.log(loss=float(i))


READS = {
    "[]": lambda monitor: len(monitor.history["loss"]),
    "values": lambda monitor: len(monitor.history["loss"].values),
    "picture": lambda monitor: int(monitor.history["loss"].picture(1000).x[-1]),
    "best": lambda monitor: 1 + int(monitor.history["loss"].best(highest=True)[1]),
    "names": lambda monitor: len(monitor.history["loss"]) * monitor.history.names.count("loss"),
    "in": lambda monitor: len(monitor.history["loss"]) * ("loss" in monitor.history),
    "iteration": lambda monitor: len(monitor.history["loss"]) * list(monitor.history).count("loss"),
    "to_pandas": lambda monitor: len(monitor.history.to_pandas()),
    "compare_runs": lambda monitor: 1 + int(compare_runs([monitor.history])[0]["loss"]),
    "state_dict": lambda monitor: len(restored(monitor.history)["loss"]),
}


def restored(history):
    copy = History()
    copy.load_state_dict(history.state_dict())
    return copy


@pytest.mark.parametrize("read", READS)
def test_a_read_right_after_a_loop_is_complete(monitor, read):
    for total in (40, 80, 120):
        log(monitor, 40)
        expected = {"best": 40, "compare_runs": 40}.get(read, total)
        assert READS[read](monitor) == expected


def test_a_scalar_is_there_right_after_its_first_log(monitor):
    for name in "abcdef":
        monitor.log({name: 1.0})
        assert name in monitor.history
        assert monitor.history[name].last == (monitor.step, 1.0)
    assert "g" not in monitor.history
    with pytest.raises(KeyError, match="'g' was not recorded; there are a, b"):
        monitor.history["g"]


def test_gradients_are_there_right_after_a_step():
    model = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with td.TrainingMonitor(model, optimizer, budget=1) as monitor:
        for step in range(1, 5):
            model.weight.grad = torch.tensor([[3.0, 4.0]])
            optimizer.step()
            assert monitor.history["grad_norm"].values.tolist() == [5.0] * step
            assert monitor.history.layers["grad_norm"].max.tolist() == [[5.0] * step]
            assert monitor.history.histograms.steps.tolist() == [1]


@pytest.mark.parametrize("through", ["monitor", "history"])
def test_events_hold_what_was_logged_before(monitor, through):
    source = monitor if through == "monitor" else monitor.history
    log(monitor, 3)
    assert source.events == []
    monitor.log(loss=float("nan"))
    monitor.log(loss=1.0)
    assert [event.kind for event in source.events] == ["nonfinite_loss"]


def count_calls(monkeypatch, method):
    calls = []
    original = getattr(publisher_thread.Publisher, method)

    def counted(self, *args, **kwargs):
        calls.append(method)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(publisher_thread.Publisher, method, counted)
    return calls


def count_waits(monkeypatch):
    return count_calls(monkeypatch, "catch_up")


def test_a_read_waits_once_and_one_without_news_not_at_all(monitor, monkeypatch):
    waits = count_waits(monkeypatch)
    for name in "abc":
        monitor.log({name: 1.0})
    monitor.history.to_pandas()
    assert len(waits) <= 1
    waits.clear()
    monitor.history.to_pandas()
    assert [len(monitor.history[name]) for name in "abc"] == [1, 1, 1]
    assert waits == []


def test_the_last_value_never_waits(monitor, monkeypatch):
    log(monitor, 1)
    series = monitor.history["loss"]
    waits = count_waits(monkeypatch)
    for _ in range(50):
        monitor.log(loss=1.0)
        assert monitor.history["loss"].last is not None
        assert series.last is not None
    assert waits == []


def test_callbacks_of_torchdial_never_wait(monitor, monkeypatch):
    log(monitor, 1)
    monitor.flush()
    waits = count_waits(monkeypatch)
    seen = []

    def read(*_):
        seen.append(len(monitor.history["loss"]))

    monitor.subscribe(read)
    monitor.dial("x", setter=read, min=0, max=1)
    monitor.control.set_dial("x", 0.5)
    for _ in range(20):
        monitor.log(loss=1.0)
    monitor.flush()
    assert len(seen) >= 2
    assert waits == []


def test_a_plot_opened_while_the_publisher_sends_does_not_wait_for_it(monitor, monkeypatch):
    plot = td.LossPlot(monitor)
    waits = count_waits(monkeypatch)
    slow = threading.Event()
    monitor.subscribe(lambda: slow.wait(0.05))
    for _ in range(10):
        monitor.log(loss=1.0)
        plot._feed.poke()
    assert waits == []
    monitor.log(loss=1.0)
    frame = plot._feed.opening()["frame"]
    assert frame["runs"][-1]["scalars"][0]["total"] == 11
    plot.close()


def test_a_read_with_the_lock_held_or_inside_without_waiting_never_waits(monitor, monkeypatch):
    waits = count_waits(monkeypatch)
    log(monitor, 1)
    with monitor.history.lock:
        monitor.history.names  # noqa: B018
    with arrival.without_waiting():
        monitor.history.names  # noqa: B018
    monkeypatch.setattr(arrival, "is_capturing", lambda: True)
    monitor.history.names  # noqa: B018
    assert waits == []


def test_a_signal_handler_never_waits(monitor, monkeypatch):
    waits = count_waits(monkeypatch)
    read = []

    def handler(*_):
        read.append(monitor.history.names)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        log(monitor, 20)
        os.kill(os.getpid(), signal.SIGUSR1)
        while not read:
            time.sleep(0.001)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert waits == []


def test_a_wait_ends_and_says_how_much_is_missing(monitor, monkeypatch):
    log(monitor, 1)
    monitor.flush()
    monkeypatch.setattr(arrival, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(publisher_thread, "LONGEST_WAIT", 0.2)
    waits = count_calls(monkeypatch, "_request")
    monkeypatch.setattr(monitor._recorder.recorder, "take", list)  # nothing arrives
    log(monitor, 3)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match=r"3 records have not arrived after 0\.2 s"):
            assert monitor.history["loss"].values.tolist() == [0.0]
    assert len(waits) == 1  # where nothing moves the second read does not wait
    monkeypatch.undo()
    monitor.flush()
    assert len(monitor.history["loss"]) == 4


def test_points_of_a_loaded_checkpoint_are_waited_for_too(monitor):
    log(monitor, 2)
    state = monitor.state_dict()
    other = td.TrainingMonitor(nn.Linear(1, 1))
    other.load_state_dict(state)
    other.log(loss=5.0)
    assert other.history["loss"].values.tolist() == [0.0, 1.0, 5.0]
    other.close()


def read_in_child(history, monitor, results):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        monitor.log(loss=1.0)
        found = len(history["loss"]), len(history.to_pandas()), len(history.events)
        monitor.flush()
        monitor.close()
    results.put((found, [str(warning.message) for warning in seen]))


@pytest.mark.parametrize("is_locked", [False, True], ids=["", "the publisher held the lock"])
def test_a_forked_child_reads_what_was_there_and_warns_once(monitor, is_locked):
    log(monitor, 5)
    monitor.flush()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    release, held = threading.Event(), threading.Event()

    def hold():
        with monitor.history.lock:
            held.set()
            release.wait(60)

    if is_locked:
        threading.Thread(target=hold, daemon=True).start()
        held.wait(60)
    child = context.Process(target=read_in_child, args=(monitor.history, monitor, results))
    child.start()
    release.set()
    child.join(60)
    assert child.exitcode == 0
    found, words = results.get()
    assert found == (5, 5, 0)
    assert len(words) == 1
    assert "this process was forked from the one that records" in words[0]
    assert len(monitor.history["loss"]) == 5


def test_a_large_run_becomes_a_table():
    """How long it takes is measured in benchmarks/history.py."""
    history = History()
    for k in range(3000):
        series = history.series(f"metric/{k}")
        series.extend(np.arange(50), np.full(50, float(k)), np.arange(50) / 10)
    table = history.to_pandas()
    assert table.shape == (50, 3001)
    assert table["metric/7"].tolist() == [7.0] * 50
    assert table["time"].tolist() == (np.arange(50) / 10).tolist()
