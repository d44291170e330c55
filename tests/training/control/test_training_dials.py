"""The factor on the learning rates is there while an optimizer steps, and at no other time."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from tests.training.steps import Steps
from torchdial.training.control.control import Control
from torchdial.training.control.training_dials import Dial
from torchdial.training.monitor import TrainingMonitor


def parameters(n: int = 2) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(3, generator=generator)) for _ in range(n)]


def groups(weights: list[nn.Parameter]) -> list[dict[str, Any]]:
    return [{"params": weights[:1], "lr": 0.1}, {"params": weights[1:], "lr": 0.003}]


def step(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    optimizer.zero_grad()
    sum((w * w).sum() for w in weights).backward()
    optimizer.step()


def dialled(factor: float, *optimizers: torch.optim.Optimizer) -> Steps:
    steps = Steps(*optimizers)
    steps.control.dial("lr", min=0.001, max=100, log=True)
    steps.control.set_dial("lr", factor)
    steps.log()
    return steps


@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(lambda o: LambdaLR(o, lambda n: 0.9**n), id="LambdaLR"),
        pytest.param(lambda o: OneCycleLR(o, [0.1, 0.003], total_steps=20), id="OneCycle"),
    ],
)
def test_a_schedule_goes_on_as_without_the_dial(schedule: Callable[..., Any]) -> None:
    rates = []
    for factor in (None, 0.37):
        weights = parameters()
        optimizer = torch.optim.SGD(groups(weights), lr=1.0, momentum=0.9)
        scheduler = schedule(optimizer)
        steps = Steps(optimizer) if factor is None else dialled(factor, optimizer)
        seen = []
        for _ in range(20):
            step(optimizer, weights)
            scheduler.step()
            steps.log()
            seen.append([(group["lr"], group["momentum"]) for group in optimizer.param_groups])
        rates.append(seen)
    assert rates[0] == rates[1]


def test_each_step_is_made_with_the_rates_times_the_factor() -> None:
    weights, by_hand = parameters(), parameters()
    optimizer = torch.optim.SGD(groups(weights), lr=1.0)
    dialled(0.5, optimizer)
    step(optimizer, weights)
    slower = torch.optim.SGD(
        [{"params": by_hand[:1], "lr": 0.1 * 0.5}, {"params": by_hand[1:], "lr": 0.003 * 0.5}]
    )
    step(slower, by_hand)
    for ours, theirs in zip(weights, by_hand, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_monitor_records_the_rates_that_were_used() -> None:
    weights = parameters()
    module = nn.ParameterList(weights)
    optimizer = torch.optim.SGD(groups(weights), lr=1.0)
    scheduler = LambdaLR(optimizer, lambda n: 0.5**n)
    with TrainingMonitor(module, optimizer) as monitor:
        monitor.dial("lr", min=0.01, max=100, log=True)
        for batch in monitor.loop(range(4)):
            step(optimizer, weights)
            scheduler.step()
            if batch == 1:
                monitor.control.set_dial("lr", 10)
        monitor.flush()
    assert monitor.history["optim/lr"].values.tolist() == [
        0.1,
        0.05,
        0.1 * 0.25 * 10,
        0.1 * 0.125 * 10,
    ]
    assert [group["lr"] for group in optimizer.param_groups] == [0.1 * 0.0625, 0.003 * 0.0625]
    (event,) = [event for event in monitor.events if event.kind == "dial"]
    assert (event.step, event.evidence) == (2, {"old": 1.0, "new": 10.0})
    assert event.message == "learning rate × 10: 0.00075 … 0.025 → 0.0075 … 0.25"
    assert 0 < event.time <= monitor.history.now


def test_the_very_object_comes_back() -> None:
    weights = parameters()
    rate = 0.1 + 0.2  # of which 3 × and ÷ 3 would give another
    optimizer = torch.optim.SGD(weights, lr=rate)
    dialled(3.0, optimizer)
    step(optimizer, weights)
    assert optimizer.param_groups[0]["lr"] is rate


def test_a_rate_in_a_tensor_is_changed_in_place_and_back() -> None:
    weights = parameters()
    rate = torch.tensor(0.1)
    optimizer = torch.optim.Adam(weights, lr=rate, foreach=False)
    used: list[float] = []
    dialled(0.5, optimizer)
    optimizer.register_step_pre_hook(lambda *_: used.append(float(rate)))
    step(optimizer, weights)
    assert used == [float(torch.tensor(0.1) * 0.5)]
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == torch.tensor(0.1)


def closure_that_raises() -> float:
    raise ZeroDivisionError


@pytest.mark.parametrize("scheduled", ["before", "after", "never"])
def test_a_step_that_raises_takes_the_factor_out_too(scheduled: str) -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(groups(weights), lr=1.0)
    if scheduled == "before":
        LambdaLR(optimizer, lambda n: 1.0)
    dialled(0.5, optimizer)
    step(optimizer, weights)
    if scheduled == "after":
        LambdaLR(optimizer, lambda n: 1.0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            optimizer.step(closure_that_raises)
        assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.003]


def test_a_rate_that_is_set_during_the_step_stays() -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(weights, lr=0.1)
    dialled(0.5, optimizer)

    def closure() -> float:
        optimizer.param_groups[0]["lr"] = 0.7
        return 0.0

    optimizer.step(closure)
    assert optimizer.param_groups[0]["lr"] == 0.7


def test_two_optimizers_have_the_factor_each() -> None:
    weights = parameters()
    one, two = torch.optim.SGD(weights[:1], lr=0.1), torch.optim.SGD(weights[1:], lr=0.2)
    dialled(0.5, one, two)
    before = [w.detach().clone() for w in weights]
    step(one, weights)
    sum((w * w).sum() for w in weights).backward()
    two.zero_grad()
    (weights[1] * weights[1]).sum().backward()
    two.step()
    torch.testing.assert_close(weights[0], before[0] * (1 - 2 * 0.05))
    torch.testing.assert_close(weights[1], before[1] * (1 - 2 * 0.1))


def test_a_grad_scaler_steps_through_it() -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(weights, lr=0.1)
    dialled(0.5, optimizer)
    step(optimizer, weights)
    before = weights[0].detach().clone()
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    optimizer.zero_grad()
    scaler.scale(sum((w * w).sum() for w in weights)).backward()
    scaler.step(optimizer)
    scaler.update()
    torch.testing.assert_close(weights[0], before * (1 - 2 * 0.05))
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_an_optimizer_can_be_copied_and_pickled_meanwhile_and_is_as_before_after_close() -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(weights, lr=0.1)
    steps = dialled(0.5, optimizer)
    step(optimizer, weights)
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert other.param_groups[0]["lr"] == 0.1
        assert "step" not in vars(other)
    steps.control.close()
    assert "step" not in vars(optimizer)


def test_a_watched_optimizer_is_not_kept_alive() -> None:
    control = Control()
    control.dial("lr", min=0.01, max=100, log=True)
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    control.before_step(optimizer)
    control.after_step(optimizer)
    alive = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert alive() is None


def test_an_optimizer_without_a_rate_is_left_alone() -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(weights, lr=0.1)
    optimizer.param_groups[0]["lr"] = None
    control = dialled(0.5).control
    control.before_step(optimizer)
    control.after_step(optimizer)
    assert optimizer.param_groups[0]["lr"] is None


def test_a_setter_is_called_at_the_boundary_with_the_last_value() -> None:
    steps, values = Steps(), []
    steps.control.dial("decay", values.append, 0, 1, value=0.25)
    for value in (0.5, 0.75, 1.0):
        steps.control.set_dial("decay", value)
    assert values == []
    assert steps.control.dials["decay"].value == 0.25
    steps.log()
    steps.log()
    assert values == [1.0]
    assert steps.control.dials["decay"] == Dial("decay", 1.0, 0, 1)
    (event,) = steps.events
    assert (event.kind, event.where, event.evidence) == ("dial", "decay", {"old": 0.25, "new": 1.0})
    assert event.message == "decay: 0.25 → 1"


def test_a_dial_of_the_users_own_may_be_named_lr() -> None:
    steps, values = Steps(), []
    steps.control.dial("lr", values.append, 0, 1, value=0.25)
    steps.control.set_dial("lr", 0.5)
    steps.log()
    assert values == [0.5]
    assert not steps.control.dials["lr"].is_factor
    assert steps.events[0].message == "lr: 0.25 → 0.5"


def test_the_factor_says_from_which_rate_to_which() -> None:
    weights = parameters()
    optimizer = torch.optim.SGD(weights, lr=0.024)
    steps = dialled(50, optimizer)
    step(optimizer, weights)
    steps.control.set_dial("lr", 2)
    steps.log()
    assert [event.message for event in steps.events] == [
        "learning rate × 50",  # no optimizer has stepped yet
        "learning rate × 50 → × 2: 1.2 → 0.048",
    ]


def test_a_setter_that_raises_does_not_reach_the_loop() -> None:
    steps = Steps()

    def fail(value: float) -> None:
        raise RuntimeError("no such thing")

    steps.control.dial("depth", fail, 0, 1)
    steps.control.set_dial("depth", 1)
    steps.log()
    assert steps.control.dials["depth"].value is None
    assert "no such thing" in steps.problems[0]
    assert steps.events[0].message == "depth could not be set to 1: its setter raised an error"


def nothing(_value: float) -> None: ...


@pytest.mark.parametrize(
    ("use", "words"),
    [
        pytest.param(lambda c: c.dial("lr", min=1, max=1), "expected min < max", id="no way"),
        pytest.param(lambda c: c.dial("lr", min=0, max=1, log=True), "above 0", id="log of 0"),
        pytest.param(
            lambda c: c.dial("lr", min=0, max=float("inf")), "max: expected a finite", id="infinite"
        ),
        pytest.param(lambda c: c.dial("lr", min=2, max=3), "a value from 2 to 3", id="1 outside"),
        pytest.param(lambda c: c.dial("depth"), "setter: expected a callable", id="no setter"),
        pytest.param(lambda c: c.set_dial("depth", 1), "one of the dials", id="no such dial"),
        pytest.param(
            lambda c: (c.dial("depth", nothing), c.set_dial("depth", 2)),
            "a value from 0 to 1, got int 2",
            id="outside",
        ),
        pytest.param(
            lambda c: (c.dial("depth", nothing), c.set_dial("depth", float("nan"))),
            "got float nan",
            id="nan",
        ),
    ],
)
def test_refusals(use: Callable[[Control], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        use(Control())
