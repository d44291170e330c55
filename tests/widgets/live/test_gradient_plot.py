"""The gradient plot and the training panel without a browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.widgets.live.monitors import FakeMonitor
from torchdial.training.control.training_dials import Dial
from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.recording.current_gradients import gradients_now
from torchdial.widgets.live.gradient_plot import choose_in_plots


def array(packed: dict[str, Any], data: bytes) -> np.ndarray:
    return np.frombuffer(data, f"<{packed['dtype']}", packed["length"], packed["at"])


class TestGradientsNow:
    def model(self) -> torch.nn.Module:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
        model(torch.randn(5, 3)).square().sum().backward()
        return model

    def test_are_those_of_the_model(self) -> None:
        model = self.model()
        history = gradients_now(model)
        grads = {name: p.grad for name, p in model.named_parameters()}
        assert history.layers["grad_norm"].names == list(grads)
        for row, grad in enumerate(grads.values()):
            assert grad is not None
            norm = history.layers["grad_norm"].max[row, 0]
            np.testing.assert_allclose(norm, np.linalg.norm(grad.numpy()), rtol=1e-6)
            assert history.layers["grad_max"].max[row, 0] == grad.abs().max().item()
        total = np.sqrt(sum(float((g**2).sum()) for g in grads.values() if g is not None))
        np.testing.assert_allclose(history["grad_norm"].values, [total], rtol=1e-6)

    def test_are_counted_in_powers_of_two(self) -> None:
        model = torch.nn.Linear(4, 1, bias=False)
        model.weight.grad = torch.tensor([[0.0, 0.5, 0.99, -2.0]])
        histograms = gradients_now(model).histograms
        assert histograms is not None
        _, counts = histograms.at(0) or (0, np.empty(0))
        exponents = list(histograms.exponents)
        expected = np.zeros(len(exponents) + 1, int)
        expected[0] = 1
        expected[exponents.index(0)] = 2  # [½, 1)
        expected[exponents.index(2)] = 1  # [2, 4)
        np.testing.assert_array_equal(counts[0], expected)

    @pytest.mark.parametrize(
        "grad",
        [
            pytest.param(torch.tensor([[1.0, float("nan")]]), id="nan"),
            pytest.param(torch.tensor([[1.0, float("inf")]]), id="inf"),
            pytest.param(torch.tensor([[3.0, 4.0]]).to_sparse(), id="sparse"),
            pytest.param(torch.tensor([[3.0, 4.0]]).half(), id="half"),
        ],
    )
    def test_of_any_kind_are_shown(self, grad: torch.Tensor) -> None:
        model = torch.nn.Linear(2, 1, bias=False, dtype=grad.dtype)
        model.weight.grad = grad
        expected = np.linalg.norm(grad.to_dense().float().numpy())
        np.testing.assert_array_equal(gradients_now(model).layers["grad_norm"].max, [[expected]])

    def test_refuses_a_model_without(self) -> None:
        with pytest.raises(ValueError, match=r"hold gradients.*loss.backward\(\) first"):
            td.GradientPlot(torch.nn.Linear(2, 1))

    def test_are_read_again_by_refresh(self, sent: list[Any]) -> None:
        model = self.model()
        plot = td.GradientPlot(model)
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 2.0)
        sent.clear()
        plot.refresh()
        content, (data,) = sent[-1][0]["content"], sent[-1][1]
        distribution = content["frame"]["distribution"]
        assert distribution["step"] == 1
        np.testing.assert_allclose(array(distribution["rms"], data), 2.0, rtol=1e-6)


class TestMessages:
    def plot(self, rows: int = 3) -> td.GradientPlot:
        history = History("run 1")
        names = [f"layer{i}" for i in range(rows)]
        for step in (0, 10, 20):
            history.record_layers("grad_norm", names, step, np.full(rows, 2.0))
            counts = np.zeros((rows, 58))
            counts[:, step] = 4
            history.record_histograms(names, step, counts)
        return td.GradientPlot(history)

    def answer(self, plot: td.GradientPlot, sent: list[Any], **question: Any) -> Any:
        sent.clear()
        plot._handle_custom_msg({"type": "distribution", "id": 1} | question, [])
        return sent[-1][0]["content"]["distribution"], sent[-1][1][0]

    def test_the_spread_of_the_nearest_step_comes(self, sent: list[Any]) -> None:
        found, data = self.answer(self.plot(), sent, step=12, row="layer1")
        assert (found["step"], found["counted"]) == (10, [1])
        assert array(found["count"], data).tolist() == [4 if b == 10 else 0 for b in range(58)]
        np.testing.assert_allclose(array(found["rms"], data), 1.0)

    def test_many_layers_are_counted_one_at_a_time(self, sent: list[Any]) -> None:
        plot = self.plot(rows=400)
        opening = plot.get_state()["_opening"]["frame"]["distribution"]
        assert opening["counted"] == []
        found, _ = self.answer(plot, sent, step=20, row="layer399")
        assert found["counted"] == [399]


class TestPanel:
    def test_says_how_the_run_is(self) -> None:
        monitor = FakeMonitor()
        monitor.step = 7
        monitor.control.dials = {"lr": Dial("lr", None, 0.01, 100.0, True, is_factor=True)}
        monitor.control.reach = "This cell keeps the kernel busy."
        monitor.problem = "Traceback …"
        monitor.history.record(7, {"system/steps_per_s": 12.5, "system/memory": float("nan")})
        monitor.history.add_event(Event(3, "dial", "lr", "lr was set to 0.5", {"value": np.inf}))
        monitor.history.add_event(Event(5, "nonfinite_loss", "loss", "step 5: loss is NaN"))
        frame = td.TrainingPanel(monitor).get_state()["_opening"]["frame"]
        status = frame["status"]
        assert (status["step"], status["steps_per_s"], status["system"]["memory"]) == (
            7,
            12.5,
            None,
        )
        assert status["reach"] == "This cell keeps the kernel busy."
        assert status["problem"] == "Traceback …"
        assert status["dials"] == [
            {"name": "lr", "min": 0.01, "max": 100.0, "log": True, "schedule": None, "value": None}
        ]
        said = [event["message"] for event in frame["events"]["items"]]
        assert said == ["lr was set to 0.5", "loss is NaN"]  # the browser says the step itself

    @pytest.mark.parametrize(
        ("content", "asked"),
        [
            pytest.param({"action": "pause"}, "pause", id="pause"),
            pytest.param({"action": "resume"}, "resume", id="resume"),
            pytest.param({"action": "stop"}, "stop", id="stop"),
            pytest.param({"action": "dial", "name": "lr", "value": 0.5}, ("lr", 0.5), id="dial"),
        ],
    )
    def test_hands_requests_to_the_control(
        self, content: dict[str, Any], asked: Any, sent: list[Any]
    ) -> None:
        monitor = FakeMonitor()
        monitor.control.dials = {"lr": Dial("lr", 1.0, 0.01, 100.0, True)}
        panel = td.TrainingPanel(monitor)
        panel._handle_custom_msg({"type": "control", "id": 5} | content, [])
        assert monitor.control.asked == [asked]
        answers = [data["content"] for data, _ in sent if data.get("method") == "custom"]
        assert {"type": "done", "id": 5} in answers

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param({"action": "explode"}, id="unknown"),
            pytest.param({"action": "dial", "name": "none", "value": 1}, id="no such dial"),
            pytest.param({"action": "dial", "name": "lr"}, id="no value"),
            pytest.param({}, id="no action"),
        ],
    )
    def test_refusals_travel_back(self, content: dict[str, Any], sent: list[Any]) -> None:
        panel = td.TrainingPanel(FakeMonitor())
        panel._handle_custom_msg({"type": "control", "id": 5} | content, [])
        assert sent[-1][0]["content"]["type"] == "error"
        assert sent[-1][0]["content"]["id"] == 5

    def test_refuses_what_is_no_monitor(self) -> None:
        with pytest.raises(ValueError, match="expected a TrainingMonitor, got History"):
            td.TrainingPanel(History())

    def test_a_change_of_the_controls_alone_is_sent(self, sent: list[Any]) -> None:
        monitor = FakeMonitor()
        panel = td.TrainingPanel(monitor)
        panel._feed.poke()
        sent.clear()
        monitor.control.state = "paused"
        panel._feed._sent_at = float("-inf")
        monitor.tell()
        assert sent[-1][0]["content"]["frame"]["status"]["state"] == "paused"


class TestPictures:
    def test_the_static_one_is_the_matrix(self) -> None:
        history = History()
        values = np.array([[1.0, np.inf], [0.0, 10.0]], np.float32)
        for step, column in enumerate(values.T):
            history.record_layers("grad_norm", ["_a", "$b$"], step, column)
        plot = td.GradientPlot(history)
        axes = plot.to_matplotlib().axes[0]
        shown = np.asarray(axes.images[0].get_array())
        np.testing.assert_array_equal(shown, [[0, np.nan], [np.nan, 1]])
        assert [label.get_text() for label in axes.get_yticklabels()] == ["_a", "$b$"]
        assert plot._repr_mimebundle_()[0]["image/png"].startswith(b"\x89PNG")

    def test_without_gradients_says_so(self) -> None:
        figure = td.GradientPlot(History()).to_matplotlib()
        assert figure.axes[0].texts[0].get_text() == "no gradients yet"

    def test_a_run_that_ended_leaves_its_last_picture(
        self, sent: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published: list[Any] = []
        monitor = FakeMonitor()
        panel = td.TrainingPanel(monitor)
        monkeypatch.setattr(panel, "_publish", lambda update: published.append(update))
        panel._ipython_display_()
        monitor.history.record(1, {"loss": 1.0})
        monitor.tell()
        assert published == [False]
        monitor.control.state = "finished"
        monitor.tell()
        assert published == [False, True]


def test_a_layer_chosen_elsewhere_is_chosen_in_every_plot_of_the_run() -> None:
    monitor, other = FakeMonitor(), FakeMonitor()
    plots = [td.GradientPlot(monitor), td.TrainingPanel(monitor), td.GradientPlot(other)]
    choose_in_plots(monitor.history, "0.weight")
    assert [plot.selected for plot in plots] == ["0.weight", "0.weight", None]
    choose_in_plots(monitor.history, None)
    assert plots[0].selected is None
