"""Everything that depends on private attributes of ipykernel; no other file does.

Tested with ipykernel 6.17, 6.31, 7.3 and 7.4. Kernels of other major versions, and those that lack
an attribute used here, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torchdial.training.control.interrupts import in_main_thread

OLDEST = (6, 17)
TOO_NEW = (8,)


class MainChannel:
    """The messages for a kernel's main thread: requests to run cells, and messages to widgets.

    Made by `main_channel`.
    """

    def __init__(self, kernel: Any, stream: Any) -> None:
        self._kernel = kernel
        self._stream = stream
        self.pass_on: Callable[[Any], Any] = stream._recv_callback
        """Gives the frames of a message to the kernel."""

    def on_receive(self, receive: Callable[[Any], Any]) -> None:
        """Have the frames of each message given to `receive` instead of the kernel."""
        if in_main_thread():
            self._stream.on_recv(receive, copy=False)
        else:  # a ZeroMQ socket may be used in one thread only
            self._stream.io_loop.add_callback(self._stream.on_recv, receive, copy=False)

    def receive(self) -> None:
        """Receive all that has arrived. The kernel's event loop cannot while a cell blocks it."""
        import zmq

        self._stream.flush(zmq.POLLIN)

    def read(self, frames: Any, is_wanted: Callable[[Any], bool]) -> Any:
        """Return a message to a widget, or None if it is another or its content is not wanted."""
        session = self._kernel.session
        try:
            _, parts = session.feed_identities(frames, copy=False)
            sealed = session.deserialize(parts, content=False, copy=False)
            if sealed["header"]["msg_type"] != "comm_msg":
                return None
            if not is_wanted(session.unpack(sealed["content"])):
                return None
            return session.deserialize(parts, content=True, copy=False)
        except Exception:
            return None  # the kernel reports it

    def publish(self, state: str, parent: Any = None) -> None:
        """Publish "busy" or "idle" as the kernel's state, by default for the running cell."""
        kernel = self._kernel
        content = {"execution_state": state}
        parent = kernel.get_parent("shell") if parent is None else parent
        topic = kernel._topic("status")
        kernel.session.send(kernel.iopub_socket, "status", content, parent=parent, ident=topic)


def main_channel(kernel: Any) -> MainChannel | None:
    """Return a kernel's main channel, or None if the kernel is not one of those tested."""
    if not _is_tested():
        return None
    try:
        stream = _main_stream(kernel)
        needed = (
            stream.flush,
            stream.on_recv,
            stream._recv_callback,
            stream.io_loop.add_callback,
            kernel.session.feed_identities,
            kernel.session.unpack,
            kernel.get_parent,
            kernel._topic,
        )
    except AttributeError:
        return None
    return MainChannel(kernel, stream) if all(map(callable, needed)) else None


def keep_requests(kernel: Any) -> None:
    """Keep ipykernel 7.0 to 7.3 from answering no more.

    They send replies with the very socket whose requests `shell_stream` reads. ZeroMQ signals once
    that a request has arrived. A send before the stream has seen the signal clears it, and then the
    stream reads neither that request nor any later one. Replies sent through the stream, as
    ipykernel 7.4 sends them, leave no request unread (ipython/ipykernel#1529, #1554).
    """
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    stream = getattr(kernel, "shell_stream", None)
    socket = getattr(manager, "_shell_socket", None)
    if _is_tested() and socket is not None and socket is getattr(stream, "socket", None):
        manager._shell_socket = stream  # type: ignore[union-attr]


def keep_route(comm: Any) -> None:
    """Let the page's messages go to the shell that it sent them to.

    ipykernel 7.4 routes them to the subshell whose message was handled last before the comm sent
    one. Where a thread sends, that may be any page's subshell, and messages are lost once that page
    is closed.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None


def _is_tested() -> bool:
    try:
        from ipykernel._version import version_info
    except ImportError:
        return False
    version: Any = version_info
    return bool(OLDEST <= version < TOO_NEW)


def _main_stream(kernel: Any) -> Any:
    if getattr(kernel, "shell_channel_thread", None) is None:
        return kernel.shell_stream
    return kernel.shell_channel_thread.manager.get_shell_channel_to_subshell_pair(None).to_stream
