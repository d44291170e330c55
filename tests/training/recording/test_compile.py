"""Compiled models and steps: what is recorded is right, and the graphs are what they were."""

import pytest
import torch
import torch._dynamo
from torch import nn
from torch._dynamo.utils import counters

import torchdial as td


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def model_and_optimizer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def compiled_model_run(watched):
    model, optimizer = model_and_optimizer()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    monitor = td.TrainingMonitor(compiled, optimizer, budget=1) if watched else None
    for _ in range(5):
        optimizer.zero_grad()
        loss = compiled(torch.ones(2, 3)).square().sum()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=loss)
    if monitor is not None:
        monitor.close()
        assert monitor.problem == ""
    return dict(counters["stats"]), dict(counters["graph_break"]), monitor, model


def test_a_compiled_model_keeps_its_one_graph_and_the_names_people_know():
    stats, breaks, monitor, _ = compiled_model_run(watched=True)
    assert stats["unique_graphs"] == 1
    assert breaks == {}
    assert monitor.parameter_names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(monitor.history["grad_norm"]) == 5


def compiled_step_run(watched, log_inside):
    """Compile the optimizer's step, and maybe the log; return graphs, frames, weights, monitor."""
    model, optimizer = model_and_optimizer()
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None

    def step(loss):
        optimizer.step()
        if log_inside and monitor is not None:
            monitor.log(loss=loss)

    compiled = torch.compile(step, backend="eager")
    norms = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().sum()
        loss.backward()
        norms.append(float(torch.cat([p.grad.flatten() for p in model.parameters()]).norm()))
        compiled(loss.detach())
    if monitor is not None:
        monitor.close()
        assert monitor.problem == ""
    return counters["stats"], model.state_dict(), monitor, norms


@pytest.mark.parametrize("log_inside", [False, True])
def test_a_compiled_step_is_recorded_and_its_graphs_stay_as_they_were(log_inside):
    bare, weights, _, norms = compiled_step_run(watched=False, log_inside=log_inside)
    graphs, calls = bare["unique_graphs"], bare["calls_captured"]
    torch._dynamo.reset()
    counters.clear()
    stats, watched_weights, monitor, _ = compiled_step_run(True, log_inside)
    assert (stats["unique_graphs"], stats["calls_captured"]) == (graphs, calls)
    assert sum(counters["recompile_limit"].values()) == 0
    for name, tensor in weights.items():
        assert torch.equal(tensor, watched_weights[name])
    assert monitor.history["grad_norm"].values.tolist() == pytest.approx(norms, rel=1e-5)
    assert monitor.step == 6
    assert ("loss" in monitor.history) == log_inside
