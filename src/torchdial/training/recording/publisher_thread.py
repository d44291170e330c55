"""The thread that writes records into the history, looks for trouble in it and tells who listens.

It holds no reference to the monitor: when that is gone, the thread writes what is left and ends.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import torch

from torchdial.training.control.control import Control
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.history.autosave import Autosave
from torchdial.training.history.events import Event
from torchdial.training.recording.device_buffers import Recorder
from torchdial.training.recording.overhead_budget import Clock, memory_in_use
from torchdial.training.recording.step_records import Record, Writer

INTERVAL = 0.1  # seconds between two publications, at least
UNSEEN = 0.5  # the same while nobody subscribed: each takes the interpreter from the training
IDLE = 1.0  # seconds between two looks whether the monitor is still there
SYSTEM = 1.0  # seconds between two points of the system's scalars
SAVING = 5.0  # seconds between two saves
LOOKING = 2.0  # seconds between two looks for trouble, at most
SHARE = 0.002  # of a processor's time may go into looking
ARRIVAL = 30.0  # seconds that a flush waits for a device
NAP = 0.001

_publishers: weakref.WeakSet[Publisher] = weakref.WeakSet()


class Audience:
    """Who is told of news, and the errors that were kept from the training loop.

    Args:
        control: its changes are news, too.
        on_event: called with each new event.

    Attributes:
        problem: the traceback of the first error, else empty.
    """

    def __init__(self, control: Control, on_event: Callable[[Event], object] | None = None) -> None:
        self.control = control
        self.problem = ""
        self._on_event = on_event
        self._subscribers: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self._subscribers)

    def add(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Take a subscriber; return what to call to take it away, as often as one likes."""
        self._subscribers.append(callback)

        def remove() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return remove

    def trouble(self, text: str | None = None) -> None:
        """Keep the first error: a traceback, or that of the error being handled."""
        if not self.problem:
            self.problem = text or traceback.format_exc()

    def tell(self, event: Event) -> None:
        """Hand on an event."""
        if self._on_event is not None:
            self._safely(self._on_event, event)

    def call(self) -> None:
        """Call the subscribers."""
        for callback in list(self._subscribers):
            self._safely(callback)

    def _safely(self, function: Callable[..., object], *args: Any) -> None:
        try:
            function(*args)
        except Exception:
            self.trouble()


