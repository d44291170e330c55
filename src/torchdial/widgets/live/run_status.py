"""The state of a run for the page: how far it is, how fast, its notes and controls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchdial.training.history.history import History
    from torchdial.widgets.live.plot_sources import Monitor

ENDED = ("finished", "failed")


def request(monitor: Monitor, content: Mapping[str, Any]) -> None:
    """Pass a click on to a run, which acts at its next step boundary.

    Raises:
        KeyError: the message lacks a part.
        ValueError: there is no such action or dial, or the value is outside of it.
    """
    control = monitor.control
    actions = {
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
    return {
        "state": control.state,
        "step": int(monitor.step),
        "steps_here": int(monitor.step) - history.start_step,
        "done": progress.step if progress else None,
        "total": progress.total_steps if progress else None,
        "epoch": progress.epoch if progress else _last(history, "epoch"),
        "epochs": progress.epochs if progress else None,
        "steps_per_s": _last(history, "system/steps_per_s"),
        "memory": _last(history, "system/memory"),
        "data_wait": _last(history, "system/data_wait"),
        "overhead": _finite(monitor.overhead),
        "problem": "\n".join(text for text in (monitor.problem, control.error) if text),
        "notes": list(monitor.notes),
        "reach": control.reach,
        "dials": [_dial(dial) for dial in control.dials.values()],
    }


def in_file(status: dict[str, Any]) -> dict[str, Any]:
    """Return a run's state for a file, where the controls do nothing."""
    state = status["state"] if status["state"] in ENDED else "saved"
    return status | {"state": state, "reach": "", "dials": []}


def _dial(dial: Any) -> dict[str, Any]:
    named = {name: getattr(dial, name) for name in ("name", "min", "max", "log")}
    return named | {"value": _finite(dial.value)}


def has_ended(monitor: Monitor) -> bool:
    """Return whether a run in `loop` or `start` is over."""
    return monitor.control.state in ENDED


def _last(history: History, name: str) -> float | None:
    last = history[name].last if name in history else None
    return None if last is None else _finite(last[1])


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
