"""On a GPU: no step waits for it, captured graphs are left alone, and weights stay the same."""

import pytest
import torch
from torch import nn

import torchdial as td

pytestmark = pytest.mark.gpu
DEVICE = "cuda"


@pytest.fixture
def waiting_is_an_error():
    torch.zeros(1, device=DEVICE).item()
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 1)).to(DEVICE)


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=0.001, foreach=True),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=0.001, fused=True),
    "capturable": lambda p: torch.optim.Adam(
        p, lr=torch.tensor(0.001, device=DEVICE), capturable=True
    ),
}


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_no_step_waits_for_the_gpu(kind, clips, waiting_is_an_error):
    model = net()
    optimizer = OPTIMIZERS[kind](model.parameters())
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    x = torch.randn(32, 64, device=DEVICE)
    for _ in range(25):
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        if clips:
            monitor.clip_grad_norm_(max_norm=0.1)
        optimizer.step()
        monitor.log({"loss": loss, "double": loss.double(), "count": (loss > 0).sum()})
    monitor.close()
    torch.cuda.set_sync_debug_mode("default")
    assert monitor.problem == ""
    assert len(monitor.history["loss"]) == len(monitor.history["grad_norm"]) == 25
    assert monitor.history["loss"].last[1] == float(loss)
    assert monitor.history.layers["update_ratio"].max.shape == (4, 3)
    assert len(monitor.history["lr"]) == 25


def test_no_step_under_a_grad_scaler_waits_and_skipped_ones_do_not_count(waiting_is_an_error):
    model = net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001, fused=True)
    scaler = torch.amp.GradScaler(DEVICE, init_scale=1024.0)
    monitor = td.TrainingMonitor(model, optimizer, scaler, budget=1)
    x = torch.randn(32, 64, device=DEVICE)
    for i in range(6):
        optimizer.zero_grad()
        loss = model(x).square().mean() * (float("inf") if i == 3 else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        monitor.log(loss=loss)
    monitor.close()
    assert monitor.problem == ""
    assert monitor.step == 5
    assert monitor.history["skipped"].steps.tolist() == [3]
    assert monitor.history["amp_scale"].values.tolist() == [1024.0] * 3 + [512.0] * 3


def test_norms_are_those_of_the_gradients():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model(torch.randn(8, 64, device=DEVICE)).sum().backward()
    optimizer.step()
    monitor.close()
    expected = [float(p.grad.double().norm()) for p in model.parameters()]
    assert monitor.history.layers["grad_norm"].max[:, 0].tolist() == pytest.approx(expected)
    counts = monitor.history.histograms.at(1)[1]
    assert counts.sum(1).tolist() == [p.numel() for p in model.parameters()]


def test_sparse_gradients_do_not_wait(waiting_is_an_error):
    model = nn.Embedding(10, 4, sparse=True, device=DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    monitor._recorder.before_step(0, optimizer, (optimizer,), {})
    indices = torch.tensor([[1, 1, 3]]).to(DEVICE, non_blocking=True)
    values = torch.ones(3, 4, device=DEVICE)
    model.weight.grad = torch.sparse_coo_tensor(indices, values, (10, 4), check_invariants=False)
    monitor._recorder.before_step(0, optimizer, (optimizer,), {})
    monitor._recorder.after_step(0, optimizer)
    monitor.close()
    assert monitor.problem == ""
    assert monitor.history["grad_norm"].last[1] == pytest.approx(20**0.5)


def test_a_graph_is_captured_as_without_a_monitor_and_its_outputs_are_copied_at_once():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    x = torch.randn(32, 64, device=DEVICE)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        monitor.log(captured=loss)
        return loss

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()
    assert monitor.step == 3
    seen = []
    for i in range(5):
        graph.replay()
        monitor.log({"loss": loss}, step=3 + i)
        seen.append(loss.clone())
    monitor.close()
    assert monitor.problem == ""
    assert len(monitor.history["captured"]) == 3
    assert monitor.history["loss"].values.tolist() == [float(value) for value in seen]
    assert len(set(monitor.history["loss"].values.tolist())) == 5


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_after_200_steps_are_the_same_bit_for_bit(kind, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        bare, watched = trained(kind, False), trained(kind, True)
    finally:
        torch.use_deterministic_algorithms(False)
    for one, other in zip(bare, watched, strict=True):
        assert torch.equal(one, other)


def trained(kind, is_watched):
    model = net()
    optimizer = OPTIMIZERS[kind](model.parameters())
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if is_watched else None
    for _ in range(200):
        loss = nn.functional.dropout(model(torch.randn(32, 64, device=DEVICE))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=loss)
    if monitor is not None:
        monitor.close()
        assert monitor.problem == ""
    return [*model.parameters(), torch.cuda.get_rng_state()]