class Publisher:
    """Publishes at most ten times a second, while there is something to publish.

    Args:
        recorder: where the records come from.
        writer: where they go.
        clock: what to record about the steps.
        audience: whom to tell; kept weakly.
        devices: where the parameters are.
        autosave: saves the history as it grows.

    Attributes:
        note: why the run is not in its file, empty if it is or has none.
    """

    def __init__(
        self,
        recorder: Recorder[Record],
        writer: Writer,
        clock: Clock,
        audience: Audience,
        devices: set[torch.device],
        autosave: Autosave | None = None,
    ) -> None:
        self._recorder, self._writer, self._clock = recorder, writer, clock
        self._history = writer.history
        self._audience = weakref.ref(audience)
        self._devices = devices
        self._autosave, self.note = autosave, ""
        self._diagnosis = Diagnosis(self._history)
        self._thread: threading.Thread | None = None
        self._bell = threading.Event()  # rung for what cannot wait, and when the thread is asleep
        self._done = threading.Condition()
        self._is_news = self._is_asleep = self._is_ending = False
        self._wanted = self._served = 0
        self._control_version = 0
        self._next_look = self._next_system = self._next_save = 0.0
        self.process = os.getpid()

    def wake(self) -> None:
        """Say that there is something new. Costs next to nothing while there is news anyway."""
        self._is_news = True
        if self._thread is None:
            self._start()
        elif self._is_asleep:
            self._bell.set()

    def flush(self) -> None:
        """Wait until all records are written and looked at, and the subscribers called."""
        if self._thread in (None, threading.current_thread()) or os.getpid() != self.process:
            return
        with self._done:
            self._wanted += 1
            ticket = self._wanted
            self._bell.set()
            while self._served < ticket and self._lives():
                self._done.wait(INTERVAL)

    def close(self) -> None:
        """Flush, and end the thread."""
        self.flush()
        self.end()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._bell.set()
            thread.join()

    def _lives(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        if not self._is_ending:
            _publishers.add(self)
            self._next_save = time.monotonic() + SAVING
            self._thread = threading.Thread(target=self._run, name="torchdial", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Have the thread end soon, without waiting for it: nobody needs it any more."""
        # Rings no bell: the garbage collector may call this in a thread that holds its lock.
        self._is_ending = True

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._sleep()
            is_last, ticket, is_news = self._is_ending, self._wanted, self._is_news
            self._is_news = False
            is_final = is_last or ticket > self._served
            if is_final:
                self._await_arrival()
            if is_final or is_news or len(self._recorder) or self._has_control_changed():
                self._publish(is_final)
            with self._done:
                self._served = ticket
                self._done.notify_all()
            if not is_last:
                self._bell.clear()
                if not self._is_urgent():
                    self._bell.wait(INTERVAL if self._has_listeners() else UNSEEN)

    def _sleep(self) -> None:
        """Wait for news, but not for long: changes of the control ring no bell."""
        self._bell.clear()
        self._is_asleep = True
        if not (self._is_news or self._is_urgent() or len(self._recorder)):
            self._bell.wait(INTERVAL if self._has_listeners() else IDLE)
        self._is_asleep = False

    def _is_urgent(self) -> bool:
        return self._wanted > self._served or self._is_ending

    def _await_arrival(self) -> None:
        deadline = time.monotonic() + ARRIVAL
        while len(self._recorder) and time.monotonic() < deadline:
            self._part(lambda: self._writer.write(self._recorder.take()))
            time.sleep(NAP if len(self._recorder) else 0)

    def _publish(self, is_final: bool) -> None:
        began = time.thread_time()
        self._part(self._write)
        now = time.monotonic()
        if is_final or now >= self._next_system:
            self._next_system = now + SYSTEM
            self._part(self._measure)
        if is_final or now >= self._next_look:
            self._part(lambda: self._look(is_final))
            seconds = time.thread_time() - began
            self._next_look = now + min(LOOKING, seconds / SHARE)
        if self._autosave is not None and (is_final or now >= self._next_save):
            self._next_save = now + SAVING
            self._part(self._save)
        audience = self._audience()
        if audience is not None:
            audience.call()
        self._clock.busy += time.thread_time() - began

    def _write(self) -> None:
        self._writer.write(self._recorder.take())

    def _measure(self) -> None:
        readings = self._clock.readings()
        if readings:
            memory = memory_in_use(self._devices)
            if memory is not None:
                readings["system/memory"] = memory
            self._history.record(self._writer.last_step, readings)

    def _look(self, is_final: bool) -> None:
        audience = self._audience()
        progress = audience.control.progress if audience is not None else None
        total = progress.total_steps if progress is not None else None
        for event in self._diagnosis.look(total_steps=total, final=is_final):
            self._history.add_event(event)
            if audience is not None:
                audience.tell(event)

    def _save(self) -> None:
        before, note = self.note, ""
        try:
            if self._autosave is not None:
                self._autosave.save()
        except OSError as error:
            note = f"Autosave: {error} The run goes on, and so does trying."
        self.note = note
        if note and not before:
            warnings.warn(f"torchdial: {note}", stacklevel=2)

    def _has_listeners(self) -> bool:
        audience = self._audience()
        return audience is not None and len(audience) > 0

    def _has_control_changed(self) -> bool:
        audience = self._audience()
        version = audience.control.version if audience is not None else 0
        known, self._control_version = self._control_version, version
        return version != known

    def _part(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception:
            audience = self._audience()
            if audience is not None:
                audience.trouble()


@atexit.register
def _close_all() -> None:
    for publisher in list(_publishers):
        if publisher.process == os.getpid():
            publisher.close()
