"""What `monitor.log` takes as a value, as a step, and as nested names."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td


@pytest.fixture
def monitor() -> td.TrainingMonitor:
    return td.TrainingMonitor(nn.Linear(2, 1))


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        pytest.param(np.array([0.5]), 0.5, id="an array of one element"),
        pytest.param(np.float32(0.5), 0.5, id="a numpy scalar"),
        pytest.param(Decimal("0.25"), 0.25, id="a decimal"),
        pytest.param(torch.tensor([[0.5]]), 0.5, id="a tensor of one element"),
        pytest.param(True, 1.0, id="a boolean"),
        pytest.param(10**400, np.inf, id="an integer beyond floats"),
    ],
)
def test_value_is_recorded(monitor: td.TrainingMonitor, value: Any, recorded: float) -> None:
    monitor.log(a=value)
    assert monitor.history["a"].values.tolist() == [recorded]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(torch.empty((), device="meta"), id="a meta tensor"),
        pytest.param(torch.tensor(1j), id="a complex tensor"),
    ],
)
@pytest.mark.filterwarnings("ignore:torchdial")
def test_value_that_cannot_be_recorded_costs_only_itself(
    monitor: td.TrainingMonitor, value: Any
) -> None:
    monitor.log({"before": 1.0, "bad": value, "after": 2.0})
    assert "bad" not in monitor.history
    assert monitor.history["before"].last == (1, 1.0)
    assert monitor.history["after"].last == (1, 2.0)
    assert "bad: expected" in monitor.problem


def test_nested_mappings_become_names_with_slashes(monitor: td.TrainingMonitor) -> None:
    monitor.log({"train": {"loss": 0.5, "acc": {"top1": 0.9}}})
    assert monitor.history["train/loss"].last == (1, 0.5)
    assert monitor.history["train/acc/top1"].last == (1, 0.9)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(np.array([9]), id="an array of one element"),
        pytest.param(torch.tensor(9), id="a 0-d tensor"),
        pytest.param(9.0, id="a whole float"),
        pytest.param(np.int32(9), id="a numpy integer"),
    ],
)
def test_step_is_recorded(monitor: td.TrainingMonitor, step: Any) -> None:
    monitor.log(a=0.5, step=step)
    assert monitor.history["a"].steps.tolist() == [9]


def test_largest_step_is_recorded(monitor: td.TrainingMonitor) -> None:
    monitor.log(a=0.5, step=2**63 - 1)
    assert monitor.history["a"].steps.tolist() == [2**63 - 1]


@pytest.mark.parametrize("state", [{}, None, {"history": {}}, 3], ids=str)
def test_another_state_is_refused(monitor: td.TrainingMonitor, state: Any) -> None:
    with pytest.raises(ValueError, match=r"expected what the monitor's state_dict\(\) returned"):
        monitor.load_state_dict(state)
