"""What is recorded in each kind of loop, against values worked out by hand.

Most runs train one weight w = (3, 4) by plain SGD on the loss g · w, whose gradient is g.
"""

import copy
import math
import pickle
import re
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training.control.control import StopTraining
from torchdial.training.runs import runs

NAN, INF = math.nan, math.inf


class Weight(nn.Module):
    """One weight; the loss's gradient is what it is called with."""

    def __init__(self, values=(3.0, 4.0), dtype=torch.float32):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([values], dtype=dtype))

    def forward(self, gradient):
        return (self.w * torch.tensor([gradient], dtype=self.w.dtype)).sum()


def recorded(monitor):
    """Close a monitor, assert that nothing went wrong in it, and return its history."""
    monitor.close()
    assert monitor.problem == ""
    return monitor.history


def points(history, name):
    series = history[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def norms(history, kind="grad_norm"):
    return history.layers[kind].max.T.tolist()


def test_a_plain_loop():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    for gradient in ((3.0, 4.0), (0.0, 1.0)):
        optimizer.zero_grad()
        loss = model(gradient)
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
    history = recorded(monitor)
    assert monitor.step == 2
    assert points(history, "loss") == [(1, 25.0), (2, 2.0)]  # w: (3, 4), (1.5, 2)
    assert points(history, "grad_norm") == [(1, 5.0), (2, 1.0)]
    assert points(history, "lr") == [(1, 0.5), (2, 0.5)]
    assert history.layers["grad_norm"].names == ["w"]
    assert norms(history) == [[5.0], [1.0]]
    assert norms(history, "weight_norm") == [[5.0]]  # sampled at the first step
    assert norms(history, "update_ratio") == [[0.5]]  # 0.5 · 5 / 5
    assert norms(history, "grad_max") == [[4.0]]
    step, counts = history.histograms.at(1)
    assert step == 1
    assert {e: int(n) for e, n in enumerate(counts[0], -41) if n} == {1: 1, 2: 1}  # [2,4), [4,8)


def scaled_run(optimizer_of, explicit, gradients=((3.0, 4.0),), initial=1024.0):
    """Train under a GradScaler; return model, scaler and monitor."""
    model = Weight()
    optimizer = optimizer_of(model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=initial, growth_interval=1000)
    monitor = td.TrainingMonitor(model, optimizer, scaler, budget=1)
    for gradient in gradients:
        optimizer.zero_grad()
        loss = model(gradient)
        scaler.scale(loss).backward()
        if explicit:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        monitor.log(loss=loss)
    monitor.flush()
    return model, scaler, monitor


OPTIMIZERS = {
    "loop": lambda params: torch.optim.SGD(params, lr=0.1, foreach=False),
    "foreach": lambda params: torch.optim.AdamW(params, lr=0.1, foreach=True),
    "fused": lambda params: torch.optim.AdamW(params, lr=0.1, fused=True),
}


@pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "unscale_ called"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_scaled_gradients_are_recorded_unscaled(kind, explicit):
    _, _, monitor = scaled_run(OPTIMIZERS[kind], explicit)
    history = recorded(monitor)
    assert points(history, "grad_norm") == [(1, 5.0)]
    assert norms(history) == [[5.0]]
    assert norms(history, "grad_max") == [[4.0]]
    assert np.flatnonzero(history.histograms.at(1)[1][0]).tolist() == [42, 43]
    assert points(history, "amp_scale") == [(1, 1024.0)]


@pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "unscale_ called"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_step_that_overflows_is_recorded_as_skipped_and_not_counted(kind, explicit):
    gradients = [(3.0, 4.0), (INF, 0.0), (3.0, 4.0), (0.0, NAN), (INF, 0.0), (0.0, 2.0)]
    _, scaler, monitor = scaled_run(OPTIMIZERS[kind], explicit, gradients)
    history = recorded(monitor)
    assert monitor.step == 3
    assert points(history, "skipped") == [(1, 1.0), (2, 1.0), (2, 1.0)]
    assert points(history, "grad_norm") == [(1, 5.0), (2, 5.0), (3, 2.0)]
    assert history["loss"].steps.tolist() == [1, 1, 2, 2, 2, 3]
    assert history["amp_scale"].values.tolist() == [1024.0, 512.0, 512.0, 256.0, 128.0, 128.0]
    assert scaler.get_scale() == 128.0


def test_skipped_steps_between_two_logs_are_found_by_the_scale():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    monitor = td.TrainingMonitor(model, optimizer, scaler, budget=1)
    for gradient in ((1.0, 0.0), (INF, 0.0), (INF, 0.0), (1.0, 0.0)):
        optimizer.zero_grad()
        scaler.scale(model(gradient)).backward()
        scaler.step(optimizer)
        scaler.update()
    history = recorded(monitor)
    assert points(history, "skipped") == [(2, 1.0), (2, 1.0)]
    assert monitor.step == 2


def test_accumulated_gradients_are_read_once_when_the_optimizer_steps():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    for i in range(4):
        loss = model((1.5, 2.0))
        loss.backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()
        monitor.log(loss=loss)
    history = recorded(monitor)
    assert monitor.step == 2
    assert points(history, "grad_norm") == [(1, 5.0), (2, 5.0)]
    assert history["loss"].steps.tolist() == [0, 1, 1, 2]  # logs in between join the last step


def test_of_a_closure_the_gradients_of_its_last_call_count():
    model = Weight((3.0, 0.0))
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3, history_size=1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    seen = []

    def closure():
        optimizer.zero_grad()
        loss = model.w.square().sum() / 2
        loss.backward()
        seen.append(float(model.w.grad.norm()))
        return loss

    for _ in range(2):
        loss = optimizer.step(closure)
        monitor.log(loss=loss)
        assert seen[-1] != seen[0]
    history = recorded(monitor)
    assert len(seen) > 4
    assert history["grad_norm"].values.tolist()[-1] == pytest.approx(seen[-1])
    assert len(history["grad_norm"]) == monitor.step == 2


@pytest.mark.parametrize("how", ["positional", "keyword"])
def test_a_closure_given_to_sgd(how):
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)

    def closure():
        optimizer.zero_grad()
        loss = model((3.0, 4.0))
        loss.backward()
        return loss

    loss = optimizer.step(closure) if how == "positional" else optimizer.step(closure=closure)
    assert float(loss.detach()) == 25.0
    assert points(recorded(monitor), "grad_norm") == [(1, 5.0)]


