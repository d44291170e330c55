"""The state of a run for the page: how far it is, how fast, its notes and controls."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from torchdial.training.control.training_dials import RATE_DIAL, Dial
from torchdial.training.diagnosis.losses import losses
from torchdial.training.history.scalar_names import is_learning_rate

if TYPE_CHECKING:
    from torchdial.training.control.control import Control
    from torchdial.training.history.history import History
    from torchdial.widgets.live.plot_sources import Monitor

ENDED = ("stopped", "finished", "failed")
SYSTEM_PREFIX = "system/"
RATE = f"{SYSTEM_PREFIX}steps_per_s"
REASON_LENGTH = 200  # characters; the whole traceback is shown elsewhere


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        state: "stopped", "finished" or "failed".
        step: where it stopped, or where it failed.
        reason: what it failed of, else empty.
    """

    state: str
    step: int
    reason: str = ""


def request(control: Control, content: Mapping[str, Any]) -> None:
    """Pass a click on to a run, which acts at its next step boundary.

    Raises:
        KeyError: the message lacks a part.
        ValueError: there is no such action or dial, or the value is outside of it.
    """
    actions: dict[Any, Callable[[], object]] = {
        "pause": control.request_pause,
        "resume": control.request_resume,
        "stop": control.request_stop,
        "dial": lambda: control.set_dial(str(content["name"]), float(content["value"])),
    }
    action = content["action"]
    if action not in actions:
        raise ValueError(f"unknown action {action!r:.60}")
    actions[action]()


def status_of(monitor: Monitor) -> dict[str, Any]:
    """Return the state of a run for the browser; None for what is not known."""
    control, history = monitor.control, monitor.history
    progress = control.progress
    return _state(control, history, int(monitor.step)) | {
        "done": progress.step if progress else None,
        "total": progress.total_steps if progress else None,
        "epoch": progress.epoch if progress else _last(history, "epoch"),
        "epochs": progress.epochs if progress else None,
        "steps_per_s": recent_rate(history),
        "system": _system(history),
        "overhead": _finite(monitor.overhead),
        "problem": "\n".join(text for text in (monitor.problem, control.error) if text),
        "notes": list(monitor.notes),
        "reach": control.reach,
        "dials": [_dial(dial, history) for dial in control.dials.values()],
    }


