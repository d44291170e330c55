"""Shares of near-zero activations by hand; hooks that come, go, and never disturb."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from torchdial.training.layers.activations import SAMPLING_SECONDS, Activations, near_zero

nan, inf = float("nan"), float("inf")


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Const(nn.Module):
    """Returns what it holds."""

    def __init__(self, values: Any) -> None:
        super().__init__()
        self.values = values

    def forward(self, _: Tensor) -> Any:
        return self.values


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize(
    ("values", "share"),
    [
        pytest.param([0.0, 1.0, -1.0, 0.0], 0.5, id="exact zeros"),
        pytest.param([1.0, 1.0, 1.0, 0.0009], 0.0, id="0.0009 of RMS 0.866 is more than 0.001 of"),
        pytest.param([1.0, 1.0, 1.0, -0.0008], 0.25, id="negative ones, too"),
        pytest.param([0.0, 0.0], 1.0, id="all zero"),
        pytest.param([1e-30, 1e30, 1e30, 1e30], nan, id="squares beyond float32 are not known"),
        pytest.param([0.0, nan], nan, id="NaN"),
        pytest.param([0.0, inf], nan, id="infinity"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_near_zero(values: list[float], share: float, dtype: torch.dtype) -> None:
    found = near_zero([torch.tensor(values, dtype=dtype)])
    assert found is not None
    np.testing.assert_allclose(float(found), share)


def test_tensors_of_one_output_weigh_by_their_values() -> None:
    found = near_zero([torch.zeros(1), torch.ones(3), torch.arange(9), torch.empty(0)])
    assert found is not None
    assert float(found) == 0.25
    assert near_zero([torch.arange(3)]) is None


def test_each_module_is_looked_at_once_and_the_hooks_are_gone() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    watch = Activations(model)
    assert hooks(model) == 3
    model(torch.tensor([-1.0, 2.0]))
    assert hooks(model) == 0
    watch.collect(step=7)
    model(torch.ones(2))
    watch.collect(step=8)
    steps, share, _, _ = watch.matrix.last(9)
    assert steps.tolist() == [7]
    assert share[:, 0].tolist() == [0.5, 0.0, 0.5]


def test_looks_are_rare_and_what_did_not_run_has_no_value() -> None:
    clock = Clock()
    model = nn.ModuleDict({"used": nn.ReLU(), "unused": nn.ReLU()})
    watch = Activations(model, clock=clock)
    model["used"](-torch.ones(2))
    watch.collect(step=1)
    assert len(watch.matrix) == 0  # the others may still come
    watch._spent = 0.0
    clock.now = SAMPLING_SECONDS
    watch.collect(step=2)
    assert watch.matrix.count[:, 0].tolist() == [0, 1, 0]
    assert hooks(model) == 3
    model["used"](-torch.ones(2))
    watch._spent = 0.1  # of a second
    clock.now = 2 * SAMPLING_SECONDS
    watch.collect(step=3)
    model["used"](-torch.ones(2))
    clock.now = 11.9
    watch.collect(step=4)
    assert hooks(model) == 2, "looked before ten seconds, for a tenth of one"
    clock.now = 12.1
    watch.collect(step=5)
    assert hooks(model) == 3


def test_one_module_in_two_places_has_its_share_in_both() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(relu, nn.Linear(2, 2), relu)
    watch = Activations(model)
    model(torch.tensor([-1.0, 2.0]))
    watch.collect(step=1)
    share = watch.matrix.max[:, 0]
    assert share[1] == share[3] == 0.5


def test_any_output_will_do() -> None:
    half = torch.tensor([0.0, 1.0])
    model = nn.ModuleList(
        [Const((half, {"a": [half]})), Const(None), Const("text"), Const(torch.arange(2))]
    )
    watch = Activations(model)
    for module in model:
        module(half)
    watch.close()
    watch.collect(step=1)
    assert watch.matrix.count[:, 0].tolist() == [0, 1, 0, 0, 0]
    assert watch.matrix.max[1, 0] == 0.5


def test_an_error_is_reported_and_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Tensor:
        raise RuntimeError("planted")

    monkeypatch.setattr("torchdial.training.layers.activations.near_zero", broken)
    received: list[str] = []
    model = nn.ReLU()
    watch = Activations(model, received.append)
    assert model(torch.ones(2)).tolist() == [1, 1]
    assert "planted" in received[0]
    assert hooks(model) == 0
    watch.close()


def test_close_takes_the_hooks_away() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    watch = Activations(model)
    watch.close()
    assert hooks(model) == 0
    watch.collect(step=1)
    assert hooks(model) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_know_nothing(copied: Any) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    watch = Activations(model)
    assert b"torchdial" not in pickle.dumps(model)
    copied(model)(torch.ones(1, 2))
    watch.close()
    watch.collect(step=1)
    assert len(watch.matrix) == 0, "the copy was looked at"


def test_compiled_modules_are_left_alone() -> None:
    model = nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.ReLU()))
    model.a = torch.compile(model.a, backend="eager")  # type: ignore[assignment]
    watch = Activations(model)
    assert (hooks(model), hooks(model.a)) == (2, 0)
    model(torch.ones(1, 2))
    watch.collect(step=1)
    assert watch.matrix.count[:, 0].tolist() == [1, 0, 1]


def test_a_compiled_step_is_not_looked_at_and_not_broken() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    watch = Activations(model)

    @torch.compile(backend="eager", fullgraph=True)
    def step(x: Tensor) -> Tensor:
        return model(x)

    x = torch.ones(1, 2)
    torch.testing.assert_close(step(x), model[0].forward(x).relu())
    watch.collect(step=1)
    assert len(watch.matrix) == 0


def test_what_is_traced_is_not_looked_at() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    watch = Activations(model)
    traced = torch.fx.symbolic_trace(model)
    assert [node.op for node in traced.graph.nodes if node.op.startswith("call")] == [
        "call_module",
        "call_module",
    ]
    with pytest.warns(DeprecationWarning, match="trace"):
        graph = torch.jit.trace(model, torch.ones(1, 2)).inlined_graph
    assert "norm" not in str(graph)
    watch.close()