def test_two_optimizers_as_in_a_gan_count_the_steps_of_the_first():
    generator, critic = Weight(), Weight((1.0, 1.0))
    first = torch.optim.SGD(generator.parameters(), lr=0.1)
    second = torch.optim.SGD(critic.parameters(), lr=0.2)
    monitor = td.TrainingMonitor(
        {"generator": generator, "critic": critic}, [first, second], budget=1
    )
    for _ in range(2):
        first.zero_grad()
        generator((3.0, 4.0)).backward()
        first.step()
        for _ in range(2):
            second.zero_grad()
            critic((0.0, 2.0)).backward()
            second.step()
        monitor.log(loss=1.0)
    history = recorded(monitor)
    assert monitor.step == 2
    assert monitor.parameter_names == ["generator.w", "critic.w"]
    assert points(history, "optim/grad_norm/0") == [(1, 5.0), (2, 5.0)]
    assert points(history, "optim/grad_norm/1") == [(1, 2.0), (1, 2.0), (2, 2.0), (2, 2.0)]
    assert history["lr/0"].values.tolist() == [0.1, 0.1]
    assert history["lr/1"].values.tolist() == [0.2, 0.2, 0.2, 0.2]
    columns = history.layers["grad_norm"]
    assert columns.count.sum(1).tolist() == [2, 4]  # each row has a value where its optimizer steps


def test_shared_and_frozen_parameters_and_one_that_never_gets_a_gradient():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(1, 1, bias=False)
            self.b = nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight
            self.frozen = nn.Linear(1, 1).requires_grad_(False)
            self.unused = nn.Linear(1, 1, bias=False)

        def forward(self, x):
            return self.a(x) + self.b(x) + self.frozen(x)

    model = Tied()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model(torch.tensor([[3.0]])).sum().backward()
    optimizer.step()
    history = recorded(monitor)
    matrix = history.layers["grad_norm"]
    assert monitor.parameter_names == matrix.names == ["a.weight", "unused.weight"]
    assert matrix.count.tolist() == [[1], [0]]
    assert matrix.max[0, 0] == 6.0  # 3 by each of its two uses


