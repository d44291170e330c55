"""What people do to a model and its optimizer while they are watched."""

from __future__ import annotations

import copy
import gc
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from tests.faults.runs import (
    HALF,
    STEPS,
    Run,
    check_recorded,
    check_same_training,
    step,
    train,
)


def moved(*to: Any) -> Callable[[Run], None]:
    def move(run: Run) -> None:
        run.model.to(*to)
        run.optimizer.load_state_dict(run.optimizer.state_dict())  # which follows

    return move


def freeze(run: Run) -> None:
    run.model[3].requires_grad_(False)  # type: ignore[index]
    run.optimizer.zero_grad()


def thaw_what_was_frozen(run: Run) -> None:
    freeze(run)
    run.model[3].requires_grad_(True)  # type: ignore[index]


def add(run: Run) -> None:
    added = nn.Linear(1, 1)
    run.model.add_module("added", added)
    run.optimizer.add_param_group({"params": added.parameters(), "lr": 0.5})


def add_to_the_model_only(run: Run) -> None:
    run.model.add_module("added", nn.Linear(1, 1))


def take_away(run: Run) -> None:
    removed = run.model[3]  # type: ignore[index]
    run.model[3] = nn.Identity()  # type: ignore[operator]
    gone = {id(p) for p in removed.parameters()}
    for group in run.optimizer.param_groups:
        group["params"] = [p for p in group["params"] if id(p) not in gone]
    for parameter in removed.parameters():
        run.optimizer.state.pop(parameter, None)


def put_another_in_its_place(run: Run) -> None:
    take_away(run)
    run.model[3] = nn.Linear(8, 8)  # type: ignore[operator]
    run.optimizer.add_param_group({"params": run.model[3].parameters()})  # type: ignore[index]


def new_data(run: Run) -> None:
    for parameter in run.model.parameters():
        parameter.data = parameter.data.clone()


def copy_and_pickle(run: Run) -> None:
    run.kept += [copy.deepcopy((run.model, run.optimizer))]
    run.kept += [pickle.loads(pickle.dumps((run.model, run.optimizer)))]
    file = io.BytesIO()
    torch.save([run.model, run.optimizer], file)
    file.seek(0)
    run.kept += [torch.load(file, weights_only=False)]
    for model, optimizer in run.kept:
        model.eval()(torch.ones(2, 4)).sum().backward()
        optimizer.step()  # which belongs to no watched optimizer


CHANGES: dict[str, tuple[Callable[[Run], None], list[str]]] = {
    "to float64": (moved(torch.float64), []),
    "to bfloat16": (moved(torch.bfloat16), []),
    "to where it is": (moved("cpu"), []),
    "a layer frozen": (freeze, []),
    "a layer frozen and thawed": (thaw_what_was_frozen, []),
    "parameters added": (add, ["added.weight", "added.bias"]),
    "parameters added to the model only": (add_to_the_model_only, []),
    "parameters taken away": (take_away, []),
    "a layer replaced": (put_another_in_its_place, []),
    "other storage": (new_data, []),
    "copied, pickled and saved": (copy_and_pickle, []),
}


@pytest.mark.parametrize(("happens", "new"), CHANGES.values(), ids=list(CHANGES))
def test_training_is_the_same_and_the_record_goes_on(happens: Any, new: list[str]) -> None:
    bare, watched = train(happens, watched=False), train(happens, watched=True)
    check_same_training(bare, watched)
    check_recorded(watched)
    assert watched.monitor is not None
    matrix = watched.monitor.history.layers["grad_norm"]
    assert matrix.count.shape[1] == STEPS
    assert [name for name in matrix.names if name.startswith("added")] == new
    rows = dict(zip(matrix.names, matrix.count.sum(1).tolist(), strict=True))
    expected = {freeze: HALF, take_away: HALF}.get(happens, STEPS)
    assert rows["3.weight"] == expected
    assert {rows[name] for name in new} <= {STEPS - HALF}
    watched.monitor.close()


@pytest.mark.gpu
def test_to_a_gpu() -> None:
    there = moved("cuda")
    bare, watched = train(there, watched=False), train(there, watched=True)
    check_same_training(bare, watched)
    check_recorded(watched)


def test_a_replaced_optimizer_is_noted() -> None:
    """Its steps are not counted: the monitor cannot know the new one, so a note says what to do."""

    def happens(run: Run) -> None:
        run.optimizer = torch.optim.SGD(run.model.parameters(), lr=0.01)
        gc.collect()

    bare, watched = train(happens, watched=False), train(happens, watched=True)
    check_same_training(bare, watched)
    monitor = watched.monitor
    assert monitor is not None
    assert monitor.step == HALF
    assert monitor.history["loss"].values.tolist() == watched.losses
    assert monitor.notes == [
        "An optimizer that was watched is gone, so its steps are no longer seen: make a new "
        "TrainingMonitor with the one that steps now."
    ]
    goes_on = td.TrainingMonitor(watched.model, watched.optimizer)
    assert goes_on.notes == []
    goes_on.close()
    monitor.close()


def test_a_model_that_is_gone_leaves_its_record() -> None:
    watched = train(watched=True)
    monitor, losses = watched.monitor, watched.losses
    del watched
    gc.collect()
    assert monitor is not None
    monitor.log(loss=1.0)
    monitor.flush()
    assert monitor.problem == ""
    assert monitor.history["loss"].values.tolist() == [*losses, 1.0]
    monitor.close()


class Rows(torch.utils.data.Dataset[torch.Tensor]):
    """Data that a watched model is part of, as with features of a frozen one."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __len__(self) -> int:
        return 6 * STEPS

    def __getitem__(self, index: int) -> torch.Tensor:
        assert len(list(self.model.parameters())) == 8
        return torch.randn(4, generator=torch.Generator().manual_seed(index))


def train_on(watched: bool, **workers: Any) -> Run:
    run = train(watched=watched)  # it has trained before, and goes on with workers
    data = torch.utils.data.DataLoader(Rows(run.model), batch_size=6, **workers)
    for batch in data if run.monitor is None else run.monitor.loop(data):
        step(run, batch)
    if run.monitor is not None:
        run.monitor.flush()
    run.kept.append(torch.get_rng_state())
    return run


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_workers_of_a_data_loader(way: str) -> None:
    watched = train_on(True, num_workers=2, multiprocessing_context=way)
    check_same_training(train_on(False), watched)
    check_recorded(watched, 2 * STEPS)
    assert watched.monitor is not None
    watched.monitor.close()
