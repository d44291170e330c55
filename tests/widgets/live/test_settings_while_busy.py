"""What reaches whom and when while something runs, in a real ipykernel of this environment.

The table is of a widget as ipywidgets makes it, and of one that `serve_clicks` has prepared. It is
read with ipykernel 7.4 here, with 6.17 in `make colab`, with 6.31 and 7.3 in `make install-ways`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipykernel
import pytest

from tests.widgets.live.kernel import HAS_SUBSHELLS, Kernel, kernel

VERSIONS = ("6.17", "6.31", "7.3", "7.4")
VERSION = ".".join(ipykernel.__version__.split(".")[:2])

SETUP = """
import asyncio, os, threading, time
import ipywidgets, traitlets
from torchdial.training.control.control import Control
from torchdial.training.control.loop import loop
from torchdial.training.control.worker_thread import start
from torchdial.widgets.ipykernel_internals import keep_requests
from torchdial.widgets.live.clicks_while_busy import serve_clicks

keep_requests(get_ipython().kernel)  # as every widget of torchdial does


class Bare(ipywidgets.Widget):
    value = traitlets.Int(0).tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(self._act)
        self.observe(lambda _change: self is widget and note("trait"), "value")

    def _act(self, _widget, content, _buffers):
        if content["what"] == "reply":
            self.send({"reply": True})
        else:
            note("custom")


def note(kind):
    is_main = threading.current_thread() is threading.main_thread()
    log.append((kind, ("main" if is_main else "subshell") if runs else "after"))


def fresh(go, ours):
    global log, runs, widget, other, control, GO
    log, runs, GO = [], False, go
    widget, other, control = Bare(), Bare(), Control()
    if ours:
        serve_clicks(widget, control)
    print("comm", widget.comm.comm_id)


def running():
    '''Until both messages have arrived, or for a hundred rounds after they must have come in.'''
    global runs
    runs, rounds = True, 100
    other.send({"received": True})
    other.set_trait("value", 7)
    print("begun", flush=True)
    while len(log) < 2 and rounds:
        rounds -= os.path.exists(GO)
        yield
    runs = False
    print("over", flush=True)


def block():
    for _ in running():
        time.sleep(0.01)
"""
BLOCKING = "block()"
UPDATING = "widget.send({'at': 'work'})\nblock()"
ASYNC = "for _ in running():\n    await asyncio.sleep(0.01)"
THREAD = "threading.Thread(target=block).start()"
LOOP = "for _ in loop(control, running()):\n    time.sleep(0.01)"
ASYNC_LOOP = "async for _ in loop(control, running()):\n    time.sleep(0.01)"
WORKER = "start(control, lambda: [time.sleep(0.01) for _ in loop(control, running())])"

# Where the two messages from the browser are handled: "after" the cell, or at once on the main
# thread or on a subshell's. JupyterLab sends a widget's messages to a subshell where there are any,
# VS Code to the kernel's main channel. Versions as above.
TABLE: dict[str, tuple[str, str, tuple[str, str, str, str]]] = {
    "bare, blocking cell, VS Code": (BLOCKING, "main", ("after", "after", "after", "after")),
    "bare, blocking cell, JupyterLab": (BLOCKING, "lab", ("after", "after", "subshell", "after")),
    "bare, blocking cell after its own reply, JupyterLab": (
        BLOCKING,
        "lab reply",
        ("after", "after", "subshell", "subshell"),
    ),
    "bare, blocking cell that updates it after its own reply, JupyterLab": (
        UPDATING,
        "lab reply",
        ("after", "after", "subshell", "after"),
    ),
    "bare, async cell, VS Code": (ASYNC, "main", ("after", "after", "after", "main")),
    "bare, async cell, JupyterLab": (ASYNC, "lab", ("after", "after", "subshell", "main")),
    "bare, async cell after its own reply, JupyterLab": (
        ASYNC,
        "lab reply",
        ("after", "after", "subshell", "subshell"),
    ),
    "bare, thread, VS Code": (THREAD, "main", ("main", "main", "main", "main")),
    "bare, thread, JupyterLab": (THREAD, "lab", ("main", "main", "subshell", "main")),
    "bare, thread after its own reply, JupyterLab": (
        THREAD,
        "lab reply",
        ("main", "main", "subshell", "subshell"),
    ),
    "ours, blocking cell, VS Code": (LOOP, "main ours", ("main", "main", "main", "main")),
    "ours, blocking cell, JupyterLab": (LOOP, "lab ours", ("main", "main", "subshell", "main")),
    "ours, async cell, VS Code": (ASYNC_LOOP, "main ours", ("main", "main", "main", "main")),
    "ours, async cell, JupyterLab": (ASYNC_LOOP, "lab ours", ("main", "main", "subshell", "main")),
    "ours, worker, VS Code": (WORKER, "main ours", ("main", "main", "main", "main")),
    "ours, worker, JupyterLab": (WORKER, "lab ours", ("main", "main", "subshell", "main")),
}


@pytest.fixture(scope="module")
def notebook() -> Iterator[Kernel]:
    with kernel() as client:
        client.run(SETUP)
        yield client


@pytest.fixture(scope="module")
def subshell(notebook: Kernel) -> str | None:
    return notebook.new_subshell() if HAS_SUBSHELLS else None


@pytest.mark.parametrize("row", TABLE)
def test_what_reaches_whom_and_when(
    notebook: Kernel, subshell: str | None, tmp_path: Path, row: str
) -> None:
    code, how, outcomes = TABLE[row]
    expected = outcomes[VERSIONS.index(VERSION)]
    route = subshell if "lab" in how else None
    go = tmp_path / "go"
    comm = notebook.run(f"fresh({str(go)!r}, ours={'ours' in how})").split()[1]
    if "reply" in how:
        notebook.finish(notebook.click(comm, route, what="reply"))
    notebook.published.clear()
    cell = notebook.begin(code)
    notebook.wait_for_print("begun")
    notebook.click(comm, route, what="other")
    notebook.tell(comm, {"method": "update", "state": {"value": 3}, "buffer_paths": []}, route)
    notebook.knock()
    go.touch()
    notebook.wait_for_print("over")
    notebook.finish(cell)
    heard = ast.literal_eval(notebook.run("time.sleep(0.3); print(log)"))
    assert heard == [("custom", expected), ("trait", expected)]
    assert sent_before_the_end(notebook.published) == [{"received": True}, {"value": 7}]


def sent_before_the_end(published: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what the kernel sent to the browser of the other widget while something ran."""
    end = next(i for i, (_, content) in enumerate(published) if "over" in content.get("text", ""))
    received = [content["data"] for kind, content in published[:end] if kind == "comm_msg"]
    contents = [data.get("content", data.get("state")) for data in received]
    return [content for content in contents if content in ({"received": True}, {"value": 7})]
