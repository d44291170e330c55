"""The publishing thread: which callbacks it calls, how often, and when it ends."""

import gc
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref

import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training import History
from torchdial.training.recording.overhead_budget import Clock


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "torchdial"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    deadline = time.monotonic() + 20
    while threads() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threads() == []


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def monitor_of_nothing(**settings):
    return td.TrainingMonitor(nn.Linear(1, 1), **settings)


def test_records_reach_the_history_by_themselves():
    with monitor_of_nothing() as monitor:
        monitor.log(loss=1.0)
        until(lambda: "loss" in monitor.history)


def test_there_is_no_thread_before_the_first_record_and_none_after_the_close():
    before = len(threads())
    monitor = monitor_of_nothing()
    assert len(threads()) == before
    monitor.log(loss=1.0)
    assert len(threads()) == before + 1
    monitor.close()
    assert len(threads()) == before


def test_the_thread_ends_a_second_after_the_last_news_and_starts_with_the_next():
    with monitor_of_nothing() as monitor:
        monitor.subscribe(lambda: None)
        for i in range(3):
            monitor.log(loss=float(i))
            assert len(threads()) == 1
            until(lambda: not threads())
        monitor.log(loss=3.0)
        assert monitor.history["loss"].values.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_ten_reruns_of_a_cell_leave_no_thread():
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    shown = []
    for _ in range(10):
        shown.append(td.TrainingMonitor(model, optimizer))
        shown[-1].subscribe(lambda: None)
        shown[-1].log(loss=1.0)
    others = [monitor_of_nothing() for _ in range(10)]
    for monitor in others:
        monitor.log(loss=1.0)
    until(lambda: not threads())
    assert all(len(monitor.history["loss"]) == 1 for monitor in shown + others)


def test_an_idle_run_is_saved_and_looked_at_before_its_thread_ends(tmp_path):
    path = tmp_path / "run.tdrun"
    monitor = monitor_of_nothing(autosave=path)
    monitor.log(loss=1.0)
    monitor.log(loss=float("nan"))
    monitor.log(loss=float("nan"))
    until(lambda: not threads())
    assert len(History.load(path)["loss"]) == 3
    assert [event.kind for event in monitor.events] == ["nonfinite_loss"]
    assert threads() == []  # reading that started none
    monitor.close()


def test_a_process_that_ends_with_an_idle_run_closes_it(tmp_path):
    script = """
import sys, threading, time, torch, torchdial as td
monitor = td.TrainingMonitor(torch.nn.Linear(1, 1), autosave=sys.argv[1])
monitor.log(loss=1.0)
while any(thread.name == "torchdial" for thread in threading.enumerate()):
    time.sleep(0.02)
"""
    path = tmp_path / "run.tdrun"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert len(History.load(path)["loss"]) == 1


def test_news_that_come_just_before_the_thread_ends_are_published():
    with monitor_of_nothing() as monitor:
        publisher, logged = monitor._publisher, []

        def then_log(publish_next=publisher._publish_next):
            is_last = publish_next()
            if publisher._is_idle and not logged:
                logged.append(True)
                monitor.log(loss=2.0)
            return is_last

        publisher._publish_next = then_log
        monitor.log(loss=1.0)
        until(lambda: logged and publisher._written == publisher._recorder.sent)
        assert monitor.history["loss"].values.tolist() == [1.0, 2.0]


def test_subscribers_are_called_from_the_thread_at_most_ten_times_a_second():
    calls = []
    with monitor_of_nothing() as monitor:
        monitor.subscribe(lambda: calls.append((time.monotonic(), threading.current_thread())))
        began = time.monotonic()
        while time.monotonic() - began < 0.65:
            monitor.log(loss=1.0)
            time.sleep(0.002)
        made = [moment for moment, _ in calls]
    gaps = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert len(made) >= 2
    assert min(gaps) >= 0.09
    assert {thread.name for _, thread in calls} == {"torchdial"}


def test_an_ended_subscription_is_not_called_again():
    calls = []
    with monitor_of_nothing() as monitor:
        end = monitor.subscribe(lambda: calls.append(1))
        monitor.log(loss=1.0)
        monitor.flush()
        end()
        end()
        count = len(calls)
        monitor.log(loss=1.0)
        monitor.flush()
    assert count > 0
    assert len(calls) == count


