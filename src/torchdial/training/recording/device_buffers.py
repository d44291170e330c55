"""Numbers on their way from the device: copied at once, read when they have arrived.

On a CUDA device a number is copied, in the order of the stream, into the next place of a chunk of
device memory. Now and then the chunk's new part is copied into pinned memory without waiting,
followed by how many numbers that makes. A reader looks at that count, which is plain memory:
no call to CUDA, so nothing that could disturb a graph being captured by another thread.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from torchdial.training.recording.gradient_statistics import plain

Floats = npt.NDArray[np.float64]
PLACES = 8192


class Numbers(Protocol):
    """Some numbers that are there, or will be."""

    def ready(self) -> bool:
        """Return whether `read` would not wait."""

    def read(self) -> Floats:
        """Return them, float64 (n,)."""


Number = float | Numbers


class HasNumbers(Protocol):
    """An item that is complete once all its numbers are there."""

    def ready(self) -> bool:
        """Return whether they are."""


Item = TypeVar("Item", bound=HasNumbers)


@dataclass(frozen=True)
class Kept:
    """Numbers in tensors of one device that are not written to any more; reading waits for it."""

    tensors: Sequence[Tensor]

    def ready(self) -> bool:
        """Return True: there is nothing to look at."""
        return True

    def read(self) -> Floats:
        """Return the numbers, float64 (n,)."""
        flat: Floats = _flat(self.tensors).to("cpu", torch.float64).numpy()
        return flat


@dataclass(frozen=True)
class Placed:
    """Numbers in a chunk: n from `start` on."""

    chunk: Chunk
    start: int
    stop: int

    def ready(self) -> bool:
        """Return whether they have arrived in the host's memory."""
        return self.chunk.arrived >= self.stop

    def read(self) -> Floats:
        """Return the numbers, float64 (n,)."""
        copy: Floats = self.chunk.numbers[self.start : self.stop].copy()
        return copy


@dataclass(frozen=True)
class Mixed:
    """Numbers of several devices, put back into their order."""

    parts: Sequence[tuple[Sequence[int], Numbers]]

    def ready(self) -> bool:
        """Return whether all have arrived."""
        return all(part.ready() for _, part in self.parts)

    def read(self) -> Floats:
        """Return the numbers, float64 (n,)."""
        found = np.empty(sum(len(rows) for rows, _ in self.parts))
        for rows, part in self.parts:
            found[list(rows)] = part.read()
        return found


class Chunk:
    """Places for numbers on a device, and their twins in the host's memory.

    Args:
        device: where the numbers come from.
        places: how many there are.
        pinned: whether the host's memory is pinned; it has to be for copies that do not wait.
    """

    def __init__(self, device: torch.device, places: int = PLACES, pinned: bool = True) -> None:
        self.used = self.sent = 0
        self.places = places
        self._device = torch.empty(places, dtype=torch.float64, device=device)
        self._counts = torch.arange(places + 1, dtype=torch.int64, device=device)
        self._host = torch.empty(places, dtype=torch.float64, device="cpu", pin_memory=pinned)
        self._count = torch.zeros(1, dtype=torch.int64, device="cpu", pin_memory=pinned)
        self.numbers: Floats = self._host.numpy()
        self._arrived: npt.NDArray[np.int64] = self._count.numpy()

    @property
    def arrived(self) -> int:
        """How many of the places hold their number in the host's memory."""
        return int(self._arrived[0])

    def put(self, numbers: Tensor) -> Placed:
        """Copy numbers (n,) into the next places."""
        start, self.used = self.used, self.used + numbers.numel()
        self._device[start : self.used].copy_(numbers, non_blocking=True)
        return Placed(self, start, self.used)

    def send(self) -> None:
        """Copy what is new to the host, and then how much there is."""
        if self.sent < self.used:
            new, self.sent = slice(self.sent, self.used), self.used
            self.copy(self._host[new], self._device[new])
            self.copy(self._count, self._counts[self.used : self.used + 1])

    def copy(self, host: Tensor, device: Tensor) -> None:
        """Copy to the host in the order of the stream, without waiting."""
        host.copy_(device, non_blocking=True)


