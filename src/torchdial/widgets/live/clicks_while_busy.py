"""Receive the clicks on a widget while a cell trains and blocks its kernel.

A kernel that runs a cell handles nothing else on its main channel. So the training itself looks
there at its step boundaries, ten times a second at most, and delivers at once what is addressed
to the widgets of its monitor. Everything else, every request to run a cell above all, goes unopened
where it would have gone, in the order it came, and waits for the end of the cell as it always does.

ipykernel has no call for that (`do_one_iteration` runs whole cells inside each other), so the
channel comes from `ipykernel_internals`. With a kernel that is not tested there, nothing is
touched and `control.reach` says what works instead.
"""

from __future__ import annotations

import traceback
from functools import partial
from typing import Any
from weakref import WeakSet

from IPython import get_ipython

from torchdial.training.control.control import Control, StopTraining
from torchdial.training.control.interrupts import held_back, in_main_thread
from torchdial.widgets.ipykernel_internals import MainChannel, main_channel
from torchdial.widgets.notebook_host import is_vs_code

_AFTER_THE_CELL = (
    "Clicks act here once the cell has ended. Until then an interrupt of the kernel (■) "
    "stops `monitor.loop` at a step's end; with `monitor.start(train)` all controls work at once."
)

_inbox: Inbox | None = None


def serve_clicks(widget: Any, control: Control) -> None:
    """Let a widget's messages reach it while the control's run blocks the kernel.

    Args:
        widget: An ipywidgets widget.
        control: The control of its monitor.
    """
    global _inbox
    shell: Any = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        control.blocking = _AFTER_THE_CELL
        return
    if _inbox is None or _inbox.kernel is not kernel:
        _inbox = Inbox(kernel, shell)
    _inbox.add(widget, control)


class Inbox:
    """What comes in on a kernel's main channel."""

    def __init__(self, kernel: Any, shell: Any) -> None:
        self.kernel = kernel
        self._channel = main_channel(kernel)
        self._words = limit_of_clicks(kernel, shell)
        self._widgets: WeakSet[Any] = WeakSet()
        self._controls: WeakSet[Control] = WeakSet()
        self._cell_runs = in_main_thread()
        self._is_looking = False
        shell.events.register("pre_run_cell", self._begin_cell)
        shell.events.register("post_run_cell", self._end_cell)
        if self._channel is not None:
            self._channel.on_receive(partial(self._receive, self._channel))

    def add(self, widget: Any, control: Control) -> None:
        """Deliver at once what is addressed to this widget, too."""
        self._widgets.add(widget)
        if control in self._controls:
            return
        self._controls.add(control)
        control.blocking = self._words
        if self._channel is not None:
            control.on_listen = self.look

    def look(self) -> None:
        """Receive what has arrived."""
        if self._channel is None or self._is_looking:
            return
        self._is_looking = True
        try:
            with held_back():  # an interrupt in between could lose a message
                self._channel.receive()
        finally:
            self._is_looking = False

    def _receive(self, channel: MainChannel, frames: Any) -> Any:
        message = None
        if self._cell_runs:  # others are not even opened
            message = channel.read(frames, lambda content: self._addressee(content) is not None)
        if message is None:
            return channel.pass_on(frames)
        for control in list(self._controls):
            control.blocking = ""  # a click has arrived after all
        channel.publish("busy", message)
        try:
            self._addressee(message["content"])._handle_msg(message)
        except Exception:
            self.kernel.log.exception("A widget of torchdial could not handle a message")
        channel.publish("idle", message)  # ipywidgets in the browser waits for it
        channel.publish("busy")
        return None

    def _addressee(self, content: Any) -> Any:
        for widget in list(self._widgets):
            if widget.comm is not None and widget.comm.comm_id == content["comm_id"]:
                return widget
        return None

    def _begin_cell(self, _info: Any = None) -> None:
        if in_main_thread():
            self._cell_runs = True

    def _end_cell(self, result: Any = None) -> None:
        if in_main_thread():
            self._cell_runs = False
        error = getattr(result, "error_in_exec", None)
        words = ""
        if isinstance(error, Exception) and not isinstance(error, StopTraining):
            words = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for control in list(self._controls):
            control.rest(words)


def limit_of_clicks(kernel: Any, shell: Any) -> str:
    """Return what limits clicks in a blocking cell; VS Code keeps them back until its end."""
    arrive = main_channel(kernel) is not None and not is_vs_code(shell)
    return "" if arrive else _AFTER_THE_CELL
