"""When the page is sent what: deltas in order, at most ten a second, and rarer keyframes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torchdial.training.history.arrival import without_waiting
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.run_packing import Packed, PlotContents, Sent, delta, keyframe

DELTA_SECONDS = 0.1
KEYFRAME_SECONDS = 5.0
FAR_BEHIND = 5  # deltas in a row that were full

Send = Callable[[dict[str, Any], list[bytes]], None]


class Timer(Protocol):
    """A call that waits and can be cancelled."""

    def cancel(self) -> None:
        """Do not make the call."""


def call_later(seconds: float, call: Callable[[], None]) -> Timer:
    """Call on a thread of its own after some seconds; returns what cancels it."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


class Feed:
    """Sends the pages of one widget what is new in its runs; safe from any thread.

    Args:
        runs: the runs; the last one's layers and events are shown.
        contents: what of them is shown.
        send: sends a message with buffers.
        status: returns the state of the run, None where there is no monitor.
        clock: returns monotonic seconds.
        later: calls after some seconds.
    """

    def __init__(
        self,
        runs: Sequence[ShownRun],
        contents: PlotContents,
        send: Send,
        status: Callable[[], dict[str, Any] | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Timer] = call_later,
    ) -> None:
        self._runs = runs
        self._contents = contents
        self._send = send
        self._status = status
        self._clock = clock
        self._later = later
        self._lock = threading.RLock()
        self._seq = 0
        self._sent = Sent()
        self._replaced = self._count_replaced()
        self._last_status: dict[str, Any] | None = None
        self._sent_at = self._keyframe_at = float("-inf")
        self._keyframe_wanted = False
        self._opening: tuple[list[int], Packed] | None = None  # of these versions of the runs
        self._full = 0
        self._timer: Timer | None = None
        self._closed = False

    def opening(self) -> dict[str, Any]:
        """Return everything that is shown, for a page that is opened now."""
        for run in self._runs:  # before the lock, which the publishing thread may need meanwhile
            run.history.arrival.wait(events=True)
        with self._lock, without_waiting():
            versions = [run.history.version for run in self._runs]
            if self._opening is None or self._opening[0] != versions:
                self._opening = versions, keyframe(self._runs, self._contents, Sent())
            packed = self._opening[1]
            return {"frame": self._head(packed, self._status()), "data": packed.data}

    def poke(self, *, at_once: bool = False) -> None:
        """Send what is new, now or when the last delta is old enough; errors go to the page.

        Args:
            at_once: whether it is sent now in any case: Python may exit before a timer ends.
        """
        with self._lock, without_waiting():
            if at_once:
                self._cancel()
            if self._closed or self._timer is not None:
                return
            wait = self._sent_at + DELTA_SECONDS - self._clock()
            if wait > 0 and not at_once:
                self._wake_in(wait)
            else:
                self._send_safely()

    def show(self, runs: Sequence[ShownRun]) -> None:
        """Show other runs from now on."""
        with self._lock:
            self._runs = runs
            self._opening, self._replaced = None, -1
        self.poke()

    def want_keyframe(self) -> None:
        """Send everything anew, at most every five seconds."""
        with self._lock:
            self._keyframe_wanted = True
        self.poke()

    def close(self) -> None:
        """Send no more."""
        with self._lock:
            self._closed = True
            self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_in(self, seconds: float) -> None:
        self._timer = self._later(seconds, self._wake)

    def _wake(self) -> None:
        with self._lock:
            self._timer = None
        self.poke()

    def _send_safely(self) -> None:
        try:
            self._send_news()
        except Exception as error:  # a training loop must go on, whatever a picture does
            self.close()
            message = f"torchdial: this plot stopped: {type(error).__name__}: {error}"
            self._send({"type": "error", "id": None, "message": message}, [])

    def _send_news(self) -> None:
        now = self._clock()
        self._sent_at = now
        due = self._keyframe_at + KEYFRAME_SECONDS
        replaced = self._count_replaced()
        if replaced != self._replaced:  # a checkpoint was loaded, or other runs are shown
            self._replaced, self._keyframe_wanted, due = replaced, True, now
        if self._keyframe_wanted and now >= due:
            self._keyframe_wanted, self._keyframe_at, self._full = False, now, 0
            self._publish("keyframe", keyframe(self._runs, self._contents, self._sent))
            return
        packed = delta(self._runs, self._contents, self._sent)
        self._full = self._full + 1 if packed.more else 0
        if self._full >= FAR_BEHIND or packed.needs_keyframe:
            self._keyframe_wanted = True
        if _has_news(packed.head) or self._status() != self._last_status:
            self._publish("delta", packed)
        if packed.more or self._keyframe_wanted:  # deltas go on until the keyframe is due
            self._wake_in(DELTA_SECONDS)

    def _count_replaced(self) -> int:
        return sum(run.history.replaced for run in self._runs)

    def _publish(self, kind: str, packed: Packed) -> None:
        self._seq += 1
        self._last_status = self._status()
        head = self._head(packed, self._last_status)
        self._send({"type": kind, "frame": head}, [packed.data])

    def _head(self, packed: Packed, status: dict[str, Any] | None) -> dict[str, Any]:
        return packed.head | {"seq": self._seq, "status": status}


def _has_news(head: dict[str, Any]) -> bool:
    return bool(head["runs"] or head["layers"] or head["distribution"] or head["events"]["items"])