def test_parameters_added_later_and_one_no_longer_frozen():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    net[0].requires_grad_(False)
    optimizer = torch.optim.SGD(net[1].parameters(), lr=0.1)
    monitor = td.TrainingMonitor(net, optimizer, budget=1)
    with torch.no_grad():
        net[0].weight.fill_(2.0)
        net[1].weight.fill_(3.0)
    for step in range(2):
        optimizer.zero_grad()
        net(torch.ones(1, 1)).sum().backward()
        optimizer.step()
        if not step:
            net[0].requires_grad_(True)
            optimizer.add_param_group({"params": net[0].parameters(), "lr": 0.01})
    history = recorded(monitor)
    assert history.layers["grad_norm"].names == ["1.weight", "0.weight"]
    assert history.layers["grad_norm"].count.tolist() == [[1, 1], [0, 1]]
    assert history.layers["grad_norm"].max[0].tolist() == [2.0, 2.0]
    assert points(history, "lr") == [(1, 0.1), (2, 0.1)]
    assert points(history, "lr/1") == [(2, 0.01)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions(dtype):
    model = Weight(dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((3.0, 4.0)).backward()
    optimizer.step()
    history = recorded(monitor)
    assert norms(history) == [[5.0]]
    assert norms(history, "update_ratio") == [[0.5]]


def test_sparse_gradients():
    model = nn.Embedding(4, 2, sparse=True)
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    (
        model(torch.tensor([1, 1, 3])) * torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    ).sum().backward()
    optimizer.step()
    history = recorded(monitor)
    assert norms(history) == [[5.0]]  # 1 + 2 in row 1, 4 in row 3
    assert norms(history, "update_ratio")[0][0] == pytest.approx(0.5 / math.sqrt(8))


@pytest.mark.parametrize(
    ("gradient", "norm"),
    [
        pytest.param((3e30, 4e30), 5e30, id="large but finite"),
        pytest.param((NAN, 1.0), NAN, id="NaN"),
        pytest.param((-INF, 1.0), INF, id="infinite"),
    ],
)
def test_gradients_count_as_non_finite_and_norms_that_overflow_do_not(gradient, norm):
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model(gradient).backward()
    optimizer.step()
    history = recorded(monitor)
    assert norms(history)[0][0] == pytest.approx(norm, rel=1e-6, nan_ok=True)
    assert history["grad_norm"].values[0] == pytest.approx(norm, rel=1e-6, nan_ok=True)


def test_without_an_optimizer_each_log_is_a_step_and_gradients_are_read_on_request():
    model = Weight()
    monitor = td.TrainingMonitor(model, budget=1)
    for gradient in ((3.0, 4.0), (0.0, 1.0)):
        model.zero_grad()
        model(gradient).backward()
        monitor.record_gradients()
        monitor.log(loss=1.0)
    monitor.log(loss=0.5)
    history = recorded(monitor)
    assert monitor.step == 3
    assert points(history, "loss") == [(1, 1.0), (2, 1.0), (3, 0.5)]
    assert points(history, "grad_norm") == [(1, 5.0), (2, 1.0)]


def test_without_an_optimizer_a_step_given_by_the_user_is_the_step():
    monitor = td.TrainingMonitor(Weight())
    monitor.log({"loss": 1.0}, step=100)
    monitor.log(loss=0.5)
    assert points(recorded(monitor), "loss") == [(100, 1.0), (101, 0.5)]


@pytest.mark.parametrize("max_norm", [0.5, 100.0], ids=["clips", "does nothing"])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, INF])
def test_clipping_is_torchs_and_what_is_recorded_is_from_before(max_norm, norm_type):
    ours, theirs = nn.Linear(7, 5), nn.Linear(7, 5)
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(ours, optimizer, budget=1)
    x = torch.randn(3, 7)
    for model in (ours, theirs):
        model(x).square().sum().backward()
    before = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in ours.parameters()]))
    total = monitor.clip_grad_norm_(ours.parameters(), max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_norm, norm_type)
    assert torch.equal(total, expected)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad)
    optimizer.step()
    history = recorded(monitor)
    assert history["grad_norm"].values[0] == pytest.approx(float(before), rel=1e-6)
    coefficient = min(1.0, max_norm / (float(expected) + 1e-6))
    assert history["clip_coefficient"].values[0] == pytest.approx(coefficient, rel=1e-6)
    assert np.hypot.reduce(norms(history)[0]) == pytest.approx(float(before), rel=1e-6)