def test_changes_of_the_control_are_news():
    calls = []
    with monitor_of_nothing() as monitor:
        monitor.subscribe(lambda: calls.append(1))
        until(lambda: calls)
        time.sleep(0.2)
        count = len(calls)
        monitor.dial("x", setter=lambda value: None, min=0, max=1)
        until(lambda: len(calls) > count)


def test_a_flush_from_a_subscriber_does_not_wait_for_itself():
    with monitor_of_nothing() as monitor:
        monitor.subscribe(monitor.flush)
        monitor.log(loss=1.0)
        monitor.flush()
    assert monitor.problem == ""


def test_the_thread_ends_when_the_monitor_is_forgotten_and_loses_nothing():
    monitor = monitor_of_nothing()
    for _ in range(100):
        monitor.log(loss=1.0)
    history, gone = monitor.history, weakref.ref(monitor)
    del monitor
    gc.collect()
    assert gone() is None
    until(lambda: not threads())
    assert len(history["loss"]) == 100


def test_events_are_recorded_and_passed_to_on_event():
    received = []
    monitor = monitor_of_nothing(on_event=received.append)
    monitor.log(loss=1.0)
    monitor.log(loss=float("nan"))
    monitor.close()
    assert [event.kind for event in monitor.events] == ["nonfinite_loss"]
    assert received == monitor.events


def test_what_the_control_does_is_recorded_as_an_event():
    with monitor_of_nothing() as monitor:
        monitor.dial("rate", setter=lambda value: None, min=0, max=1)
        monitor.log(loss=1.0)
        monitor.control.set_dial("rate", 0.5)
        monitor.log(loss=1.0)
    assert [event.kind for event in monitor.events] == ["dial"]


def test_autosaving_keeps_the_run_in_a_file(tmp_path):
    path = tmp_path / "run.tdrun"
    monitor = monitor_of_nothing(autosave=path)
    for i in range(10):
        monitor.log(loss=float(i))
    monitor.close()
    assert History.load(path)["loss"].values.tolist() == [float(i) for i in range(10)]


def test_a_process_that_ends_without_closing_loses_nothing(tmp_path):
    script = """
import sys, torch, torchdial as td
monitor = td.TrainingMonitor(torch.nn.Linear(1, 1), autosave=sys.argv[1])
for i in range(50):
    monitor.log(loss=float(i))
"""
    path = tmp_path / "run.tdrun"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert len(History.load(path)["loss"]) == 50


def test_system_scalars_are_recorded(monkeypatch):
    monkeypatch.setattr(Clock, "overhead", 0.125)  # tests of the clock say how it is measured
    monitor = monitor_of_nothing()
    for _ in monitor.loop([{"input_ids": torch.zeros(2, 5)}] * 30):
        monitor.log(loss=1.0)
        time.sleep(0.001)
    monitor.close()
    last = {name: monitor.history[name].last[1] for name in monitor.history.names}
    assert 0 < last["system/steps_per_s"] < 1000
    assert 0 <= last["system/data_wait"] <= 1
    assert last["system/overhead"] == monitor.overhead == 0.125
    assert last["system/memory"] > 1e7  # this process holds torch
    assert last["system/cpu"] > 0
    assert last["system/samples_per_s"] == pytest.approx(2 * last["system/steps_per_s"], rel=0.2)
    assert last["system/tokens_per_s"] == pytest.approx(5 * last["system/samples_per_s"])


class Noisy(torch.utils.data.Dataset):
    """A dataset that knows its monitor, and logs to it from the workers."""

    def __init__(self, monitor):
        self.monitor = monitor

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.monitor.log(loss=float(index))
        return torch.tensor(float(os.getpid()))


def test_workers_that_were_forked_record_nothing_and_end():
    with monitor_of_nothing() as monitor:
        monitor.log(loss=1.0)
        loader = torch.utils.data.DataLoader(
            Noisy(monitor),
            batch_size=4,
            num_workers=2,
            multiprocessing_context=multiprocessing.get_context("fork"),
        )
        pids = torch.cat(list(loader))
    assert os.getpid() not in pids.tolist()
    assert len(monitor.history["loss"]) == 1
