"""Single numbers of every kind."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from torchdial.inputs.numbers import flat_values, to_float, to_value, to_whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(9, 9, id="int"),
        pytest.param(9.0, 9, id="a whole float"),
        pytest.param(np.array([9]), 9, id="an array of one"),
        pytest.param(np.float32(9), 9, id="a numpy scalar"),
        pytest.param(torch.tensor(9), 9, id="a 0-d tensor"),
        pytest.param(torch.tensor([[9.0]]), 9, id="a tensor of one"),
        pytest.param(Decimal(9), 9, id="Decimal"),
        pytest.param(Fraction(18, 2), 9, id="Fraction"),
        pytest.param(2**63 - 1, 2**63 - 1, id="the largest"),
        pytest.param(np.int64(2**63 - 1), 2**63 - 1, id="the largest of numpy"),
        pytest.param(-(2**63), -(2**63), id="the lowest"),
        pytest.param(2**53 + 1, 2**53 + 1, id="one that floats do not hold"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_whole_numbers(value: Any, expected: int) -> None:
    whole = to_whole("step", value, remedy="Count.")
    assert whole == expected
    assert type(whole) is int


@pytest.mark.parametrize(
    "value",
    [
        *(0.5, Decimal("9.5"), 2**63, -(2**63) - 1, 2.0**63, math.nan, math.inf),
        *(Decimal("NaN"), "9", True, None, 9j, [9], np.array([9, 9]), np.array(["9"])),
        *(torch.tensor(True), torch.tensor(9j), torch.empty((), device="meta")),
    ],
    ids=repr,
)
def test_other_things_are_not_whole_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match=r"step: expected a whole number, got .*Count"):
        to_whole("step", value, remedy="Count.")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(np.array([0.5]), 0.5, id="an array of one"),
        pytest.param(Decimal("0.5"), 0.5, id="Decimal"),
        pytest.param(torch.tensor([0.5]), 0.5, id="a tensor of one"),
        pytest.param(torch.tensor(0.5, dtype=torch.bfloat16), 0.5, id="bfloat16"),
        pytest.param(True, 1.0, id="True"),
        pytest.param(np.bool_(False), 0.0, id="False of numpy"),
        pytest.param(math.inf, math.inf, id="infinity"),
        pytest.param(-(10**400), -math.inf, id="an int beyond floats"),
        pytest.param(Decimal("Infinity"), math.inf, id="infinity of Decimal"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_values(value: Any, expected: float) -> None:
    assert to_value("loss", value, remedy="Pass a number.") == expected


@pytest.mark.parametrize("value", [math.nan, Decimal("NaN"), Decimal("sNaN"), np.array(math.nan)])
def test_nan_is_a_value(value: Any) -> None:
    assert math.isnan(to_value("loss", value, remedy="Pass a number."))


@pytest.mark.parametrize(
    "value", ["0.5", None, 1j, torch.tensor(1j), torch.empty(1, device="meta"), [0.5], np.ones(2)]
)
def test_other_things_are_not_values(value: Any) -> None:
    with pytest.raises(ValueError, match="loss: expected a number, got"):
        to_value("loss", value, remedy="Pass a number.")
    assert math.isnan(to_float(value))


def test_nested_names_are_joined_by_slashes() -> None:
    values = {"train": {"loss": 0.5, 1: 2}, "lr": 0.1, "empty": {}}
    assert flat_values(values) == {"train/loss": 0.5, "train/1": 2, "lr": 0.1}
