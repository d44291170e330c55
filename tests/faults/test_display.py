"""Whatever is shown may fail: the training does not notice, and the person is told."""

from __future__ import annotations

import importlib
import inspect
import itertools
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import pytest
import torch

import torchdial as td
from tests.faults.runs import (
    STEPS,
    Run,
    batches,
    begin,
    check_recorded,
    check_same_training,
    step,
    train,
)
from torchdial.training import History
from torchdial.training.recording import publisher_thread as publisher

ROOMS = [
    *("feed", "frames", "layer_frames", "module_frames", "live", "loss_plot", "gradient_plot"),
    *("training_panel", "model_tree", "packing", "status", "sources", "wire", "clicks", "base"),
]

QUIET = ["gradient_plot", "training_panel", "model_tree", "sources", "wire", "clicks", "base"]
"""What no run calls by itself: it is called when a person clicks, or to begin with."""


def functions_of(room: str) -> Iterator[tuple[str, Any, str]]:
    """Go through the functions and methods that a module of widgets defines."""
    module = importlib.import_module(f"torchdial.widgets.{room}")
    for owner in (module, *(c for c in vars(module).values() if inspect.isclass(c))):
        for name, value in list(vars(owner).items()):
            plain = getattr(value, "__func__", value)
            if inspect.isfunction(plain) and plain.__module__ == module.__name__:
                where = f"{room}." if owner is module else f"{room}.{owner.__name__}."
                yield where + name, owner, name


FUNCTIONS = {key: (owner, name) for room in ROOMS for key, owner, name in functions_of(room)}


def show(run: Run) -> list[Any]:
    """Show a run in every way there is."""
    if run.monitor is None:
        return []
    batch = torch.zeros(2, 4)
    return [
        td.TrainingPanel(run.monitor),
        td.LossPlot(run.monitor),
        td.GradientPlot(run.monitor),
        td.ModelTree(run.model.eval(), batch, monitor=run.monitor),
    ]


def train_shown(
    happens: Callable[[Run, list[Any]], Any] = lambda run, shown: None, *, watched: bool = True
) -> Run:
    """Train in a loop, published as often as may be, and let something happen half-way."""
    run = begin(watched=watched)
    run.kept += show(run)
    run.model.train()
    looped = batches() if run.monitor is None else run.monitor.loop(batches())
    for number, batch in enumerate(looped):
        if number == STEPS // 2:
            happens(run, run.kept)
        step(run, batch)
        if run.monitor is not None and number % 4 == 0:
            run.monitor.flush()
    if run.monitor is not None:
        run.monitor.flush()
    run.kept.append(torch.get_rng_state())
    return run


@pytest.fixture(scope="module")
def bare() -> Run:
    return train_shown(watched=False)


@pytest.fixture(autouse=True)
def _news_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchdial.widgets.live.feed.DELTA_SECONDS", 0.0)


def test_what_is_planted_below_is_most_of_what_a_run_calls() -> None:
    assert len(FUNCTIONS) > 100
    for name in ("feed.Feed.poke", "live.LivePlot._on_news", "status.status_of"):
        assert name in FUNCTIONS


def test_shown_in_every_way(bare: Run, sent: list[Any]) -> None:
    run = train_shown()
    check_same_training(bare, run)
    check_recorded(run)
    assert len(sent) > 10
    end(run)


@pytest.mark.parametrize("room", ROOMS)
def test_display_code_that_raises_at_every_call(room: str, bare: Run, sent: list[Any]) -> None:
    """Each function of a module in turn, from the middle of a run on."""
    reached = 0
    for key, (owner, name) in FUNCTIONS.items():
        if not key.startswith(f"{room}."):
            continue
        called: list[int] = []

        def broken(*_: Any, key: str = key, called: list[int] = called, **__: Any) -> Any:
            called.append(1)
            raise RuntimeError(f"planted in {key}")

        sent.clear()
        with pytest.MonkeyPatch.context() as patch:
            run = train_shown(lambda *_: put_in_place(patch, owner, name, broken))  # noqa: B023
            assert run.monitor is not None
            words = run.monitor.problem + repr(sent)
            run.monitor.close()
        check_same_training(bare, run)
        assert run.monitor.history["loss"].values.tolist() == run.losses, key
        assert run.monitor.step == STEPS
        assert not called or f"planted in {key}" in words, key
        reached += bool(called)
        end(run)
    assert reached or room in QUIET


