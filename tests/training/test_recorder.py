"""Numbers that travel from a device: copied at once, read in order, never waited for.

The device is a GPU if there is one. Else it is the CPU, and the copies to the host are held back
by hand, as a busy GPU would do.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from torchdial.training.recorder import Chunk, Kept, Mixed, Numbers, Recorder, to_finite_float32

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


def test_what_was_finite_stays_so_in_float32():
    values = np.array([1e300, -1e300, np.inf, np.nan, 1.0])
    most = np.finfo(np.float32).max
    assert to_finite_float32(values).tolist()[:3] == [most, -most, np.inf]
    assert np.isnan(to_finite_float32(values)[3])
