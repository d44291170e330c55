"""Layers × steps: bounded memory, and columns that merge without losing a maximum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.inputs.error_messages import says
from torchdial.training.history import layer_matrix as module
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.layer_rows import with_names

NUMBERS = st.one_of(
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.sampled_from([math.nan, math.inf, 0.0, 1.0]),
)


class Slow:
    """All samples kept in lists; columns are cut from them when asked for."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, dict[str, float]]] = []

    def columns(self, stride: int) -> list[list[tuple[int, dict[str, float]]]]:
        return [self.samples[k : k + stride] for k in range(0, len(self.samples), stride)]

    def cell(self, column: list[tuple[int, dict[str, float]]], name: str) -> tuple[Any, ...]:
        values = [np.float32(s[name]) for _, s in column if name in s]
        finite = [float(v) for v in values if np.isfinite(v)]
        highest = math.nan if not values or any(map(math.isnan, values)) else max(values)
        return highest, math.fsum(finite) / len(finite) if finite else math.nan, len(values)


@settings(max_examples=40)
@given(data=st.data())
def test_columns_are_those_of_all_samples(data: Any) -> None:
    """Against lists of all samples, with layers that come later and layers left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST", 4)
        patch.setattr(module, "MOST", 8)
        patch.setattr(module, "CELLS", 24)
        names = ["a", "b"]
        matrix, slow = LayerMatrix(names), Slow()
        for step in range(data.draw(st.integers(1, 60))):
            if len(names) < 6 and data.draw(st.integers(0, 9)) == 0:
                names.append(f"new {len(names)}")
                matrix.add(names)
            some = data.draw(st.sets(st.sampled_from(range(len(names)))))
            values = {names[i]: data.draw(NUMBERS) for i in sorted(some)}
            matrix.append(step, list(values.values()), np.array(sorted(some), np.int64))
            slow.samples.append((step, values))
        columns = slow.columns(matrix.stride)
        assert matrix.steps.tolist() == [column[0][0] for column in columns]
        assert len(matrix) <= 8
        cells = [[slow.cell(column, name) for column in columns] for name in names]
        for k, found in enumerate((matrix.max, matrix.mean, matrix.count)):
            wanted = np.array([[cell[k] for cell in row] for row in cells])
            np.testing.assert_allclose(found, wanted.astype(np.float32), rtol=1e-6)


@pytest.mark.parametrize("layers", [1, 62, 5_000])
def test_memory_is_bounded(layers: int) -> None:
    matrix = LayerMatrix([f"layer{i}" for i in range(layers)])
    values = np.ones(layers, np.float32)
    values[0] = 2
    for step in range(3_000):
        matrix.append(step, values)
    most = {1: 1024, 62: 1024, 5_000: 128}[layers]
    assert most // 2 <= len(matrix) <= most
    assert sum(a.nbytes for a in matrix._cells.values()) <= 20 * layers * most
    assert matrix.count.sum() == 3_000 * layers
    assert matrix.stride == {1: 4, 62: 4, 5_000: 32}[layers]
    assert (matrix.max[0] == 2).all()


def test_one_bad_sample_among_thousands_stays() -> None:
    matrix = LayerMatrix(["a", "b"])
    for step in range(20_000):
        matrix.append(step, [math.inf if step == 7_777 else 1, math.nan if step == 7_778 else 1])
    bad = 7_777 // matrix.stride
    assert np.flatnonzero(~np.isfinite(matrix.max[0])).tolist() == [bad]
    assert np.flatnonzero(np.isnan(matrix.max[1])).tolist() == [bad]
    assert (matrix.mean == 1).all()


def test_a_layer_without_a_value_is_no_bad_one() -> None:
    matrix = LayerMatrix(["a", "b"])
    matrix.append(1, [3.0], np.array([1]))
    assert matrix.count.tolist() == [[0], [1]]
    assert np.isnan(matrix.max[0, 0])
    assert matrix.max[1, 0] == 3


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        pytest.param([], ["a", "b", "a"], ["a", "b"], id="none yet, one twice"),
        pytest.param(["b"], ["a", "b", "c"], ["a", "b", "c"], id="before and after"),
        pytest.param(["a", "d"], ["b", "c", "d"], ["b", "c", "a", "d"], id="before one it knows"),
        pytest.param(["a", "c"], ["c", "a", "b"], ["a", "b", "c"], id="in another order"),
        pytest.param(["a", "c"], ["c"], ["a", "c"], id="nothing new"),
    ],
)
def test_new_names_come_behind_those_they_follow(
    old: list[str], new: list[str], both: list[str]
) -> None:
    assert with_names(old, new) == both


def test_the_version_grows_with_each_change() -> None:
    matrix = LayerMatrix(["a"])
    seen = [matrix.version]
    matrix.append(1, [1])
    seen.append(matrix.version)
    matrix.add(["a"])
    assert matrix.version == seen[-1]
    matrix.add(["b"])
    seen.append(matrix.version)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("values", "rows", "expected"),
    [([1, 2, 3], None, 2), ([1, 2], np.array([0]), 1), (5, None, 2), ([[1, 2]], None, 2)],
)
def test_another_number_of_values_is_refused(values: Any, rows: Any, expected: int) -> None:
    matrix = LayerMatrix(["a", "b"])
    got = str(np.shape(values))
    with pytest.raises(ValueError, match=says("values", f"({expected},)", got, "names")):
        matrix.append(1, values, rows)
    assert len(matrix) == 0


def test_the_newest_columns_up_to_a_step() -> None:
    matrix = LayerMatrix(["a"])
    for step in (1, 3, 5, 7):
        matrix.append(step, [step])
    assert matrix.last(2, until=5)[0].tolist() == [3, 5]
    assert matrix.last(9, until=6)[1].tolist() == [[1, 3, 5]]
    assert matrix.last(1)[0].tolist() == [7]
    assert matrix.last(3, until=0)[0].tolist() == []
