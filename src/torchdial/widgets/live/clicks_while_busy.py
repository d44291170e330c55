"""Hear the clicks on a widget while a cell trains and blocks its kernel.

A kernel that runs a cell handles nothing else on its main channel. So the training itself looks
there at its step boundaries, ten times a second at most, and hands over at once what is addressed
to the widgets of its monitor. Everything else, every request to run a cell above all, goes unopened
where it would have gone, in the order it came, and waits for the end of the cell as it always does.

ipykernel has no call for that (`do_one_iteration` runs whole cells inside each other), so this
leans on how its main channel is built. It is tested with 6.17, 6.31, 7.3 and 7.4; where anything is
not as expected, nothing is touched and `control.reach` says what works instead.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from IPython import get_ipython

from torchdial.training.control.control import Control, StopTraining
from torchdial.training.control.interrupts import held_back, in_main_thread

_AFTER_THE_CELL = (
    "Clicks are heard here when the cell has ended. Until then an interrupt of the kernel (■) "
    "stops `monitor.loop` at a step's end; with `monitor.start(train)` all controls work at once."
)

_inbox: Inbox | None = None


def hear(widget: Any, control: Control) -> None:
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
        self._stream = _main_stream(kernel)
        self._words = _words(self._stream, shell)
        self._widgets: WeakSet[Any] = WeakSet()
        self._controls: WeakSet[Control] = WeakSet()
        self._cell_runs = in_main_thread()
        self._is_looking = False
        shell.events.register("pre_run_cell", self._begin_cell)
        shell.events.register("post_run_cell", self._end_cell)
        if self._stream is not None:
            self._pass_on: Callable[[Any], Any] = self._stream._recv_callback
            self._stream.on_recv(self._receive, copy=False)

    def add(self, widget: Any, control: Control) -> None:
        """Hand over at once what is addressed to this widget, too."""
        self._widgets.add(widget)
        if control in self._controls:
            return
        self._controls.add(control)
        control.blocking = self._words
        if self._stream is not None:
            control.on_listen = self.look

    def look(self) -> None:
        """Receive what has come; the kernel's event loop cannot while a cell blocks it."""
        import zmq

        if self._is_looking:
            return
        self._is_looking = True
        try:
            with held_back():  # an interrupt in between could lose a message
                self._stream.flush(zmq.POLLIN)
        finally:
            self._is_looking = False

    def _receive(self, frames: Any) -> Any:
        message = self._ours(frames) if self._cell_runs else None
        if message is None:
            return self._pass_on(frames)
        for control in list(self._controls):
            control.blocking = ""  # it was heard, whatever we thought
        self._say("busy", message)
        try:
            self._addressee(message["content"])._handle_msg(message)
        except Exception:
            self.kernel.log.exception("A widget of torchdial could not handle a message")
        self._say("idle", message)  # ipywidgets in the browser waits for it
        self._say("busy", self.kernel.get_parent("shell"))
        return None

    def _ours(self, frames: Any) -> Any:
        """Return the message if it is for a widget of ours; others are not even opened."""
        session = self.kernel.session
        try:
            _, parts = session.feed_identities(frames, copy=False)
            sealed = session.deserialize(parts, content=False, copy=False)
            if sealed["header"]["msg_type"] != "comm_msg":
                return None
            if self._addressee(session.unpack(sealed["content"])) is None:
                return None
            return session.deserialize(parts, content=True, copy=False)
        except Exception:
            return None  # the kernel knows what to say about it

    def _addressee(self, content: Any) -> Any:
        for widget in list(self._widgets):
            if widget.comm is not None and widget.comm.comm_id == content["comm_id"]:
                return widget
        return None

    def _say(self, state: str, parent: Any) -> None:
        content = {"execution_state": state}
        topic = self.kernel._topic("status")
        self.kernel.session.send(
            self.kernel.iopub_socket, "status", content, parent=parent, ident=topic
        )

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


def _main_stream(kernel: Any) -> Any:
    """Return the stream that a kernel's main thread reads from; None if it is not as expected."""
    try:
        stream = kernel.shell_stream
        if getattr(kernel, "shell_channel_thread", None) is not None:
            manager = kernel.shell_channel_thread.manager
            stream = manager.get_shell_channel_to_subshell_pair(None).to_stream
        needed = (
            stream.flush,
            stream.on_recv,
            stream._recv_callback,
            kernel.session.feed_identities,
            kernel.session.unpack,
            kernel.get_parent,
            kernel._topic,
        )
    except AttributeError:
        return None
    return stream if all(map(callable, needed)) else None


def _words(stream: Any, shell: Any) -> str:
    """Return what to say of clicks in a blocking cell; VS Code keeps them back until its end."""
    is_heard = stream is not None and "__vsc_ipynb_file__" not in shell.user_ns
    return "" if is_heard else _AFTER_THE_CELL
