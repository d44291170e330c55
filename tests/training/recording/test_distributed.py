"""Several processes, and tensors spread over them: nothing is communicated by watching."""

import os

import pytest
import torch
from torch import nn

import torchdial as td


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[3.0, 4.0]]))

    def forward(self, x):
        return (self.w * x).sum()


def points(history, name):
    series = history[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def train_one_rank(rank, folder, results):
    """Train under DDP on gloo; count the collectives issued with and without a monitor."""
    os.environ.update(MASTER_ADDR="127.0.0.1", RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    try:
        counts = [collectives_of(rank, watched) for watched in (False, True)]
        results.put((rank, [count for count, _ in counts], counts[1][1]))
    finally:
        torch.distributed.destroy_process_group()


def collectives_of(rank, watched):
    model = nn.parallel.DistributedDataParallel(Weight())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
    counted = {"collectives": 0}
    names = ["all_reduce", "all_gather", "broadcast", "reduce", "barrier", "all_gather_into_tensor"]
    originals = {name: getattr(torch.distributed, name) for name in names}

    def counting(name):
        def call(*args, **kwargs):
            counted["collectives"] += 1
            return originals[name](*args, **kwargs)

        return call

    for name in names:
        setattr(torch.distributed, name, counting(name))
    before = torch.distributed.group.WORLD._get_sequence_number_for_group()
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.tensor([[6.0, 0.0]]) if rank else torch.tensor([[0.0, 8.0]])).backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=1.0)
    issued = torch.distributed.group.WORLD._get_sequence_number_for_group() - before
    for name in names:
        setattr(torch.distributed, name, originals[name])
    shown = None
    if monitor is not None:
        monitor.close()
        history = monitor.history
        bundle = monitor._repr_mimebundle_() if rank else "the panel"
        shown = monitor.problem, points(history, "grad_norm"), monitor.parameter_names, bundle
    return (counted["collectives"], issued), shown


def test_ddp_on_two_processes_issues_no_collective_and_shows_on_the_first_only(tmp_path):
    context = torch.multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    torch.multiprocessing.spawn(train_one_rank, (str(tmp_path), results), nprocs=2)
    for rank, (bare, watched), shown in sorted(results.get() for _ in range(2)):
        assert bare == watched
        assert watched[0] == 0
        assert watched[1] > 0  # those of DDP itself
        problem, norms, names, bundle = shown
        assert problem == ""
        assert norms == [(1, 5.0), (2, 5.0), (3, 5.0)]  # the mean of (6, 0) and (0, 8) is (3, 4)
        assert names == ["w"]
        assert bundle == ({} if rank else "the panel")


@pytest.fixture
def one_process(tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_a_sharded_gradient_is_read_as_this_ranks_shard(one_process):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    mesh = init_device_mesh("cpu", (1,))
    model = nn.Linear(2, 2, bias=False)
    model.weight = nn.Parameter(distribute_tensor(torch.ones(2, 2), mesh, [Shard(0)]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with td.TrainingMonitor(model, optimizer, budget=1) as monitor:
        model.weight.grad = distribute_tensor(
            torch.tensor([[3.0, 0.0], [0.0, 4.0]]), mesh, [Shard(0)]
        )
        optimizer.step()
        monitor.log(loss=1.0)
    assert monitor.problem == ""
    assert points(monitor.history, "grad_norm") == [(1, 5.0)]
    assert monitor.history.layers["update_ratio"].max[0, 0] == pytest.approx(0.25)
    assert monitor.notes == ["Sharded gradients: what is shown is this rank's shard."]


def train_sharded(rank, folder, results):
    """Train a small model under FSDP2 and FSDP1; Linear(16, 1) has an empty shard on one rank."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    os.environ.update(MASTER_ADDR="127.0.0.1", RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    try:
        mesh = init_device_mesh("cpu", (2,))
        torch.manual_seed(0)
        second = nn.Sequential(nn.Linear(3, 16), nn.Linear(16, 1))
        fully_shard(second, mesh=mesh)
        cpu = torch.device("cpu")
        first = FullyShardedDataParallel(nn.Linear(3, 2), use_orig_params=False, device_id=cpu)
        results.put((rank, *(sharded_run(model) for model in (second, first))))
    finally:
        torch.distributed.destroy_process_group()


def sharded_run(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    expected = []
    for step in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 3)).square().sum().backward()
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        local = [g.to_local() if hasattr(g, "to_local") else g for g in grads]
        expected.append(float(torch.cat([g.flatten() for g in local]).norm()))
        if step == 2 and len(grads) > 1:
            monitor.clip_grad_norm_(max_norm=0.1)
        optimizer.step()
        monitor.log(loss=1.0)
    monitor.close()
    found = monitor.history["grad_norm"].values.tolist()
    assert "optim/clip_coefficient" not in monitor.history
    return monitor.problem, monitor.notes, monitor.parameter_names, found, expected


def test_sharded_models_on_two_processes_are_read_as_each_ranks_shard(tmp_path):
    context = torch.multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    torch.multiprocessing.spawn(train_sharded, (str(tmp_path), results), nprocs=2)
    names = []
    for _, *runs in sorted(results.get() for _ in range(2)):
        for problem, notes, _, found, expected in runs:
            assert problem == ""
            assert notes == ["Sharded gradients: what is shown is this rank's shard."]
            assert found == pytest.approx(expected, rel=1e-5)
        names.append([run[2] for run in runs])
    assert names[0] == [["0.weight", "0.bias", "1.weight", "1.bias"], ["_flat_param"]]
