"""Bitsets: one whole number holds a yes or no for each stop, match IoU and area of a box.

Python's whole numbers are as long as they have to be, and `&`, `|` and `^` on 4,000 bits take
at most 0.25 µs: less than one small tensor operation.

Here and in matching and AP it is numpy that searches, sorts and selects: torch shares even a few
numbers out to its threads, which on a busy machine takes 8 ms each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

ALMOST_ONE = 1 - 1e-10  # COCO's: at match_iou = 1 equal boxes match, whatever the rounding


@dataclass(frozen=True)
class Variants:
    """What is decided at once: every match IoU × area range × NMS stop, a bit of a word each.

    Attributes:
        num_stops: T, padded to whole bytes in a word.
        match_ious: increasing, the slowest to vary.
        areas: ranges (from, to), both included; a target outside is ignored, and so is a
            detection outside that matches nothing.
    """

    num_stops: int
    match_ious: Sequence[float]
    areas: Sequence[tuple[float, float]] = ((0.0, float("inf")),)

    @property
    def num_bytes(self) -> int:
        """Bytes for the stops alone."""
        return -(-self.num_stops // 8)

    @cached_property
    def _one_of_each(self) -> int:
        return _repeated(len(self.match_ious) * len(self.areas), 8 * self.num_bytes)

    @property
    def everywhere(self) -> int:
        """The word with all bits set."""
        return self.spread((1 << 8 * self.num_bytes) - 1)

    def spread(self, stops: int) -> int:
        """Return a word over the stops, repeated for every match IoU and area."""
        return stops * self._one_of_each

    def outside(self, areas: torch.Tensor) -> list[int]:
        """Return, for float64 areas (N,), the bits of the ranges they are outside of."""
        every_stop = (1 << 8 * self.num_bytes) - 1
        words = [0] * len(areas)
        for i, (low, high) in enumerate(self.areas):
            here = every_stop << 8 * self.num_bytes * i
            word = here * _repeated(len(self.match_ious), 8 * self.num_bytes * len(self.areas))
            for j in np.flatnonzero((areas.numpy() < low) | (areas.numpy() > high)).tolist():
                words[j] |= word
        return words

    def reach(self, iou: torch.Tensor) -> list[int]:
        """Return, for IoUs (P,), the bits of the match IoUs that they reach."""
        bits = 8 * self.num_bytes * len(self.areas)
        words = [(1 << bits * i) - 1 for i in range(len(self.match_ious) + 1)]
        least = np.minimum(self.match_ious, ALMOST_ONE)
        return [words[i] for i in np.searchsorted(least, iou.numpy(), side="right").tolist()]

    def unpack(self, words: Iterable[int]) -> torch.Tensor:
        """Return words as bool (words, match IoUs, areas, stops)."""
        shape = (-1, len(self.match_ious), len(self.areas), self.num_bytes)
        size = shape[1] * shape[2] * shape[3]
        joined = b"".join(word.to_bytes(size, "little") for word in words)
        rows = np.frombuffer(joined, dtype=np.uint8).reshape(shape)
        return unpack_bits(torch.from_numpy(rows.copy()), self.num_stops)


def _repeated(times: int, bits: int) -> int:
    """Return the number that, times a word of so many bits, sets it beside itself."""
    return sum(1 << bits * i for i in range(times))


def rows_as_words(packed: torch.Tensor, rows: torch.Tensor) -> dict[int, int]:
    """Return some rows of packed bits as whole numbers."""
    chosen = np.unique(rows.numpy())
    content = packed.numpy()[chosen]
    return {
        i: int.from_bytes(row.tobytes(), "little")
        for i, row in zip(chosen.tolist(), content, strict=True)
    }


def pack_bits(bits: torch.Tensor) -> torch.Tensor:
    """Return bool (…, T) as uint8 (…, ceil(T / 8)), the first in the lowest bit."""
    return torch.from_numpy(np.packbits(bits.numpy(), axis=-1, bitorder="little"))


def unpack_bits(packed: torch.Tensor, count: int) -> torch.Tensor:
    """Return what `pack_bits` packed, bool (…, T)."""
    bits = np.unpackbits(packed.numpy(), axis=-1, count=count, bitorder="little")
    return torch.from_numpy(bits.view(np.bool_))