def put_in_place(patch: pytest.MonkeyPatch, owner: Any, name: str, broken: Any) -> None:
    """Patch a method, or a function wherever it was imported to."""
    sound = getattr(owner, name)
    patch.setattr(owner, name, broken)
    for room in ROOMS:
        module = importlib.import_module(f"torchdial.widgets.{room}")
        if getattr(module, name, None) is sound:
            patch.setattr(module, name, broken)


def end(run: Run) -> None:
    for widget in run.kept:
        if isinstance(widget, ipywidgets.Widget):
            widget.close()
    if run.monitor is not None:
        run.monitor.close()


def close_widgets(run: Run, shown: list[Any]) -> None:
    for widget in shown:
        widget.close()


def close_comms(run: Run, shown: list[Any]) -> None:
    """As when the page is closed for good: the widget is still there, its line is not."""
    for widget in shown:
        widget.comm.close()


def lose_comms(run: Run, shown: list[Any]) -> None:
    for widget in shown:
        widget.comm = None


def send_nothing(run: Run, shown: list[Any]) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("Socket operation on non-socket")

    for widget in shown:
        widget._send = broken  # all goes through it; without a kernel ipywidgets 7 sends nothing


@pytest.mark.parametrize("happens", [close_widgets, close_comms, lose_comms, send_nothing])
def test_a_comm_closed_under_a_running_monitor(happens: Any, bare: Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = train_shown(lambda run, shown: happens(run, shown[:4]) if run.monitor else None)
    check_same_training(bare, run)
    monitor = run.monitor
    assert monitor is not None
    assert monitor.history["loss"].values.tolist() == run.losses
    if happens is send_nothing:
        assert "Socket operation on non-socket" in monitor.problem
    else:
        assert monitor.problem == ""
    again = td.TrainingPanel(monitor)  # and it can be shown again
    assert again.get_state()["_opening"]["frame"]["runs"]
    again.close()
    end(run)


@contextmanager
def clock_that_jumps_back(seconds: float) -> Iterator[None]:
    """Each clock goes back by so many seconds at every 50th look."""
    looks = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("time", "monotonic", "perf_counter", "thread_time"):
            real = getattr(time, name)

            def now(real: Any = real) -> float:
                return float(real() - seconds * (next(looks) // 50))

            patch.setattr(time, name, now)
        yield


@pytest.mark.parametrize("seconds", [0.001, 3600.0])
def test_a_clock_that_goes_backwards(
    seconds: float, bare: Run, sent: list[Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "SAVING", 0.01)
    with clock_that_jumps_back(seconds):
        run = train_shown()
        check_same_training(bare, run)
        check_recorded(run)
        monitor = run.monitor
        assert monitor is not None
        assert monitor.overhead >= 0
        monitor.history.save(tmp_path / "run")
        loaded = History.load(tmp_path / "run")
        assert loaded["loss"].values.tolist() == run.losses
        panel = td.TrainingPanel(monitor)
        assert panel.to_matplotlib() is not None
        panel.close()
        end(run)


def test_a_subscriber_that_hangs_holds_no_step_back() -> None:
    """The publishing thread waits for it, the training does not."""
    is_over = threading.Event()
    run = begin(watched=True)
    assert run.monitor is not None
    run.monitor.subscribe(is_over.wait)
    for batch in batches():
        step(run, batch)
    is_over.set()  # not before all steps are done
    run.monitor.close()
    run.kept.append(torch.get_rng_state())
    check_same_training(train(watched=False), run)
    check_recorded(run)
