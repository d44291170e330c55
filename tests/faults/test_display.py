"""Whatever is shown may fail: the training goes on, and the error is reported."""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import sys
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

MODULES = [
    *("live.feed", "live.run_packing", "live.layer_packing", "live.module_packing", "live.packer"),
    *("live.live_plot", "live.loss_plot", "live.gradient_plot", "live.training_panel"),
    *("live.run_status", "live.plot_sources", "live.clicks_while_busy", "model_tree", "base"),
]

QUIET = {
    *("live.gradient_plot", "live.training_panel", "live.plot_sources", "live.clicks_while_busy"),
    *("model_tree", "base"),
}
"""What no run calls by itself: it is called when a person clicks, or to begin with."""


def functions_of(module_name: str) -> Iterator[tuple[str, Any, str]]:
    """Go through the functions and methods that a module of widgets defines."""
    module = importlib.import_module(f"torchdial.widgets.{module_name}")
    for owner in (module, *(c for c in vars(module).values() if inspect.isclass(c))):
        for name, value in list(vars(owner).items()):
            plain = getattr(value, "__func__", value)
            if inspect.isfunction(plain) and plain.__module__ == module.__name__:
                where = module_name if owner is module else f"{module_name}.{owner.__name__}"
                yield f"{where}.{name}", owner, name


FUNCTIONS = {key: (owner, name) for module in MODULES for key, owner, name in functions_of(module)}


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


@pytest.fixture(scope="module", autouse=True)
def _news_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchdial.widgets.live.feed.DELTA_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def bare() -> Run:
    return train_shown(watched=False)


@pytest.fixture(scope="module")
def called() -> list[str]:
    """The functions that a run calls in its second half, on whatever thread."""
    codes = set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        run = train_shown(lambda *_: codes.clear())
        assert run.monitor is not None
        run.monitor.close()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    end(run)
    return [key for key, place in FUNCTIONS.items() if getattr(*place).__code__ in codes]


def test_what_is_planted_below_is_most_of_what_a_run_calls(called: list[str]) -> None:
    assert len(FUNCTIONS) > 100
    for name in ("feed.Feed.poke", "live_plot.LivePlot._on_news", "run_status.status_of"):
        assert f"live.{name}" in called
    busy = {name for name in MODULES if any(key.startswith(f"{name}.") for key in called)}
    assert busy | QUIET == set(MODULES)


def test_shown_in_every_way(bare: Run, sent: list[Any]) -> None:
    run = train_shown()
    check_same_training(bare, run)
    check_recorded(run)
    assert len(sent) > 10
    end(run)


class Fault:
    """A function that works until the fault begins, and then raises at every call."""

    def __init__(self, key: str, patch: pytest.MonkeyPatch) -> None:
        self.has_begun, self.calls, self.words = False, 0, f"planted in {key}"
        owner, name = FUNCTIONS[key]
        given = vars(owner)[name]
        sound = getattr(given, "__func__", given)

        @functools.wraps(sound)
        def broken(*args: Any, **kwargs: Any) -> Any:
            if not self.has_begun:
                return sound(*args, **kwargs)
            self.calls += 1
            raise RuntimeError(self.words)

        patch.setattr(owner, name, broken if given is sound else type(given)(broken))
        for other in MODULES:  # a function may have been imported by others
            module = importlib.import_module(f"torchdial.widgets.{other}")
            if getattr(module, name, None) is given:
                patch.setattr(module, name, broken)

    def begin(self, *_: Any) -> None:
        self.has_begun = True


@pytest.mark.parametrize("module", MODULES)
def test_display_code_that_raises_at_every_call(
    module: str, called: list[str], bare: Run, sent: list[Any]
) -> None:
    """Each function of a module that a run calls, in turn, from the middle of a run on."""
    planted = [key for key in called if key.startswith(f"{module}.")]
    assert planted or module in QUIET
    for key in planted:
        sent.clear()
        with pytest.MonkeyPatch.context() as patch:
            fault = Fault(key, patch)
            run = train_shown(fault.begin)
            assert run.monitor is not None
            run.monitor.close()
        check_same_training(bare, run)
        assert run.monitor.history["loss"].values.tolist() == run.losses, key
        assert run.monitor.step == STEPS
        assert fault.calls, key
        assert fault.words in run.monitor.problem + repr(sent), key
        end(run)


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
