"""As much of a monitor as a plot needs, without a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torchdial.training.control.training_dials import Dial
from torchdial.training.history.history import History


@dataclass
class FakeControl:
    """Keeps what it was asked for."""

    state: str = "running"
    error: str = ""
    reach: str = ""
    progress: Any = None
    dials: dict[str, Dial] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def request_pause(self) -> None:
        self.asked.append("pause")

    def request_resume(self) -> None:
        self.asked.append("resume")

    def request_stop(self) -> None:
        self.asked.append("stop")

    def set_dial(self, name: str, value: float) -> None:
        if name not in self.dials:
            raise ValueError(f"no dial {name!r}")
        self.asked.append((name, value))


class FakeMonitor:
    """Has a history and tells of news when a test says so."""

    def __init__(self) -> None:
        self.history = History("run 1")
        self.callbacks: list[Any] = []
        self.step, self.overhead, self.problem = 0, 0.004, ""
        self.notes: list[str] = []
        self.seconds, self.is_closed = 0.0, False
        self.control = FakeControl()

    def name_of(self, _: Any) -> None:
        return None

    def spent(self, seconds: float) -> None:
        self.seconds += seconds

    def subscribe(self, callback: Any) -> Any:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def tell(self) -> None:
        for callback in list(self.callbacks):
            callback()
