"""Clicks on a widget while a cell blocks its kernel, in a real ipykernel of this environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import ipywidgets
import pytest

from tests.widgets.live.kernel import HAS_SUBSHELLS, Kernel, kernel
from torchdial.training.control.control import Control
from torchdial.training.control.loop import loop
from torchdial.widgets.live.clicks_while_busy import Inbox, serve_clicks

SETUP = """
import time
import ipywidgets
from torchdial.training.control.control import Control
from torchdial.training.control.loop import loop
from torchdial.training.control.worker_thread import start
from torchdial.widgets.ipykernel_internals import keep_requests
from torchdial.widgets.live.clicks_while_busy import serve_clicks

keep_requests(get_ipython().kernel)  # as every widget of torchdial does


class Panel(ipywidgets.Widget):
    '''What the real panel does with its buttons, without the panel.'''

    def __init__(self, control):
        super().__init__()
        self.control, self.heard = control, []
        self.on_msg(self._act)
        serve_clicks(self, control)

    def _act(self, _widget, content, _buffers):
        self.heard.append(content["what"])
        if content["what"] == "dial":
            self.control.set_dial("lr", content["value"])
        else:
            getattr(self.control, "request_" + content["what"])()
        self.send({"done": content["what"]})


def fresh():
    global control, panel
    control = Control()
    control.dial("lr", min=0.01, max=100, log=True)
    control.on_event = lambda event: print(event.kind, event.message)
    control.on_problem = print
    panel = Panel(control)
    print("comm", panel.comm.comm_id)
"""

BLOCKING = """
print("begun", flush=True)
steps = 0
for _ in loop(control, range(3000)):
    time.sleep(0.01)
    steps += 1
print("ended after", steps if steps == 3000 else "some", "steps:", control.state)
"""


IN_THE_BACKGROUND = """
import threading
import torchdial as td
history = td.History()
plot, other = td.LossPlot(history), td.LossPlot(history)
plot.on_msg(lambda _widget, content, _buffers: print("heard", content["type"]))


def speak():
    while plot.comm is not None:
        plot.send({"type": "done", "id": -1})
        time.sleep(0.01)