def test_include_and_exclude():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)))
    choose = lambda **which: td.TrainingMonitor(model, **which).parameter_names  # noqa: E731
    assert choose(include="1.0") == ["1.0.weight", "1.0.bias"]
    assert choose(include="*.weight", exclude="1.*") == ["0.weight"]
    assert choose(include=re.compile(r"1\.\d\.bias")) == ["1.0.bias", "1.1.bias"]
    assert choose(include=["0", lambda name: name.endswith("1.bias")]) == [
        "0.weight",
        "0.bias",
        "1.1.bias",
    ]
    with pytest.raises(ValueError, match="include: expected at least one"):
        choose(include="nothing.like.this")
    with pytest.raises(ValueError, match="include: expected a glob"):
        choose(include=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1, 1.0, id="int"),
        pytest.param(True, 1.0, id="bool"),
        pytest.param(np.float32(0.5), 0.5, id="numpy scalar"),
        pytest.param(np.array(0.5), 0.5, id="numpy array without axes"),
        pytest.param(torch.tensor(0.1, dtype=torch.float64), 0.1, id="float64 in full"),
        pytest.param(torch.tensor([[2]]), 2.0, id="one element"),
        pytest.param(torch.tensor(2**53 - 1), float(2**53 - 1), id="a large whole number"),
        pytest.param(torch.tensor(1.0, requires_grad=True), 1.0, id="with a graph"),
        pytest.param(torch.tensor(NAN), NAN, id="NaN"),
        pytest.param(-INF, -INF, id="infinity"),
    ],
)
def test_values_that_can_be_logged(value, expected):
    monitor = td.TrainingMonitor(Weight())
    monitor.log({"x": value})
    assert recorded(monitor)["x"].values[0] == pytest.approx(expected, nan_ok=True, rel=0)


def test_a_value_is_copied_at_once():
    monitor = td.TrainingMonitor(Weight())
    loss = torch.tensor(1.0)
    monitor.log(loss=loss)
    loss.fill_(2.0)
    assert recorded(monitor)["loss"].values.tolist() == [1.0]


def test_a_logged_loss_does_not_keep_its_graph_alive():
    import gc
    import weakref

    monitor, model = td.TrainingMonitor(Weight()), Weight()
    loss = model((1.0, 1.0))
    node = weakref.ref(loss)
    monitor.log(loss=loss)
    del loss
    gc.collect()
    assert node() is None
    recorded(monitor)


@pytest.mark.parametrize("value", ["0.5", torch.zeros(2), None, 1j])
def test_a_value_that_cannot_be_logged_is_a_problem_and_no_crash(value):
    monitor = td.TrainingMonitor(Weight())
    monitor.log(loss=1.0, odd=value)
    monitor.close()
    assert "odd: expected a number" in monitor.problem
    assert monitor.history["loss"].values.tolist() == [1.0]
    assert "odd" not in monitor.history


@pytest.mark.parametrize("step", [2**70, 1.5, "3", math.nan, True, torch.zeros(2)])
def test_a_step_that_is_none_is_a_problem_and_costs_no_other(step):
    monitor = td.TrainingMonitor(Weight())
    monitor.log(loss=1.0)
    monitor.log(loss=2.0, step=step)
    monitor.log(loss=3.0)
    monitor.close()
    assert "step: expected a whole number, got" in monitor.problem
    assert points(monitor.history, "loss") == [(1, 1.0), (2, 3.0)]


