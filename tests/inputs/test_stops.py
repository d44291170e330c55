"""Stops: k / (T - 1) rounded once to float32, or what is given; the nearest one of a value."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from tests.inputs.error_messages import says
from torchdial.inputs import Stops, to_stops


def test_even_stops_are_the_fractions_rounded_once_for_every_count() -> None:
    for count in range(2, 256):
        stops = to_stops(count)
        exact = [Fraction(k, count - 1) for k in range(count)]
        assert stops.values == tuple(map(float, exact))
        assert stops.tensor().tolist() == [float(np.float32(float(f))) for f in exact]
        assert stops.even
        assert len(stops) == count


@pytest.mark.parametrize(
    ("thresholds", "values"),
    [
        pytest.param(3, (0.0, 0.5, 1.0), id="a count"),
        pytest.param(np.int64(3), (0.0, 0.5, 1.0), id="a count of numpy's"),
        pytest.param([0.1, 0.9], (0.1, 0.9), id="a list keeps its float64"),
        pytest.param((0, 1), (0.0, 1.0), id="whole numbers"),
        pytest.param([0.5], (0.5,), id="one stop"),
        pytest.param(np.array([0.25, 0.5]), (0.25, 0.5), id="an array"),
        pytest.param(np.array([0.5, 0.25])[::-1], (0.25, 0.5), id="a reversed view, increasing"),
        pytest.param(torch.tensor([0.25, 0.5]), (0.25, 0.5), id="a tensor"),
        pytest.param(torch.tensor([0.5], requires_grad=True), (0.5,), id="a tensor with gradient"),
        pytest.param([k / 254 for k in range(255)], tuple(k / 254 for k in range(255)), id="255"),
    ],
)
def test_what_is_taken(thresholds: object, values: tuple[float, ...]) -> None:
    assert to_stops(thresholds).values == values


def test_stops_pass_through_unchanged() -> None:
    stops = to_stops(7)
    assert to_stops(stops) is stops


@pytest.mark.parametrize(
    ("thresholds", "got", "remedy"),
    [
        pytest.param(1, "1", "101 gives", id="a count of one has no step"),
        pytest.param(256, "256", "101 gives", id="a level of 256 stops needs nine bits"),
        pytest.param(True, "bool True", "example 101", id="a bool is no count"),
        pytest.param(5.0, "float 5.0", "example 101", id="a float is no count"),
        pytest.param("abc", "str 'abc'", "example 101", id="text"),
        pytest.param(None, "None", "example 101", id="nothing"),
        pytest.param([], "list []", "example 101", id="no stop"),
        pytest.param([0.5, 0.1], "[0.5, 0.1]", "Sort", id="decreasing"),
        pytest.param([0.1, 0.1 + 1e-12], "list", "equal in float32", id="equal in float32"),
        pytest.param([0.1, float("nan")], "nan", "example 101", id="NaN"),
        pytest.param([-0.1, 0.5], "[-0.1, 0.5]", "example 101", id="below 0"),
        pytest.param([0.5, 1.1], "[0.5, 1.1]", "example 101", id="above 1"),
        pytest.param(torch.rand(2, 2), "shape (2, 2)", "example 101", id="a matrix"),
        pytest.param(torch.tensor(5), "shape ()", "example 101", id="a tensor is no count"),
        pytest.param(np.linspace(0, 1, 256), "shape (256,)", "example 101", id="256 given"),
    ],
)
def test_what_is_refused(thresholds: object, got: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=says("thresholds", "a count", got, remedy)):
        to_stops(thresholds)
    with pytest.raises(ValueError, match=says("nms_ious", "a count", got, remedy)):
        to_stops(thresholds, name="nms_ious")


@pytest.mark.parametrize(
    ("value", "index"),
    [
        pytest.param(0.25, 1, id="on a stop"),
        pytest.param(0.3, 1, id="between, nearer the lower"),
        pytest.param(0.45, 2, id="between, nearer the upper"),
        pytest.param(0.375, 1, id="as near to both: the lower"),
        pytest.param(torch.tensor(0.5), 2, id="a tensor's number"),
    ],
)
def test_nearest(value: float, index: int) -> None:
    assert to_stops(5).nearest(value) == index


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20, unique=True), st.floats(0, 1))
def test_nearest_is_the_first_of_the_least_distances(values: list[float], value: float) -> None:
    stops = Stops(tuple(sorted(values)))
    distances = [abs(stop - value) for stop in stops.values]
    assert stops.nearest(value) == distances.index(min(distances))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 25])
def test_nearest_refuses_what_is_out_of_range(value: float) -> None:
    with pytest.raises(ValueError, match=says("threshold", "[0, 1]", repr(value), "100")):
        to_stops(5).nearest(value)


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_the_tensor_lies_where_it_is_asked_for(device: str) -> None:
    tensor = to_stops(11).tensor(device)
    assert tensor.device.type == device
    assert tensor.dtype == torch.float32
    assert tensor.cpu().equal(to_stops(11).tensor())