threading.Thread(target=speak).start()
print("comms", plot.comm.comm_id, other.comm.comm_id)
"""


@pytest.fixture(scope="module")
def notebook() -> Iterator[Kernel]:
    with kernel() as client:
        client.run(SETUP)
        yield client


@pytest.fixture
def panel(notebook: Kernel) -> str:
    """A new control and its panel; the id of its comm."""
    return notebook.run("fresh()").split()[1]


def test_a_blocking_loop_receives_pause_dial_resume_and_stop(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(BLOCKING)
    notebook.wait_for(cell, "begun")
    notebook.click(panel, what="pause")
    notebook.wait_for(cell, "pause Paused")
    notebook.click(panel, what="dial", value=0.5)
    notebook.wait_for(cell, "learning rate × 0.5")
    notebook.click(panel, what="resume")
    notebook.wait_for(cell, "resume Went on")
    notebook.click(panel, what="stop")
    assert "ended after some steps: finished" in notebook.finish(cell)
    assert notebook.run("print(panel.heard)") == "['pause', 'dial', 'resume', 'stop']\n"


def test_cells_that_wait_run_afterwards_in_order_and_once(notebook: Kernel, panel: str) -> None:
    notebook.run("ran = []")
    cell = notebook.begin(BLOCKING)
    notebook.wait_for(cell, "begun")
    waiting = []
    for i in range(20):
        waiting.append(notebook.begin(f"ran.append(({i}, control.state))"))
        notebook.click(panel, what="pause" if i % 2 == 0 else "resume")
    notebook.click(panel, what="stop")
    notebook.finish(cell)
    for one in waiting:
        notebook.finish(one)
    assert not notebook.errors.keys() & {cell, *waiting}
    expected = [(i, "finished") for i in range(20)]
    assert notebook.run("print(ran)") == f"{expected}\n"
    assert notebook.run("print(len(panel.heard))") == "21\n"


def test_every_click_is_confirmed_and_the_cell_stays_busy(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(BLOCKING)
    notebook.wait_for(cell, "begun")
    click = notebook.click(panel, what="pause")
    notebook.finish(click)  # the idle status that a browser waits for
    notebook.wait_for(cell, "pause Paused")
    assert notebook.states[-1] == "busy"
    notebook.click(panel, what="stop")
    notebook.finish(cell)


def test_a_loop_that_only_logs_is_ended_in_one_line(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        'print("begun", flush=True)\nwhile True:\n    time.sleep(0.01)\n    control.boundary()'
    )
    notebook.wait_for(cell, "begun")
    notebook.click(panel, what="stop")
    notebook.finish(cell)
    assert notebook.errors[cell]["traceback"] == ["Stopped at step 0, as asked."]
    assert notebook.run("print(control.state)") == "finished\n"


def test_other_widgets_wait_for_the_end_of_the_cell(notebook: Kernel, panel: str) -> None:
    other = notebook.run(
        "other = ipywidgets.IntSlider()\nother.on_msg(lambda *_: print('other'))\n"
        "print(other.comm.comm_id)"
    ).strip()
    cell = notebook.begin(BLOCKING + "\nlate = True")
    notebook.wait_for(cell, "begun")
    later = notebook.click(other, what="nothing")
    notebook.click(panel, what="stop")
    notebook.finish(cell)
    notebook.finish(later)
    assert "other" not in notebook.text[cell]


def test_an_async_loop_lets_clicks_in(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        'print("begun", flush=True)\n'
        "async for _ in loop(control, range(3000)):\n    time.sleep(0.01)\n"
        "print(control.state)"
    )
    notebook.wait_for(cell, "begun")
    notebook.click(panel, what="pause")
    notebook.wait_for(cell, "pause Paused")
    notebook.click(panel, what="resume")
    notebook.wait_for(cell, "resume Went on")
    notebook.click(panel, what="stop")
    assert notebook.finish(cell).endswith("finished\n")


def test_an_async_cell_around_a_plain_loop_lets_clicks_in(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        'import asyncio\nprint("begun", flush=True)\n'
        "for _ in loop(control, range(3000)):\n"
        "    time.sleep(0.01)\n    await asyncio.sleep(0)\n"
        "print(control.state)"
    )
    notebook.wait_for(cell, "begun")
    notebook.click(panel, what="pause")
    notebook.wait_for(cell, "pause Paused")
    notebook.click(panel, what="stop")
    assert notebook.finish(cell).endswith("finished\n")


def test_a_worker_is_steered_while_the_notebook_is_free(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        "def train():\n    for _ in loop(control, range(3000)):\n        time.sleep(0.01)\n"
        "    return 'whole'\n"
        "handle = start(control, train)"
    )
    notebook.finish(cell)
    notebook.click(panel, what="pause")
    notebook.run("time.sleep(0.5)")
    assert notebook.run("print(control.state)") == "paused\n"
    waiting = notebook.begin("print('waits', flush=True)\nprint(handle.result())")
    notebook.wait_for(waiting, "waits")
    notebook.click(panel, what="resume")
    notebook.click(panel, what="stop")
    assert notebook.finish(waiting).endswith("whole\n")


def test_the_first_interrupt_ends_the_loop_and_the_cell_goes_on(
    notebook: Kernel, panel: str
) -> None:
    cell = notebook.begin(BLOCKING)
    notebook.wait_for(cell, "begun")
    notebook.interrupt()
    assert "ended after some steps: finished" in notebook.finish(cell)
    assert "by an interrupt" in notebook.text[cell]
    assert cell not in notebook.errors


def test_the_first_interrupt_ends_an_async_loop_too(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        'print("begun", flush=True)\n'
        "async for _ in loop(control, range(3000)):\n    time.sleep(0.01)\n"
        "print(control.state)"
    )
    notebook.wait_for(cell, "begun")
    notebook.interrupt()
    assert notebook.finish(cell).endswith("by an interrupt.\nfinished\n")
    assert cell not in notebook.errors


def test_the_second_interrupt_raises(notebook: Kernel, panel: str) -> None:
    cell = notebook.begin(
        "for _ in loop(control, range(3)):\n    print('begun', flush=True)\n    time.sleep(60)"
    )
    notebook.wait_for(cell, "begun")
    notebook.interrupt()
    later = notebook.begin("print(control.state)")
    with pytest.raises(TimeoutError):
        notebook.finish(cell, patience=1.0)
    notebook.interrupt()
    notebook.finish(cell)
    assert notebook.errors[cell]["ename"] == "KeyboardInterrupt"
    assert notebook.finish(later) == "finished\n"


def test_a_cell_that_fails_is_a_failed_run(notebook: Kernel, panel: str) -> None:
    notebook.run("for _ in loop(control, range(3)):\n    1 / 0")
    said = notebook.run("print(control.state, control.error)")
    assert said.startswith("failed")
    assert "ZeroDivisionError" in said


def test_where_there_is_no_kernel_the_panel_says_what_works() -> None:
    control = Control()
    serve_clicks(ipywidgets.Widget(), control)
    said = {control.reach for _ in loop(control, range(1))}
    assert said == {control.blocking}
    assert "monitor.start(train)" in control.blocking


def nothing(*_: object) -> None: ...


UNKNOWN = SimpleNamespace(shell_stream=SimpleNamespace(flush=nothing, on_recv=nothing))
EVENTS = SimpleNamespace(register=nothing)


def test_a_kernel_that_is_built_otherwise_is_left_alone() -> None:
    inbox, control = Inbox(UNKNOWN, SimpleNamespace(events=EVENTS, user_ns={})), Control()
    inbox.add(ipywidgets.Widget(), control)
    assert control.on_listen is None
    assert control.blocking.startswith("Clicks act here once the cell has ended.")


def test_in_vs_code_clicks_are_said_to_wait_for_the_end_of_the_cell(notebook: Kernel) -> None:
    notebook.run(
        "__vsc_ipynb_file__ = 'a.ipynb'; import torchdial.widgets.live.clicks_while_busy as clicks"
    )
    said = notebook.run("print(clicks.limit_of_clicks(get_ipython().kernel, get_ipython()))")
    notebook.run("del __vsc_ipynb_file__")
    assert said.startswith("Clicks act here once the cell has ended.")
    assert (
        notebook.run("print(clicks.limit_of_clicks(get_ipython().kernel, get_ipython()))") == "\n"
    )


@pytest.mark.skipif(not HAS_SUBSHELLS, reason="subshells come with ipykernel 7")
def test_clicks_on_a_subshell_arrive_too(notebook: Kernel, panel: str) -> None:
    subshell = notebook.new_subshell()
    cell = notebook.begin(BLOCKING)
    notebook.wait_for(cell, "begun")
    notebook.click(panel, subshell, what="stop")
    assert "ended after some steps: finished" in notebook.finish(cell)


def test_a_page_that_went_takes_no_clicks_on_a_background_plot_with_it(notebook: Kernel) -> None:
    _, plot, other = notebook.run(IN_THE_BACKGROUND).split()
    if HAS_SUBSHELLS:
        subshell = notebook.new_subshell()
        notebook.finish(notebook.click(other, subshell, type="keyframe"))
        notebook.delete_subshell(subshell)
    time.sleep(0.1)  # the plot speaks
    notebook.published.clear()
    notebook.click(plot, type="keyframe")
    notebook.wait_for_print("heard keyframe")
    notebook.run("plot.close(); other.close()")