def test_a_record_that_cannot_be_written_costs_no_other(monkeypatch):
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)

    def broken(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(
        "torchdial.training.recording.record_writer.RecordWriter._write_norms", broken
    )
    for _ in range(3):
        model((3.0, 4.0)).backward()
        optimizer.step()
        monitor.log(loss=1.0)
    monitor.close()
    assert "RuntimeError: planted" in monitor.problem
    assert points(monitor.history, "loss") == [(1, 1.0), (2, 1.0), (3, 1.0)]
    assert points(monitor.history, "lr") == [(1, 0.1), (2, 0.1), (3, 0.1)]


def test_any_step_is_kept_also_out_of_order_or_repeated():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    for step in (10, 5, 5, 7):
        monitor.log({"val/loss": float(step)}, step=step)
    assert recorded(monitor)["val/loss"].steps.tolist() == [10, 5, 5, 7]
    assert monitor.step == 0


def test_making_a_monitor_again_begins_a_run_and_closes_the_earlier_one():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    earlier = td.TrainingMonitor(model, optimizer, config={"lr": 0.1})
    model((1.0, 1.0)).backward()
    optimizer.step()
    later = td.TrainingMonitor(model, optimizer, name="again")
    optimizer.step()
    later.log(loss=1.0)
    earlier.log(loss=1.0)
    assert (earlier.step, later.step) == (1, 1)
    assert runs()[-2:] == [earlier.history, later.history]
    assert (earlier.history.config, later.history.name) == ({"lr": 0.1}, "again")
    assert "loss" not in recorded(earlier)
    assert len(optimizer._optimizer_step_pre_hooks) == 1
    recorded(later)


def test_a_run_goes_on_from_its_checkpoint():
    def train(monitor, steps):
        for _ in range(steps):
            optimizer.step()
            monitor.log(loss=1.0)

    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model((1.0, 1.0)).backward()
    first = td.TrainingMonitor(model, optimizer)
    train(first, 3)
    state = first.state_dict()
    second = td.TrainingMonitor(model, optimizer)
    second.load_state_dict(state)
    train(second, 2)
    history = recorded(second)
    assert second.step == 5
    assert history.start_step == 3
    assert history["loss"].steps.tolist() == [1, 2, 3, 4, 5]


def test_memory_of_a_loop_is_not_held_by_a_monitor():
    import gc
    import weakref

    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model((1.0, 1.0)).backward()
    optimizer.step()
    gone = weakref.ref(model), weakref.ref(optimizer), weakref.ref(model.w)
    del model, optimizer
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]
    monitor.log(loss=1.0)
    recorded(monitor)


def test_watched_models_and_optimizers_can_be_pickled_and_copied():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    monitor = td.TrainingMonitor(model, optimizer)
    for copied in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        model_copy, optimizer_copy = copied((model, optimizer))
        model_copy(torch.ones(1, 2)).sum().backward()
        optimizer_copy.step()
    assert monitor.step == 0  # the copies are not watched
    recorded(monitor)


def test_hooks_are_gone_after_the_with_statement():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with td.TrainingMonitor(model, optimizer) as monitor:
        assert optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    monitor.log(loss=1.0)
    monitor.close()
    assert "loss" not in monitor.history


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError, "failed"), (StopTraining, "finished"), (None, "finished")]
)
def test_an_exception_that_leaves_the_with_statement_fails_the_run(error, state):
    with suppress(ValueError, StopTraining), td.TrainingMonitor(Weight()) as monitor:
        for _ in monitor.loop(range(3)):
            if error is StopTraining:
                monitor.control.request_stop()
            if error:
                raise error("no data")
    assert monitor.control.state == state
    assert (monitor.control.error[-20:] == "ValueError: no data\n") == (state == "failed")


def test_an_optimizer_of_another_kind_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"record_gradients\(\)"):
        td.TrainingMonitor(Weight(), object())
    with pytest.raises(ValueError, match=r"model: expected a torch\.nn\.Module"):
        td.TrainingMonitor([Weight(), 1])
    with pytest.raises(ValueError, match="budget: expected"):
        td.TrainingMonitor(Weight(), budget=0)


def test_the_epoch_of_a_loop_is_recorded():
    monitor = td.TrainingMonitor(Weight())
    for _ in monitor.loop([1, 2], epochs=2):
        monitor.log(loss=1.0)
    history = recorded(monitor)
    assert history["epoch"].values.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_the_rate_that_is_recorded_is_the_one_the_dial_made():
    model = Weight()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    monitor = td.TrainingMonitor(model, optimizer)
    monitor.dial("lr", min=0.1, max=10, log=True)
    for factor in (1.0, 0.5):
        monitor.control.set_dial("lr", factor)
        monitor.log(loss=1.0)
        optimizer.zero_grad()
        model((1.0, 1.0)).backward()
        optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert points(recorded(monitor), "lr") == [(1, 0.5), (2, 0.25)]


def test_a_stop_that_was_asked_for_passes_through():
    monitor = td.TrainingMonitor(Weight())
    monitor.log(loss=1.0)
    monitor.control.request_stop()
    with pytest.raises(StopTraining):
        monitor.log(loss=0.5)
    assert recorded(monitor)["loss"].values.tolist() == [1.0, 0.5]
