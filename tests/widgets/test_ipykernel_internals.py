"""Which kernels torchdial touches, and that they go on to answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipykernel._version
import pytest

from tests.widgets.live.kernel import kernel
from torchdial.widgets.ipykernel_internals import keep_requests, main_channel

REPLY_LEAVES_AS_A_REQUEST_ARRIVES = """
import os, time
import torchdial as td
plot = td.LossPlot(td.History())
kernel = get_ipython().kernel
shell_thread = getattr(kernel, "shell_channel_thread", None)


def reply():
    while not os.path.exists({go!r}):
        time.sleep(0.01)
    time.sleep(0.2)  # the request has arrived, the event loop has not seen it
    if shell_thread is None:
        kernel.shell_stream.send_multipart([b"nobody", b""])
    else:
        shell_thread.manager._send_on_shell_channel([b"nobody", b""])


loop = kernel.io_loop if shell_thread is None else shell_thread.io_loop
loop.add_callback(reply)
print("ready", flush=True)
"""


def test_a_request_that_arrives_while_a_reply_leaves_is_answered(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with kernel() as notebook:
        cell = notebook.begin(REPLY_LEAVES_AS_A_REQUEST_ARRIVES.format(go=str(go)))
        notebook.wait_for(cell, "ready")
        request = notebook.begin("print('answered')")
        notebook.knock()
        go.touch()
        assert notebook.finish(request, patience=20.0) == "answered\n"


def nothing(*_: object) -> None: ...


class Stream:
    """A stream that records which thread uses it, and the callbacks for its event loop."""

    def __init__(self) -> None:
        self.used_in: list[int] = []
        self.callbacks: list[Callable[[], Any]] = []
        self.io_loop = SimpleNamespace(add_callback=self._add_callback)
        self.socket = object()
        self.flush = self._recv_callback = nothing

    def on_recv(self, _callback: object, copy: bool = True) -> None:
        self.used_in.append(threading.get_ident())

    def _add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.callbacks.append(lambda: callback(*args, **kwargs))


def kernel_6(stream: Stream) -> Any:
    session = SimpleNamespace(feed_identities=nothing, unpack=nothing)
    return SimpleNamespace(shell_stream=stream, session=session, get_parent=nothing, _topic=nothing)


def kernel_7(stream: Stream) -> Any:
    """A kernel as in ipykernel 7.0 to 7.3."""
    made = kernel_6(Stream())
    pair = SimpleNamespace(to_stream=stream)
    made.shell_channel_thread = SimpleNamespace(
        manager=SimpleNamespace(
            _shell_socket=made.shell_stream.socket,
            get_shell_channel_to_subshell_pair=lambda _subshell: pair,
        )
    )
    return made


@pytest.mark.parametrize("make", [kernel_6, kernel_7])
@pytest.mark.parametrize(
    ("version", "is_tested"),
    [
        ((6, 16, 2), False),
        ((6, 17, 0), True),
        ((6, 31, 0), True),
        ((7, 0, 0, "a1"), True),
        ((7, 4, 0), True),
        ((8, 0, 0, "a0"), False),
        ((8, 0, 0), False),
    ],
)
def test_only_tested_versions_are_touched(
    monkeypatch: pytest.MonkeyPatch, make: Any, version: tuple[Any, ...], is_tested: bool
) -> None:
    monkeypatch.setattr(ipykernel._version, "version_info", version)
    assert (main_channel(make(Stream())) is not None) == is_tested
    made = kernel_7(Stream())
    keep_requests(made)
    replies_with = made.shell_channel_thread.manager._shell_socket
    assert (replies_with is made.shell_stream) == is_tested


@pytest.mark.parametrize("lacking", ["shell_stream", "session", "get_parent", "_topic"])
def test_a_kernel_that_lacks_an_attribute_has_no_channel(lacking: str) -> None:
    made = kernel_6(Stream())
    delattr(made, lacking)
    assert main_channel(made) is None


def test_replies_of_other_kernels_stay_as_they_are() -> None:
    made = kernel_7(Stream())
    another = made.shell_channel_thread.manager._shell_socket = object()
    for one in (made, SimpleNamespace(), None):
        keep_requests(one)
    assert made.shell_channel_thread.manager._shell_socket is another


def test_the_socket_is_used_in_the_main_thread_only() -> None:
    stream = Stream()
    channel = main_channel(kernel_6(stream))
    assert channel is not None
    thread = threading.Thread(target=channel.on_receive, args=(nothing,))
    thread.start()
    thread.join()
    assert stream.used_in == []
    stream.callbacks.pop()()
    channel.on_receive(nothing)
    assert stream.used_in == [threading.get_ident()] * 2
    assert stream.callbacks == []