class Recorder(Generic[Item]):
    """A queue of items from the training thread, each available once its numbers have arrived.

    Args:
        chunk: makes a chunk; None for `Chunk`.
        chunked: whether a device's numbers travel in chunks; None for CUDA devices.
    """

    def __init__(
        self,
        chunk: Callable[[torch.device, int], Chunk] | None = None,
        chunked: Callable[[torch.device], bool] | None = None,
    ) -> None:
        self._items: deque[Item] = deque()
        self._added = self._sent = 0
        self._thread = 0  # the one that trains
        self._chunks: dict[Any, Chunk] = {}
        self._chunk = chunk or Chunk
        self._chunked = chunked or (lambda device: device.type == "cuda")
        self._is_cpu_at_hand = not self._chunked(torch.device("cpu"))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def sent(self) -> int:
        """How many of the items taken so far are on their way or arrived."""
        return self._sent

    def number(self, tensor: Tensor) -> Number:
        """Copy a tensor of one element as it is now, whatever is written to it later."""
        tensor = plain(tensor)
        if self.is_at_hand(tensor):
            return float(tensor.item())
        tensor = tensor.detach()
        if self._chunked(tensor.device):
            return self.hold([tensor])
        return Kept([tensor.clone()])

    def is_at_hand(self, tensor: Tensor) -> bool:
        """Return whether a tensor's values can be looked at without waiting for them."""
        return tensor.is_cpu and self._is_cpu_at_hand

    def hold(self, tensors: Sequence[Tensor]) -> Numbers:
        """Keep tensors that are not written to later, such as fresh results, as one row."""
        devices = {tensor.device for tensor in tensors}
        if len(devices) > 1:
            return self._mixed(tensors, devices)
        device = devices.pop()
        if not self._chunked(device):
            return Kept(list(tensors))
        numbers = _flat(tensors)
        return self._room(device, numbers.numel()).put(numbers)

    def add(self, item: Item) -> None:
        """Append an item; it is available when its numbers and all items before it are there."""
        self._items.append(item)
        self._added += 1
        self._thread = threading.get_ident()

    def send(self) -> None:
        """Start the copies to the host of all there is; for the training thread."""
        added = self._added
        for chunk in self._chunks.values():
            chunk.send()
        self._sent = added

    def send_if_here(self) -> None:
        """Do as `send` where this is the training thread, or nothing has to be copied."""
        if not self._chunks or self._thread == threading.get_ident():
            self.send()

    def take(self) -> list[Item]:
        """Return the items that are complete, oldest first, up to the first that is not."""
        taken: list[Item] = []
        while self._items and (not self._chunks or self._items[0].ready()):
            taken.append(self._items.popleft())
        return taken

    def _room(self, device: torch.device, needed: int) -> Chunk:
        key = device, _stream(device)
        chunk = self._chunks.get(key)
        if chunk is None or chunk.used + needed > chunk.places:
            if chunk is not None:
                chunk.send()
            chunk = self._chunks[key] = self._chunk(device, max(PLACES, needed))
        return chunk

    def _mixed(self, tensors: Sequence[Tensor], devices: set[torch.device]) -> Numbers:
        parts, start = [], 0
        spans = []
        for tensor in tensors:
            spans.append(range(start, start + tensor.numel()))
            start += tensor.numel()
        for device in devices:
            here = [i for i, tensor in enumerate(tensors) if tensor.device == device]
            rows = [row for i in here for row in spans[i]]
            parts.append((rows, self.hold([tensors[i] for i in here])))
        return Mixed(parts)


def to_number(value: Number) -> float:
    """Return a number that has arrived."""
    return value if isinstance(value, float) else float(value.read()[0])


def is_ready(*numbers: Number | None) -> bool:
    """Return whether all of some numbers have arrived."""
    return all(n is None or isinstance(n, float) or n.ready() for n in numbers)


def to_finite_float32(values: Floats) -> npt.NDArray[np.float32]:
    """Return float32, in which what was finite stays so."""
    most = float(np.finfo(np.float32).max)
    return np.where(np.abs(values) < math.inf, np.clip(values, -most, most), values).astype(
        np.float32
    )


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0].reshape(-1)
    if all(tensor.ndim == 0 for tensor in tensors):
        return torch.stack(list(tensors))
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
