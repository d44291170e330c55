"""Norms of modules against sums by hand, and against torch on a real step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.layers.module_norms import (
    MISSING,
    ModuleNorms,
    gradient_norms,
    parameters_below,
    update_ratios,
)

nan, inf = float("nan"), float("inf")
BELOW = [["a.w", "a.b", "c.w"], ["a.w", "a.b"], [], ["c.w"]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([3, 4, 12], [13, 5, MISSING, 12], id="root of the sum of squares"),
        pytest.param([3, MISSING, 4], [5, 3, MISSING, 4], id="what is missing adds nothing"),
        pytest.param([MISSING, MISSING, 4], [4, MISSING, MISSING, 4], id="all missing is missing"),
        pytest.param([0, 0, 0], [0, 0, MISSING, 0], id="zero is a value"),
        pytest.param([nan, 4, 12], [nan, nan, MISSING, 12], id="NaN reaches what is above alone"),
        pytest.param([3, 4, inf], [inf, 5, MISSING, inf], id="so does infinity"),
        pytest.param([3e30, 4e30, 0], [5e30, 5e30, MISSING, 0], id="squares beyond float32"),
        pytest.param([3e38, 3e38, 0], [3.4028235e38] * 2 + [MISSING, 0], id="finite stays finite"),
    ],
)
def test_root_sum(values: list[float], expected: list[float]) -> None:
    found = ModuleNorms(BELOW).root_sum(["a.w", "a.b", "c.w"], np.float32(values))
    np.testing.assert_allclose(found, np.float32(expected), rtol=1e-6)
    assert found.dtype == np.float32


def test_rows_that_come_later_are_found() -> None:
    norms = ModuleNorms(BELOW)
    assert norms.root_sum(["c.w"], np.float32([2])).tolist() == [2, -1, -1, 2]
    assert norms.root_sum(["a.w", "c.w"], np.float32([3, 4])).tolist() == [5, 3, -1, 4]


def test_gradient_norms_of_the_newest_columns() -> None:
    matrix = LayerMatrix(["a.w", "a.b", "c.w"])
    matrix.append(1, [1, 1, 1])
    matrix.append(2, [3, 4, 12])
    matrix.append(3, [6], np.array([2]))
    steps, values = gradient_norms(ModuleNorms(BELOW), matrix, 2)
    assert steps.tolist() == [2, 3]
    assert values.tolist() == [[13, 6], [5, -1], [-1, -1], [12, 6]]


def test_an_update_ratio_weighs_by_the_weights() -> None:
    ratios, weights = LayerMatrix(["a.w", "c.w"]), LayerMatrix(["a.w", "a.b", "c.w"])
    weights.append(10, [30, 1e9, 40])
    ratios.append(10, [0.1, 0.1])
    weights.append(20, [30, 1e9, 16])
    ratios.append(20, [0.1, 0.0])
    steps, values = update_ratios(ModuleNorms(BELOW), ratios, weights, 2)
    assert steps.tolist() == [10, 20]
    # Updates 3 and 4 of weights 30 and 40: 5 / 50. Then 3 and 0 of 30 and 16: 3 / 34. The bias
    # has no ratio.
    np.testing.assert_allclose(
        values, np.float32([[0.1, 3 / 34], [0.1, 0.1], [-1, -1], [0.1, 0]]), rtol=1e-6
    )


def test_no_update_ratio_without_weights() -> None:
    ratios = LayerMatrix(["a.w"])
    ratios.append(1, [0.1])
    steps, values = update_ratios(ModuleNorms(BELOW), ratios, LayerMatrix(["a.w"]), 4)
    assert len(steps) == 0
    assert values.shape == (4, 0)


def test_shared_parameters_count_once_and_take_the_name_they_are_recorded_by() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2), nn.ReLU())
    model[1].weight = model[0].weight
    recorded = {id(model[0].weight): "net.0.weight"}
    assert parameters_below(model, lambda p: recorded.get(id(p))) == [
        ["net.0.weight", "1.bias"],
        ["net.0.weight"],
        ["net.0.weight", "1.bias"],
        [],
    ]


def test_a_recorded_step_gives_what_torch_gives() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with td.TrainingMonitor(model, optimizer, budget=1) as monitor:
        before = {n: p.detach().clone() for n, p in model.named_parameters()}
        model(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()
    layers: Any = monitor.history.layers
    norms = ModuleNorms(parameters_below(model, lambda _: None))
    _, gradient = gradient_norms(norms, layers["grad_norm"], 1)
    _, ratio = update_ratios(norms, layers["update_ratio"], layers["weight_norm"], 1)

    def norm(tensors: list[torch.Tensor]) -> float:
        return float(torch.cat([t.flatten() for t in tensors]).norm())

    def expected(path: str) -> tuple[float, float]:
        own = [(n, p) for n, p in model.named_parameters() if n.startswith(path)]
        matrices = [(n, p) for n, p in own if p.ndim > 1]
        update = norm([p.detach() - before[n] for n, p in matrices])
        grads = [p.grad for _, p in own if p.grad is not None]
        return norm(grads), update / norm([before[n] for n, _ in matrices])

    for row, path in enumerate(["", "0", "1", None, "1.1"]):
        found = (gradient[row, 0], ratio[row, 0])
        np.testing.assert_allclose(
            found, (MISSING, MISSING) if path is None else expected(path), rtol=1e-4
        )
