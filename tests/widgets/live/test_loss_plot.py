"""The loss plot without a browser."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.widgets.live.monitors import FakeMonitor
from torchdial.training.history.history import History
from torchdial.training.runs import begin


def opening(plot: td.LossPlot) -> dict[str, Any]:
    return plot.get_state()["_opening"]


def names_of(frame: dict[str, Any]) -> list[str]:
    return [scalar["name"] for run in frame["runs"] for scalar in run["scalars"]]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1.0, 0.5, float("nan")], id="list"),
        pytest.param(np.array([1.0, 0.5, np.nan], np.float32), id="array"),
        pytest.param(torch.tensor([1.0, 0.5, float("nan")], requires_grad=True), id="tensor"),
        pytest.param([torch.tensor(1.0), 0.5, np.float64("nan")], id="list of tensors"),
    ],
)
def test_is_made_of_plain_values(values: Any) -> None:
    state = opening(td.LossPlot({"loss": values}))
    (scalar,) = state["frame"]["runs"][0]["scalars"]
    found = np.frombuffer(state["data"], "<f8", 3, scalar["value"]["at"])
    np.testing.assert_array_equal(found, [1.0, 0.5, np.nan])


def test_is_made_of_histories_by_name() -> None:
    a, b = History("x"), History("y")
    a.record(1, {"loss": 1.0})
    b.record(1, {"loss": 2.0})
    frame = opening(td.LossPlot({"first": a, "second": b}))["frame"]
    assert [run["name"] for run in frame["runs"]] == ["first", "second"]
    assert not any(run["earlier"] for run in frame["runs"])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(5, id="a number"),
        pytest.param({}, id="nothing"),
        pytest.param({"a": History(), "b": [1.0]}, id="histories and values"),
        pytest.param({"a": [[1.0, 2.0]]}, id="two dimensions"),
        pytest.param({"a": ["x"]}, id="words"),
    ],
)
def test_refuses(source: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        td.LossPlot(source)


def test_earlier_runs_of_the_process_come_along_faint_unless_hidden() -> None:
    first, second, third = (begin(name) for name in ("first", "second", "third"))
    second.hidden = True
    for history in (first, second, third):
        history.record(1, {"loss": 1.0})
    monitor = FakeMonitor()
    monitor.history = third
    runs = opening(td.LossPlot(monitor))["frame"]["runs"]
    assert [(run["name"], run["earlier"]) for run in runs[-2:]] == [
        ("first", True),
        ("third", False),
    ]


def test_what_a_monitor_keeps_for_other_views_stays_in_the_kernel() -> None:
    monitor = FakeMonitor()
    monitor.history.record(
        1, {"loss": 1.0, "optim/grad_norm": 2.0, "system/memory": 3.0, "epoch": 0.0}
    )
    frame = opening(td.LossPlot(monitor))["frame"]
    assert names_of(frame) == ["loss", "epoch"]
    assert frame["layers"] == []
    assert frame["status"]["overhead"] == 0.004


def test_follows_its_monitor_until_it_is_closed(sent: list[Any]) -> None:
    monitor = FakeMonitor()
    plot = td.LossPlot(monitor)
    monitor.history.record(1, {"loss": 1.0})
    monitor.tell()
    frames = [data["content"]["frame"] for data, _ in sent if data.get("method") == "custom"]
    assert [names_of(frame) for frame in frames] == [["loss"]]
    plot.close()
    assert monitor.callbacks == []


def test_live_data_goes_by_messages_alone(sent: list[Any]) -> None:
    monitor = FakeMonitor()
    plot = td.LossPlot(monitor)
    sent.clear()
    for step in range(50):
        monitor.history.record(step, {"loss": 1.0})
        monitor.tell()
    assert {data["method"] for data, _ in sent} == {"custom"}
    plot.close()


class TestMessages:
    def answer(self, sent: list[Any], content: dict[str, Any]) -> dict[str, Any]:
        plot = td.LossPlot({"loss": [1.0, 2.0, 3.0]})
        for asked in content.get("series", ()):
            asked["run"] += plot._runs[0].id
        sent.clear()
        plot._handle_custom_msg(content, [])
        data, _ = sent[-1]
        return data["content"]

    def test_a_keyframe_comes_when_asked_for(self, sent: list[Any]) -> None:
        assert self.answer(sent, {"type": "keyframe", "id": 1}) == {"type": "done", "id": 1}
        assert "keyframe" in [data["content"]["type"] for data, _ in sent]

    def test_detail_comes_with_the_id_of_its_question(self, sent: list[Any]) -> None:
        series = [{"run": 0, "name": "loss", "window": [0, 1]}]
        question = {"type": "detail", "id": 7, "along": "step", "buckets": 9, "series": series}
        answer = self.answer(sent, question)
        assert (answer["type"], answer["id"]) == ("detail", 7)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            pytest.param({"type": "nonsense"}, "unknown message type 'nonsense'", id="unknown"),
            pytest.param({"type": "detail"}, "along", id="incomplete"),
            pytest.param({"type": "control", "action": "stop"}, "cannot stop", id="no controls"),
            pytest.param(
                {
                    "type": "detail",
                    "along": "step",
                    "buckets": 9,
                    "series": [{"run": 9, "name": "loss", "window": [0, 1]}],
                },
                "no such run is shown",
                id="no such run",
            ),
            pytest.param({"type": "distribution", "step": "x"}, "invalid literal", id="no step"),
        ],
    )
    def test_refusals_travel_back(
        self, sent: list[Any], content: dict[str, Any], words: str
    ) -> None:
        answer = self.answer(sent, content | {"id": 3})
        assert (answer["type"], answer["id"]) == ("error", 3)
        assert words in answer["message"]


class TestStaticPicture:
    def test_is_in_the_mime_bundle(self) -> None:
        data, _ = td.LossPlot({"loss": [1.0, 0.5]})._repr_mimebundle_()
        assert data["image/png"].startswith(b"\x89PNG")

    def test_has_a_panel_for_each_group_with_the_values(self) -> None:
        figure = td.LossPlot(
            {"loss": [1.0, 0.5], "val/loss": [2.0], "_$acc$": [0.1]}
        ).to_matplotlib()
        first, second = figure.axes
        np.testing.assert_array_equal(first.lines[0].get_ydata(), [1.0, 0.5])
        assert len(first.lines) == 2
        assert second.get_title() == "_$acc$"
        figure.canvas.draw()

    def test_that_fails_does_not_keep_the_widget_from_showing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(td.LossPlot, "to_matplotlib", lambda _: 1 / 0)
        with pytest.warns(UserWarning, match="no static picture"):
            data, _ = td.LossPlot({"loss": [1.0]})._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in data


def test_a_shown_monitor_is_freed_with_its_model_and_its_plot_shows_the_end() -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    plot = td.TrainingPanel(monitor)
    for _ in monitor.loop(range(3)):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        monitor.log(loss=1.0)
    thread = monitor._publisher._thread
    gone = weakref.ref(monitor)
    del model, optimizer, monitor
    until = time.monotonic() + 20  # a thread of torchdial may be at work with it
    while gone() is not None and time.monotonic() < until:
        gc.collect()
    assert gone() is None
    if thread is not None:
        thread.join(10)
    frame = plot.get_state()["_opening"]["frame"]
    assert (frame["status"]["state"], frame["status"]["step"]) == ("finished", 3)
    (run,) = [run for run in frame["runs"] if not run["earlier"]]
    assert {scalar["name"]: scalar["total"] for scalar in run["scalars"]}["loss"] == 3
    plot._act_on({"action": "stop"})  # a late click changes nothing
    assert plot.get_state()["_opening"]["frame"]["status"]["state"] == "finished"
