"""Histograms of layers: bounded, spread over the whole run, the newest always there."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inputs.error_messages import says
from torchdial.training.history import layer_histograms as module
from torchdial.training.history.layer_histograms import LayerHistograms


def filled(count: int, layers: int = 1) -> LayerHistograms:
    histograms = LayerHistograms([f"layer{i}" for i in range(layers)])
    for step in range(count):
        histograms.append(10 * step, np.full((layers, 58), step))
    return histograms


def test_the_nearest_sample_is_found() -> None:
    histograms = filled(5)
    for step, found in [(-5, 0), (0, 0), (14, 10), (16, 20), (15, 20), (999, 40)]:
        at = histograms.at(step)
        assert at is not None
        assert at[0] == found
        assert (at[1] == found // 10).all()
    assert LayerHistograms(["a"]).at(3) is None


@pytest.mark.parametrize(("count", "layers"), [(513, 1), (5_000, 1), (700, 400)])
def test_samples_are_thinned_evenly(count: int, layers: int) -> None:
    histograms = filled(count, layers)
    most = {1: 512, 400: 90}[layers]
    assert most // 2 <= len(histograms) <= most + 1
    places = histograms.steps // 10
    assert set(np.diff(places[:-1])) == {histograms.stride}
    assert places[0] == 0
    assert places[-1] == count - 1


def test_the_newest_is_there_at_each_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    for count in range(1, 40):
        steps = filled(count).steps.tolist()
        assert steps[-1] == 10 * (count - 1)
        assert len(steps) <= 4
        assert steps == sorted(set(steps))


def test_layers_that_come_later_or_are_left_out_count_nothing() -> None:
    histograms = LayerHistograms(["b"], exponents=[0])
    histograms.append(1, [[1, 2]])
    histograms.add(["a", "b"])
    histograms.append(2, [[5.0, 6.0]], rows=np.array([0]))
    assert histograms.names == ["a", "b"]
    first, second = histograms.at(1), histograms.at(2)
    assert first is not None
    assert second is not None
    assert first[1].tolist() == [[0, 0], [1, 2]]
    assert second[1].tolist() == [[5, 6], [0, 0]]


def test_another_number_of_bins_is_refused() -> None:
    histograms = LayerHistograms(["a"], exponents=[0, 1])
    with pytest.raises(ValueError, match=says("values", "(1, 3)", "(1, 2)", "names")):
        histograms.append(1, [[1, 2]])
    assert len(histograms) == 0
