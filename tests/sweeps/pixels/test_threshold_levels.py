"""Levels: p > t at every stop, in float32, by a slow loop and by torch.bucketize."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from tests.inputs.error_messages import says
from tests.sweeps.boxes.strategies import DTYPES, STOPS, near
from tests.sweeps.pixels import slow_counts as slow
from torchdial import threshold_levels
from torchdial.inputs import Stops, to_stops
from torchdial.sweeps.pixels import threshold_levels as module
from torchdial.sweeps.pixels.pixel_counts import measure_levels
from torchdial.sweeps.pixels.threshold_levels import levels_of

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
ABOVE_QUARTER = float(np.nextafter(np.float32(0.25), np.float32(1)))


@pytest.mark.parametrize(
    ("p", "stops", "level"),
    [
        pytest.param(0.0, QUARTERS, 0, id="0 is on at no stop"),
        pytest.param(1e-45, QUARTERS, 1, id="the least number is above 0"),
        pytest.param(0.25, QUARTERS, 1, id="on a stop is off there"),
        pytest.param(ABOVE_QUARTER, QUARTERS, 2, id="the next float32 is on"),
        pytest.param(0.25 + 1e-12, QUARTERS, 1, id="a float64 above it is not: cast first"),
        pytest.param(1.0, QUARTERS, 4, id="1 is off at 1"),
        pytest.param(0.5, [0.5], 0, id="one stop, off"),
        pytest.param(0.51, [0.5], 1, id="one stop, on"),
        pytest.param(0.1, [0.1, 0.2], 0, id="a stop in float64 is cast too"),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_levels(p: float, stops: list[float], level: int, device: str) -> None:
    probs = torch.tensor(p, dtype=torch.float64, device=device)
    levels = threshold_levels(probs, stops)
    assert levels.item() == level == slow.level(p, stops)
    assert levels.dtype == torch.uint8
    assert levels.device.type == device


@pytest.mark.parametrize("device", DEVICES)
def test_the_fast_rule_for_even_stops_is_exact(device: str) -> None:
    """Every count, on each stop, beside it, and at random: the same as a binary search."""
    generator = torch.Generator().manual_seed(0)
    for count in range(2, 256):
        stops = to_stops(count)
        table = stops.tensor()
        below, above = (torch.nextafter(table, torch.tensor(x)) for x in (0.0, 2.0))
        middle = (table[1:] + table[:-1]) / 2
        middles = [torch.nextafter(middle, torch.tensor(x)) for x in (0.0, 2.0)]
        at_random = torch.rand(1000, generator=generator)
        probs = torch.cat([table, below, above, middle, *middles, at_random]).clamp(0, 1)
        expected = torch.bucketize(probs, table).to(torch.uint8)
        assert levels_of(probs.to(device), stops).cpu().equal(expected), count


@given(data=st.data(), stops=STOPS, dtype=DTYPES)
def test_any_stops_and_types_against_a_loop(
    data: st.DataObject, stops: Stops, dtype: torch.dtype
) -> None:
    values = data.draw(st.lists(near(stops), min_size=1, max_size=20))
    probs = torch.tensor(values, dtype=torch.float64).to(dtype)
    expected = [slow.level(p, stops.values) for p in probs.to(torch.float32).tolist()]
    assert threshold_levels(probs, stops).tolist() == expected


@pytest.mark.parametrize(
    "arrange",
    [
        pytest.param(lambda p: p.to(memory_format=torch.channels_last), id="channels last"),
        pytest.param(lambda p: p.permute(2, 0, 3, 1), id="permuted"),
        pytest.param(lambda p: p[..., ::2], id="strided"),
        pytest.param(lambda p: p[:, :1].expand(2, 3, 4, 5), id="expanded"),
        pytest.param(lambda p: p[:0], id="empty"),
        pytest.param(lambda p: p.clone().requires_grad_(), id="with gradient"),
    ],
)
@pytest.mark.parametrize("thresholds", [5, [0.1, 0.2]])
@pytest.mark.parametrize("part", [1, 7, 1 << 20])
def test_any_memory_layout(
    arrange: object, thresholds: object, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", part)
    probs = arrange(torch.rand(2, 3, 4, 5))
    levels = threshold_levels(probs, thresholds)
    expected = torch.bucketize(probs.detach().contiguous(), to_stops(thresholds).tensor())
    assert levels.equal(expected.to(torch.uint8))


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        pytest.param(
            torch.tensor([0.5, 1.5]), says("probs", "[0, 1]", "[0.5, 1.5]", "Scores"), id="above 1"
        ),
        pytest.param(
            torch.tensor([0.5, float("nan")]),
            says("probs", "finite", "first at index (1,)", "division"),
            id="NaN",
        ),
        pytest.param(
            torch.tensor([0, 1]), says("probs", "floating", "int64", "label map"), id="a label map"
        ),
    ],
)
def test_what_is_refused(probs: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        threshold_levels(probs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("classes", [2, 3, 40, 200])
def test_of_equal_classes_the_argmax_is_the_first(classes: int, device: str) -> None:
    generator = torch.Generator().manual_seed(classes)
    quarters = torch.randint(0, 4, (2, classes, 9, 37), generator=generator)
    probs = (quarters / 4).to(device)
    found = measure_levels(probs, "multiclass", to_stops(QUARTERS))
    assert found.argmax is not None
    np.testing.assert_array_equal(found.argmax.cpu(), quarters.numpy().argmax(1))
