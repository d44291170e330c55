"""Stops at quantiles of scores, against numpy's quantiles and by hand."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

import torchdial as td
from torchdial.inputs import quantile_stops as module

BELOW_0 = float(np.nextafter(np.float32(0), np.float32(-1)))
BELOW_1 = float(np.nextafter(np.float32(1), np.float32(0)))


def scores(count: int, seed: int = 0) -> torch.Tensor:
    """Return scores without ties, most of them small."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator, dtype=torch.float64).exp().float().unique()


@pytest.mark.parametrize("count", [2, 3, 100, 101, 255])
def test_half_of_the_stops_are_quantiles_of_the_upper_5_percent(count: int) -> None:
    values = scores(200_001)
    stops = np.array(td.quantile_stops(values[torch.randperm(len(values))], count).values)
    assert len(stops) == count
    limit = np.quantile(values.numpy(), 0.95, method="nearest")
    assert (stops > limit).sum() == count // 2
    shares = [(values <= stop).double().mean().item() for stop in stops[1:].tolist()]
    lower = np.linspace(0, 0.95, (count + 1) // 2)
    upper = np.linspace(0.95, 1, count // 2 + 1)[1:]
    assert np.allclose(shares, [*lower, *upper][1:], atol=1e-5)


@pytest.mark.parametrize(
    ("values", "count", "expected"),
    [
        pytest.param([1, 2, 3, 9], 3, [BELOW_1, 5, 9], id="one score is the upper 5 %"),
        pytest.param([0, 0, 0, 1], 5, [BELOW_0, 0, 1 / 3, 2 / 3, 1], id="equal lowest"),
        pytest.param([1, 8, 8, 8], 5, [BELOW_1, 2.75, 4.5, 6.25, 8], id="equal highest"),
        pytest.param([1, 1, 1], 5, [BELOW_1, 1], id="all equal"),
    ],
)
@pytest.mark.filterwarnings("ignore:scores. all are")
def test_ties_are_filled_evenly(values: list[float], count: int, expected: list[float]) -> None:
    stops = td.quantile_stops(torch.tensor(values, dtype=torch.float32), count)
    assert stops.values == pytest.approx(expected, rel=1e-7)
    assert stops.values[0] == expected[0]


FLOATS = st.floats(-(2.0**100), 2.0**100, width=32)


@given(st.lists(st.one_of(FLOATS, st.sampled_from([0.0, 1.0, -1e-45])), min_size=1), st.data())
@pytest.mark.filterwarnings("ignore:scores. all are")
def test_any_scores_have_increasing_stops_with_all_on_and_all_off(
    values: list[float], data: st.DataObject
) -> None:
    given_scores = np.array(values, np.float32)
    stops = td.quantile_stops(given_scores, data.draw(st.integers(2, 255)))
    found = np.array(stops.values)
    assert stops.of_scores
    assert 2 <= len(found) <= 255
    assert np.isfinite(found).all()
    assert (found == found.astype(np.float32)).all()
    assert (np.diff(found) > 0).all()
    assert found[0] == np.nextafter(given_scores.min(), np.float32(-np.inf))
    assert found[-1] == given_scores.max()


def test_a_constant_map_has_two_stops_and_says_so() -> None:
    with pytest.warns(UserWarning, match="all are 2.5, so there are two stops"):
        stops = td.quantile_stops(torch.full((4, 4), 2.5))
    assert len(stops) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        td.quantile_stops(torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize("sizes", [(1, 2, 3), (500, 200, 100)])
def test_batches_have_the_stops_of_all_together(sizes: tuple[int, ...]) -> None:
    values = scores(sum(sizes))
    batches = (part.numpy() for part in values.split(list(sizes)))
    assert td.quantile_stops(batches) == td.quantile_stops(values)


def test_a_sample_is_as_near_as_it_says() -> None:
    # Three times what is kept, the batches of rising scores: the last alone would be far off.
    values = scores(3 * module.SAMPLE)
    stops = td.quantile_stops(values.split(300_000)).values
    assert stops == td.quantile_stops(values.split(123_457)).values
    assert stops != td.quantile_stops(values.split(300_000), seed=1).values
    exact = td.quantile_stops(values).values
    assert (stops[0], stops[-1]) == (exact[0], exact[-1])
    ordered = values.numpy()
    shares = [np.searchsorted(ordered, of, "right") / len(ordered) for of in (stops, exact)]
    assert 0 < np.abs(shares[0] - shares[1]).max() < 0.0027


def nothing() -> Iterator[torch.Tensor]:
    yield from ()


@pytest.mark.parametrize(
    ("given_scores", "words"),
    [
        pytest.param(torch.tensor([1, 2]), ["floating-point", "scores).float()"], id="integers"),
        pytest.param(torch.tensor([1.0, np.nan]), ["finite", "1"], id="NaN"),
        pytest.param(torch.tensor([1e39], dtype=torch.float64), ["finite"], id="beyond float32"),
        pytest.param(torch.tensor([-3.4028235e38, 0]), ["clamp(min=-1e38)"], id="the lowest"),
        pytest.param(torch.empty(0), ["at least one"], id="no score"),
        pytest.param(nothing(), ["at least one batch"], id="no batch"),
        pytest.param([torch.zeros(2), torch.tensor([1])], ["scores[1]"], id="a batch of integers"),
        pytest.param(0.5, ["a tensor", "float 0.5"], id="a number"),
        pytest.param([1, 2.5], ["batches", "as_tensor(scores).float()"], id="numbers"),
    ],
)
def test_what_is_refused(given_scores: object, words: list[str]) -> None:
    with pytest.raises(ValueError, match="scores") as error:
        td.quantile_stops(given_scores)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("count", [1, 256, 2.5])
def test_a_wrong_count_is_refused(count: float) -> None:
    with pytest.raises(ValueError, match="count: expected a whole number from 2 to 255"):
        td.quantile_stops(torch.rand(9), count)  # type: ignore[arg-type]
