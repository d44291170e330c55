"""The module tree with a monitor, without a browser: what it sends, and that it only looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from tests.widgets.live.monitors import FakeMonitor
from torchdial.training.history.events import Event
from torchdial.widgets.live.module_packing import RECENT

Sent = list[tuple[dict[str, Any], list[Any]]]


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 1)))


PATHS = ["", "0", "1", "1.0", "1.1"]
NAMES = ["0.weight", "0.bias", "1.1.weight", "1.1.bias"]


def columns(frame: dict[str, Any], data: bytes, name: str) -> tuple[list[float], Any]:
    """Return steps and values (M, K), as the browser reads them."""
    arrays = [
        np.frombuffer(data, f"<{packed['dtype']}", packed["length"], packed["at"])
        for packed in (frame["columns"][name]["steps"], frame["columns"][name]["values"])
    ]
    return arrays[0].tolist(), arrays[1].reshape(len(arrays[0]), len(PATHS)).T


def live(sent: Sent) -> Sent:
    """Return the messages of the live tree and their buffers."""
    return [
        (data["content"], buffers)
        for data, buffers in sent
        if data.get("method") == "custom" and data["content"].get("type") == "live"
    ]


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in model.modules())


def test_a_page_opens_with_what_is_recent() -> None:
    monitor = FakeMonitor()
    tree = td.ModelTree(net(), monitor=monitor)
    for step in range(RECENT + 5):
        monitor.history.record_layers("grad_norm", NAMES, step, [3, 4, 12, 0])
    opening = tree.get_state()["_live"]
    steps, values = columns(opening["frame"], opening["data"], "grad_norm")
    assert steps == list(range(5, RECENT + 5))
    assert values[:, -1].tolist() == [13, 5, 12, -1, 12]
    assert columns(opening["frame"], opening["data"], "near_zero")[0] == []


def test_without_a_monitor_nothing_is_live() -> None:
    model = net()
    assert td.ModelTree(model).get_state()["_live"] == {}
    assert hooks(model) == 0


def test_news_is_the_newest_column_alone(sent: Sent) -> None:
    monitor = FakeMonitor()
    model = net()
    tree = td.ModelTree(model, monitor=monitor)
    monitor.tell()
    sent.clear()
    for step in (1, 2):
        monitor.history.record_layers("weight_norm", NAMES, step, [30, 1, 40, 1])
        monitor.history.record_layers("grad_norm", NAMES, step, [3, 4, 12, 0])
        monitor.history.record_layers("update_ratio", NAMES[::2], step, [0.1, 0.1])
    model(torch.ones(1, 4))
    assert 0 < monitor.seconds < 10
    monitor.tell()
    [(message, [data])] = live(sent)
    steps, values = columns(message["frame"], data, "update_ratio")
    assert steps == [2]
    np.testing.assert_allclose(values[:, 0], np.float32([0.1, 0.1, 0.1, -1, 0.1]), rtol=1e-6)
    [_], shares = columns(message["frame"], data, "near_zero")
    relu = nn.functional.relu(model[0](torch.ones(1, 4)))  # type: ignore[index]
    assert shares[3, 0] == float((relu == 0).float().mean()) > 0
    monitor.tell()
    assert len(live(sent)) == 1, "nothing was new"
    tree.close()


def test_the_module_of_an_event_is_marked_with_its_words(sent: Sent) -> None:
    monitor = FakeMonitor()
    tree = td.ModelTree(net(), monitor=monitor)
    monitor.history.add_event(Event(3, "loss_spike", "loss", "loss rose"))
    monitor.history.add_event(Event(4, "nonfinite_gradient", "1.1.bias", "first"))
    monitor.history.add_event(Event(9, "dead_layer", "1.1.weight", "it is dead"))
    monitor.tell()
    [(message, _)] = live(sent)
    assert message["frame"]["marks"] == [{"row": 4, "words": "it is dead"}]
    assert tree.get_state()["_live"]["frame"]["marks"] == message["frame"]["marks"]


def test_a_chosen_row_is_chosen_in_the_plots_of_the_run() -> None:
    monitor = FakeMonitor()
    tree, plot = td.ModelTree(net(), monitor=monitor), td.GradientPlot(monitor)
    monitor.history.record_layers("grad_norm", NAMES, 1, [3, 4, 12, 0])
    chosen = {}
    for path in [*PATHS, None]:
        tree.selected = path
        chosen[path] = plot.selected
    first, last = "0.weight", "1.1.weight"
    assert chosen == {"": first, "0": first, "1": last, "1.0": None, "1.1": last, None: None}


def test_something_else_is_no_monitor() -> None:
    with pytest.raises(ValueError, match="monitor: expected a TrainingMonitor or None"):
        td.ModelTree(net(), monitor=3)


def test_what_is_closed_has_left_the_model_and_the_monitor() -> None:
    monitor, model = FakeMonitor(), net()
    tree = td.ModelTree(model, monitor=monitor)
    assert hooks(model) == len(PATHS)
    tree.close()
    assert hooks(model) == 0
    assert monitor.callbacks == []


def test_a_run_that_ended_leaves_no_hooks() -> None:
    monitor, model = FakeMonitor(), net()
    td.ModelTree(model, monitor=monitor)
    monitor.control.state = "finished"
    monitor.tell()
    assert hooks(model) == 0


@pytest.mark.parametrize("steps", [0, 1])
def test_a_closed_monitor_leaves_no_hooks(steps: int) -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    td.ModelTree(model, monitor=monitor)
    for _ in range(steps):
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
    monitor.close()
    assert hooks(model) == 0


def trained(watched: bool) -> tuple[list[torch.Tensor], Any]:
    model = nn.Sequential(net(), nn.Dropout(0.5), nn.BatchNorm1d(1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    tree = td.ModelTree(model, monitor=monitor) if watched else None
    torch.manual_seed(1)
    for _ in range(30):
        loss = model(torch.randn(16, 4)).sub(1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
        if tree is not None and tree._feed is not None:
            tree._feed.statistics.activations._next = 0.0  # look as often as can be
        monitor.flush()
    monitor.close()
    assert monitor.problem == ""
    random = torch.get_rng_state()
    if tree is not None and tree._feed is not None:
        assert len(tree._feed.statistics.activations.matrix) > 10
        assert hooks(model) == 0
    return [*model.state_dict().values(), random], tree


def test_a_watched_run_is_the_same_bit_for_bit(sent: Sent) -> None:
    (watched, tree), (alone, _) = trained(True), trained(False)
    assert all(torch.equal(a, b) for a, b in zip(watched, alone, strict=True))
    frame = tree.get_state()["_live"]
    assert set(frame["frame"]["columns"]) == {"grad_norm", "update_ratio", "near_zero"}
    assert live(sent)
