"""Two processes of torch's own come to the same weights with and without a monitor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.fsdp.wrap import ModuleWrapPolicy

import torchdial as td
from tests.real.cases import Cases
from tests.real.training.learning import STEPS, digits

pytestmark = pytest.mark.real("torch")


class Mlp(nn.Module):
    """Without batch norm, whose buffers FSDP does not shard."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(36, 36) for _ in range(3)])
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(36, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for layer in self.layers:
            x = self.drop(layer(x).relu())
        return self.head(x)


def ddp(model: nn.Module) -> nn.Module:
    return nn.parallel.DistributedDataParallel(model)


def fsdp1(model: nn.Module) -> nn.Module:
    return FullyShardedDataParallel(
        model, auto_wrap_policy=ModuleWrapPolicy({nn.Linear}), device_id=torch.device("cpu")
    )


def fsdp1_originals(model: nn.Module) -> nn.Module:
    return FullyShardedDataParallel(
        model,
        auto_wrap_policy=ModuleWrapPolicy({nn.Linear}),
        device_id=torch.device("cpu"),
        use_orig_params=True,
    )


def fsdp2(model: nn.Module) -> nn.Module:
    for layer in model.layers:
        fully_shard(layer)
    return fully_shard(model)


WRAPPERS = {
    "DDP": ddp,
    "FSDP1": fsdp1,
    "FSDP1, original parameters": fsdp1_originals,
    "FSDP2": fsdp2,
}


def train(wrap: Callable[[nn.Module], nn.Module], rank: int, watched: bool) -> tuple[Any, ...]:
    torch.manual_seed(0)
    model = wrap(Mlp())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
    torch.manual_seed(rank)
    images, labels = digits(rank).tensors
    for x, y in zip(images.split(8), labels.split(8), strict=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=loss)
    shards = [getattr(p, "_local_tensor", p).detach().clone() for p in model.parameters()]
    problem, norms = "", STEPS
    if monitor is not None:
        monitor.close()
        problem, norms = monitor.problem, len(monitor.history["grad_norm"])
    return [*shards, torch.get_rng_state()], problem, norms


def one_rank(rank: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    try:
        found = {
            name: [train(wrap, rank, watched) for watched in (False, True)]
            for name, wrap in WRAPPERS.items()
        }
        torch.save(found, f"{folder}/{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes came to, by wrapper: bare, and watched."""
    folder: Path = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(one_rank, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("name", WRAPPERS)
def test_both_processes(name: str, ranks: list[dict[str, Any]], cases: Cases) -> None:
    for rank, found in enumerate(ranks):
        (bare, _, _), (watched, problem, norms) = found[name]
        cases.compare(f"process {rank}", watched, bare)
        assert (problem, norms) == ("", STEPS)
        assert any(float(weight.abs().max()) > 0 for weight in bare[:-1])
    assert cases.differing == []
