"""Numbers that travel from a device: copied at once, read in order, never waited for.

The device is a GPU if there is one. Else it is the CPU, and the copies to the host are held back
by hand, as a busy GPU would do.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import torchdial as td
from torchdial.training.recording.device_buffers import (
    Chunk,
    Kept,
    Mixed,
    Numbers,
    Recorder,
    to_finite_float32,
)

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class LateChunk(Chunk):
    """Its copies to the host happen when `arrive` is called, in order."""

    def __init__(self, device, places):
        super().__init__(device, places, pinned=device.type == "cuda")
        self.waiting = []

    def copy(self, host, device):
        self.waiting.append((host, device.clone()))

    def arrive(self, count):
        for host, device in self.waiting[:count]:
            host.copy_(device)
        del self.waiting[:count]


@dataclass
class Item:
    name: str
    numbers: Numbers

    def ready(self):
        return self.numbers.ready()


@pytest.fixture
def late():
    """A recorder on a device that answers late, and its chunks."""
    chunks = []

    def chunk(device, places):
        chunks.append(LateChunk(device, min(places, 16)))
        return chunks[-1]

    return Recorder(chunk, chunked=lambda device: True), chunks


def one(value):
    return torch.tensor(value, device=DEVICE)


def test_numbers_are_given_out_once_their_count_has_arrived_and_not_before(late):
    recorder, chunks = late
    recorder.add(Item("a", recorder.hold([one(1.0), one(2.0)])))
    assert recorder.take() == []  # not even sent
    recorder.send()
    chunks[0].arrive(1)
    assert recorder.take() == []  # the numbers are there, but nothing says so yet
    chunks[0].arrive(1)
    (item,) = recorder.take()
    assert item.numbers.read().tolist() == [1.0, 2.0]
    assert len(recorder) == 0


def test_items_come_in_order_and_wait_for_those_before_them(late):
    recorder, chunks = late
    recorder.add(Item("first", recorder.hold([one(1.0)])))
    recorder.send()
    recorder.add(Item("second", recorder.hold([one(2.0)])))
    recorder.send()
    chunks[0].arrive(3)  # both numbers, but only the first count
    assert [item.name for item in recorder.take()] == ["first"]
    chunks[0].arrive(1)
    assert [item.name for item in recorder.take()] == ["second"]


def test_a_tensor_that_is_overwritten_later_was_copied_at_once(late):
    recorder, chunks = late
    static = one(1.0)
    item = Item("loss", recorder.hold([static]))
    static.fill_(2.0)
    recorder.add(item)
    recorder.send()
    chunks[0].arrive(2)
    assert recorder.take()[0].numbers.read().tolist() == [1.0]


def test_a_full_chunk_is_sent_and_the_next_one_taken(late):
    recorder, chunks = late
    for i in range(5):
        recorder.add(Item(str(i), recorder.hold([torch.full((6,), float(i), device=DEVICE)])))
    recorder.send()
    assert len(chunks) == 3  # two of six in each of sixteen
    for chunk in chunks:
        chunk.arrive(len(chunk.waiting))
    assert [item.numbers.read()[5] for item in recorder.take()] == [0, 1, 2, 3, 4]


def test_doubles_and_large_whole_numbers_survive(late):
    recorder, chunks = late
    recorder.add(Item("a", recorder.hold([one(0.1).double()])))
    recorder.add(Item("b", recorder.hold([torch.tensor(2**53 - 1, device=DEVICE)])))
    recorder.send()
    chunks[0].arrive(2)
    found = [item.numbers.read()[0] for item in recorder.take()]
    assert found == [float(np.float32(0.1)), 2**53 - 1]


def test_numbers_of_several_devices_are_put_back_into_their_order(late):
    recorder, chunks = late
    late_part, early = recorder.hold([one(2.0), one(4.0)]), Kept([torch.tensor([1.0, 3.0])])
    recorder.add(Item("mixed", Mixed([([1, 3], late_part), ([0, 2], early)])))
    recorder.send()
    assert recorder.take() == []
    chunks[0].arrive(2)
    assert recorder.take()[0].numbers.read().tolist() == [1.0, 2.0, 3.0, 4.0]


def test_on_the_cpu_a_number_is_there_at_once():
    recorder = Recorder()
    assert recorder.number(torch.tensor(0.1, dtype=torch.float64)) == 0.1
    assert recorder.hold([torch.tensor(1.0), torch.tensor(2.0)]).read().tolist() == [1.0, 2.0]


class NoWaiting(TorchDispatchMode):
    """Raises where a GPU would be waited for: as a number is taken out of a tensor."""

    WAITS = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.equal)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in self.WAITS:
            raise RuntimeError(f"{function} waits for the device")
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("fused", [False, True])
def test_no_number_is_taken_out_of_a_tensor_in_the_training_thread(fused, monkeypatch):
    """As on a GPU: every number travels in a chunk, and asking a tensor for one is an error."""
    chunked = partial(Recorder, partial(Chunk, pinned=False), chunked=lambda device: True)
    monkeypatch.setattr("torchdial.training.recording.step_recorder.Recorder", chunked)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.1), capturable=False)
    if fused:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0) if fused else None
    monitor = td.TrainingMonitor(model, optimizer, scaler, budget=1)
    recording = monitor._recorder
    norms = []
    for i in range(12):
        loss = model(torch.ones(3, 4)).square().mean() * (float("nan") if i == 5 else 1.0)
        optimizer.zero_grad()
        (loss if scaler is None else scaler.scale(loss)).backward()
        if scaler is not None:  # as GradScaler.step does, which itself waits on a CPU
            optimizer.grad_scale, optimizer.found_inf = (
                torch.tensor(8.0),
                torch.tensor(float(i == 5)),
            )
        norms.append(
            torch.cat([p.grad.flatten() for p in model.parameters()]).norm() / (8 if fused else 1)
        )
        with NoWaiting():
            if i % 2:
                monitor.clip_grad_norm_(max_norm=1e9)
            recording.before_step(0, optimizer, (optimizer,), {})
            recording.after_step(0, optimizer)
            monitor.log(loss=loss)
    monitor.close()
    assert monitor.problem == ""
    history = monitor.history
    if fused:
        assert (monitor.step, history["skipped"].steps.tolist()) == (11, [5])
        assert history["amp_scale"].values.tolist() == [8.0] * len(history["amp_scale"])
        del norms[5]
    else:
        assert history["lr"].values.tolist() == pytest.approx([0.1] * 12)
    columns = history.layers["grad_norm"].max
    found = np.hypot.reduce(columns, axis=0)
    assert found.tolist() == pytest.approx([float(n) for n in norms], rel=1e-5, nan_ok=True)
    assert len(history["loss"]) == 12


def test_what_was_finite_stays_so_in_float32():
    values = np.array([1e300, -1e300, np.inf, np.nan, 1.0])
    most = np.finfo(np.float32).max
    assert to_finite_float32(values).tolist()[:3] == [most, -most, np.inf]
    assert np.isnan(to_finite_float32(values)[3])