class LastStatus:
    """The state of a run for the browser, also after its monitor is gone.

    Args:
        monitor: the run's; it is not kept alive.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = weakref.ref(monitor)
        self._control, self._history = monitor.control, monitor.history
        self._known = status_of(monitor)

    def __call__(self) -> dict[str, Any]:
        """Return `status_of` the monitor; once it is gone, of what it recorded last."""
        monitor = self._monitor()
        if monitor is None:
            newest = [one.last[0] for one in self._history.counted() if one.last]
            step = max([self._known["step"], *newest])
            self._known = self._known | _state(self._control, self._history, step)
        else:
            self._known = status_of(monitor)
        return self._known


def _state(control: Control, history: History, step: int) -> dict[str, Any]:
    """Return how far a run is, and how it ended."""
    progress = control.progress
    is_left = progress is not None and progress.step < (progress.total_steps or 0)
    end = run_end(history, control.state, control.error, step, is_left)
    return {
        "state": end.state if end else control.state,
        "ended_at": end.step if end else None,
        "reason": end.reason if end else "",
        "step": step,
        "steps_here": step - history.start_step,
    }


def run_end(
    history: History, state: str, error: str, step: int, is_left: bool = False
) -> RunEnd | None:
    """Return how a run ended, None where it has not.

    Args:
        history: what was recorded.
        state: the state of its control.
        error: the traceback that ended it, else empty.
        step: completed steps.
        is_left: whether its loop was left with batches to go, by `break` or an exception.

    Example:
        >>> from torchdial.training.history.history import History
        >>> run_end(History("run"), "finished", "", step=720)
        RunEnd(state='finished', step=720, reason='')
    """
    if state not in ENDED:
        return None
    if error or state == "failed":
        lines = error.strip().splitlines() or ["an error"]
        return RunEnd("failed", step, lines[-1][:REASON_LENGTH])
    lost = _lost_losses(history)
    if lost:
        name = min(lost, key=lost.__getitem__)
        return RunEnd("failed", lost[name], f"{name} is NaN or infinite from there on")
    stops = [event.step for event in history.events if event.kind == "stop"]
    is_stopped = state == "stopped" or is_left or step in stops
    return RunEnd("stopped" if is_stopped else "finished", step)


def _lost_losses(history: History) -> dict[str, int]:
    """Return the training losses that are not finite any more, each with its first such step."""
    with history.lock:
        names = list(history.scalars)
    lost = {}
    for name in losses(names).judged:
        series = history[name]
        values = series.values
        finite = np.flatnonzero(np.isfinite(values))
        first = finite[-1] + 1 if len(finite) else 0
        if first < len(values):
            steps, _, _ = history.points_along_run(series, slice(first, first + 1))
            lost[name] = int(steps[0])
    return lost


def followed_status(
    history: History, notes: Sequence[str], silence: float | None, patience: float
) -> dict[str, Any]:
    """Return the state of a run that another process writes, for the browser.

    Args:
        history: what was read.
        notes: sentences to show below it.
        silence: seconds since the last point was written, None before the first.
        patience: seconds of silence after which its writer may be gone.
    """
    step = max((one.last[0] for one in history.counted() if one.last), default=history.start_step)
    error = history.ended
    end = None
    if error is not None:
        end = run_end(history, "failed" if error else "finished", error, step)
    unknown = ("done", "total", "epochs", "overhead")
    return dict.fromkeys(unknown) | {
        "state": end.state if end else "followed",
        "ended_at": end.step if end else None,
        "reason": end.reason if end else "",
        "step": step,
        "steps_here": step - history.start_step,
        "epoch": _last(history, "epoch"),
        "steps_per_s": recent_rate(history),
        "system": _system(history),
        "problem": "",
        "notes": list(notes),
        "reach": "",
        "dials": [],
        "silence": silence,
        "patience": patience,
    }


def recent_rate(history: History, seconds: float = 60.0) -> float | None:
    """Return optimizer steps a second over the last minute, pauses left out; None if unknown.

    Args:
        history: what was recorded.
        seconds: how far to look back from the newest measurement.
    """
    if RATE not in history:
        return None
    steps, rates, times = history[RATE].since(0)
    first = int(np.searchsorted(times, times[-1] - seconds)) if len(times) else 0
    steps, rates = steps[max(first - 1, 0) :], rates[max(first - 1, 0) :]
    done = np.diff(steps).astype(float)
    fits = (done > 0) & (rates[1:] > 0)
    if not fits.any():
        return _last(history, RATE)
    return _finite(float(done[fits].sum() / (done[fits] / rates[1:][fits]).sum()))


def in_file(status: dict[str, Any]) -> dict[str, Any]:
    """Return a run's state for a file: no controls, and nothing that only its author needs."""
    state = status["state"] if status["state"] in ENDED else "saved"
    costs: dict[str, Any] = {"system": {}, "overhead": None, "problem": ""}
    return status | costs | {"state": state, "reach": "", "dials": [], "notes": []}


def _dial(dial: Dial, history: History) -> dict[str, Any]:
    named: dict[str, Any] = {name: getattr(dial, name) for name in ("name", "min", "max", "log")}
    if dial.is_factor:
        named["schedule"] = scheduled_rate(history)
    return named | {"value": _finite(dial.value)}


def scheduled_rate(history: History) -> float | None:
    """Return the learning rate without the dial's factor, None if it is not known or not one.

    The recorded rate has the factor in it that the dial had at its step.
    """
    with history.lock:
        rates = [series for name, series in history.scalars.items() if is_learning_rate(name)]
    if len(rates) != 1 or rates[0].last is None:
        return None
    step, rate = rates[0].last
    factors = [
        event.evidence["new"]
        for event in list(history.events)
        if (event.kind, event.where) == ("dial", RATE_DIAL)
        and "new" in event.evidence
        and history.start_step <= event.step < step
    ]
    return _finite(rate / factors[-1] if factors else rate)


def _system(history: History) -> dict[str, float | None]:
    """Return the newest of each of the system's scalars, without the word before its name."""
    with history.lock:
        names = [name for name in history.scalars if name.startswith(SYSTEM_PREFIX)]
    return {name.removeprefix(SYSTEM_PREFIX): _last(history, name) for name in names}


def has_ended(control: Control) -> bool:
    """Return whether a run in `loop` or `start` is over."""
    return control.state in ENDED


def _last(history: History, name: str) -> float | None:
    last = history[name].last if name in history else None
    return None if last is None else _finite(last[1])


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
