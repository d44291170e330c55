"""The thread that writes records into the history, runs the diagnosis and calls subscribers.

It ends a second after the last news and starts with the next. It holds no reference to the monitor:
when that is gone, the thread writes what is left and ends.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable

import torch

from torchdial.training.diagnosis import Diagnosis
from torchdial.training.history.arrival import LONGEST_WAIT, without_waiting
from torchdial.training.history.autosave import Autosave
from torchdial.training.recording.device_buffers import Recorder
from torchdial.training.recording.overhead_budget import Clock
from torchdial.training.recording.record_writer import RecordWriter
from torchdial.training.recording.step_records import StepRecord
from torchdial.training.recording.subscribers import Subscribers
from torchdial.training.recording.system_load import SystemLoad

INTERVAL = 0.1  # seconds between two publications, at least
UNSEEN = 0.5  # the same without subscribers: each takes the interpreter from the training thread
IDLE = 1.0  # seconds without news after which the thread ends
SYSTEM = 1.0  # seconds between two points of the system's scalars
SAVING = 5.0  # seconds between two saves
LOOKING = 2.0  # seconds between two runs of the diagnosis, at most
SHARE = 0.002  # of a processor's time may go into the diagnosis
ARRIVAL = 30.0  # seconds that a flush waits for a device
NAP = 0.001

_publishers: weakref.WeakSet[Publisher] = weakref.WeakSet()


class Publisher:
    """Publishes at most ten times a second, while there is something to publish.

    Args:
        recorder: where the records come from.
        writer: writes them.
        clock: what to record about the steps.
        subscribers: whom to call; kept weakly.
        devices: where the parameters are.
        autosave: saves the history as it grows.

    Attributes:
        note: why the run is not in its file, empty if it is or has none.
    """

    def __init__(
        self,
        recorder: Recorder[StepRecord],
        writer: RecordWriter,
        clock: Clock,
        subscribers: Subscribers,
        devices: set[torch.device],
        autosave: Autosave | None = None,
    ) -> None:
        self._recorder, self._writer, self._clock = recorder, writer, clock
        self._history = writer.history
        self._subscribers = weakref.ref(subscribers)
        self._load = SystemLoad(devices)
        self._autosave, self.note = autosave, ""
        self._diagnosis = Diagnosis(self._history)
        self._thread: threading.Thread | None = None
        self._bell = threading.Event()  # set for what cannot wait, and when the thread is asleep
        self._done = threading.Condition()
        self._is_news = self._is_asleep = self._is_idle = self._is_ending = False
        self._has_begun = self._is_unsaved = False
        self._written = 0  # records that were handled, also those that could not be written
        self._wanted = self._served = 0  # numbers of requests to catch up
        self._flushes = self._diagnoses = 0  # numbers of the last requests for more than that
        self._looked = -1  # the history's version that the diagnosis saw last
        self._stuck_at = -1  # records written when a reader last waited in vain
        self._next = self._next_look = self._next_system = self._next_save = 0.0
        self.process = os.getpid()

    def wake(self) -> None:
        """Note that there is something new; costs next to nothing while there is news anyway."""
        self._is_news = True
        if self._thread is None:
            self._start()
        elif self._is_asleep:
            self._bell.set()

    def wake_if_begun(self) -> None:
        """Note a change of the control, once anything is recorded or followed."""
        if self._has_begun:
            self.wake()

    def missing(self, events: bool) -> int:
        """Return how many records are on their way; see `Arrival`."""
        self._recorder.send_if_here()
        count = self._recorder.sent - self._written
        return count or int(events and self._lives() and self._looked != self._history.version)

    def catch_up(self, events: bool) -> int:
        """Wait until all records sent so far are written, at most 5 s; return how many are not.

        Args:
            events: whether the diagnosis is to have run, too.
        """
        wanted = self._recorder.sent
        if self._written != self._stuck_at:
            self._request(events=events, longest=LONGEST_WAIT)
        missing = max(wanted - self._written, 0)
        self._stuck_at = self._written if missing else -1
        return missing

    def flush(self) -> None:
        """Wait until all records are written and diagnosed, and the subscribers called."""
        if self._has_begun:
            self._request(events=True, is_flush=True)

    def close(self) -> None:
        """Flush, and end the thread."""
        if self._lives():
            self.flush()
        self.end()
        thread = self._thread
        if thread is None and self._has_begun and self._is_here():
            with without_waiting():  # in this thread: none can be started when Python exits
                self._publish_next()
        elif thread is not None and thread is not threading.current_thread() and self._is_here():
            self._bell.set()
            thread.join()
        self._has_begun = False
        self._history.arrival.source = None

    def end(self) -> None:
        """Let the thread end soon, without waiting for it."""
        # Sets no event: the garbage collector may call this in a thread that holds its lock.
        self._is_ending = True

    def _is_here(self) -> bool:
        return os.getpid() == self.process

    def _lives(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        with self._done:
            if self._is_ending or self._thread is not None:
                return
            _publishers.add(self)
            self._has_begun = True
            self._next_save = time.monotonic() + SAVING
            self._thread = threading.Thread(target=self._run, name="torchdial", daemon=True)
            self._thread.start()

    def _request(
        self, *, events: bool, is_flush: bool = False, longest: float | None = None
    ) -> None:
        """Wait until the thread has caught up or has ended."""
        if self._thread is threading.current_thread() or not self._is_here():
            return
        until = time.monotonic() + (longest or 1e9)
        with self._done:
            self._wanted += 1
            ticket = self._wanted
            self._diagnoses = ticket if events else self._diagnoses
            self._flushes = ticket if is_flush else self._flushes
            self._start()
            self._bell.set()
            while self._served < ticket and self._lives() and time.monotonic() < until:
                self._done.wait(INTERVAL)

    def _run(self) -> None:
        with without_waiting():
            while not (self._publish_next() or self._ends_idle()):
                pass

    def _ends_idle(self) -> bool:
        """Return whether the thread is to end now: there was no news for a while."""
        if not self._is_idle:
            return False
        if self._is_unsaved or self._looked != self._history.version:
            self._next_look = self._next_save = 0.0
            self._publish(False)
        with self._done:
            self._thread = None  # from here on news start the next one
            if self._is_news or self._is_urgent() or len(self._recorder):
                self._thread = threading.current_thread()
            return self._thread is None

    def _publish_next(self) -> bool:
        """Sleep, do what is to be done, and return whether that was the last of it."""
        self._sleep()
        is_last, ticket, served = self._is_ending, self._wanted, self._served
        is_final = is_last or self._flushes > served
        if is_last or ticket > served:
            self._await_arrival(ARRIVAL if is_final else LONGEST_WAIT)
        if is_final or (time.monotonic() >= self._next and self._has_news()):
            self._is_news = False
            self._publish(is_final)
            self._next = time.monotonic() + (INTERVAL if self._is_followed() else UNSEEN)
        elif self._diagnoses > served:
            self._part(lambda: self._look(False))
        with self._done:
            self._served = ticket
            self._done.notify_all()
        if is_last:
            self._history.arrival.source = None
        return is_last

    def _sleep(self) -> None:
        """Wait for what is to be done, or until the thread is idle."""
        self._is_idle = False
        self._bell.clear()
        if self._is_urgent():
            return
        seconds = self._next - time.monotonic()
        if seconds > 0:
            self._bell.wait(seconds)
            return
        self._is_asleep = True
        if not (self._is_news or self._is_urgent() or len(self._recorder)):
            self._is_idle = not self._bell.wait(IDLE)
        self._is_asleep = False

    def _is_urgent(self) -> bool:
        return self._wanted > self._served or self._is_ending

    def _has_news(self) -> bool:
        return self._is_news or len(self._recorder) > 0

    def _await_arrival(self, longest: float) -> None:
        deadline = time.monotonic() + longest
        self._part(self._write)
        while self._recorder.sent > self._written and time.monotonic() < deadline:
            time.sleep(NAP)
            self._part(self._write)

    def _publish(self, is_final: bool) -> None:
        began = time.thread_time()
        self._part(self._write)
        if self._is_ending:
            self._part(self._writer.end)
        now = time.monotonic()
        if is_final or now >= self._next_system:
            self._next_system = now + SYSTEM
            self._part(self._measure)
        if is_final or now >= self._next_look or self._diagnoses > self._served:
            self._part(lambda: self._look(is_final))
            seconds = time.thread_time() - began
            self._next_look = now + min(LOOKING, seconds / SHARE)
        if self._autosave is not None:
            self._is_unsaved = not (is_final or now >= self._next_save)
            if not self._is_unsaved:
                self._next_save = now + SAVING
                self._part(self._save)
        subscribers = self._subscribers()
        if subscribers is not None:
            subscribers.call()
        self._clock.busy += time.thread_time() - began

    def _write(self) -> None:
        records = self._recorder.take()
        try:
            self._writer.write(records)
        finally:
            self._written += len(records)

    def _measure(self) -> None:
        measured = self._clock.readings()
        if measured:
            self._history.record(self._writer.last_step, measured | self._load.readings())

    def _look(self, is_final: bool) -> None:
        subscribers = self._subscribers()
        progress = subscribers.control.progress if subscribers is not None else None
        total = progress.total_steps if progress is not None else None
        for event in self._diagnosis.look(total_steps=total, final=is_final):
            self._history.add_event(event)
            if subscribers is not None:
                subscribers.call_with_event(event)
        self._looked = self._history.version

    def _save(self) -> None:
        before, note = self.note, ""
        self._history.ended = self._end()
        try:
            if self._autosave is not None:
                self._autosave.save()
        except OSError as error:
            note = f"Autosave: {error} The run goes on, and saving is tried again."
        self.note = note
        if note and not before:
            warnings.warn(f"torchdial: {note}", stacklevel=2)

    def _end(self) -> str | None:
        """Return the error that ended the run, empty where none did; None while it goes on."""
        subscribers = self._subscribers()
        control = None if subscribers is None else subscribers.control
        error = uncaught_error() if _is_exiting else ""
        if control is not None and control.state in ("stopped", "finished", "failed"):
            return error or "".join(control.error.strip().splitlines()[-1:])
        return error if self._is_ending else None

    def _is_followed(self) -> bool:
        subscribers = self._subscribers()
        return subscribers is not None and len(subscribers) > 0

    def _part(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception:
            subscribers = self._subscribers()
            if subscribers is not None:
                subscribers.problems.add()


def uncaught_error() -> str:
    """Return what ends a script, as it exits; empty if no error does, and in notebooks."""
    error = None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)
    return "" if error is None else f"{type(error).__name__}: {error}".splitlines()[0]


_is_exiting = False


@atexit.register
def _close_all() -> None:
    global _is_exiting
    _is_exiting = True
    for publisher in list(_publishers):
        if publisher.process == os.getpid():
            publisher.close()
