"""Area opening: level maps without small parts, for every stop at once.

A row's neighbouring pixels of one level are a run. Edges between runs that touch are added from the
highest level down, all edges of one level in one pass, to a forest of the parts that are still too
small. A part that is large enough leaves the forest with the level at which it became so, as does
what joins it later.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.min_sizes import Connectivity
from torchdial.sweeps.pixels.pixel_counts import Levels

Indices = npt.NDArray[np.int32]

# Rows down and columns right to half of a pixel's neighbours; the others have it as theirs.
NEIGHBOURS = {4: ((0, 1), (1, 0)), 8: ((0, 1), (1, 0), (1, 1), (1, -1))}


def without_small_parts(levels: Levels, min_size: int, connectivity: Connectivity = 4) -> Levels:
    """Return the levels that a pixel has where parts of fewer than `min_size` pixels are off.

    For multiclass a part is connected pixels of the same argmax.

    Args:
        levels: from `measure_levels`, on any device; computed on the CPU.
        min_size: in pixels; up to 1 removes nothing.
        connectivity: 4, or 8 to count corners as connected.
    """
    if min_size <= 1:
        return levels
    classes = open_maps(levels.classes, min_size, connectivity)
    if levels.argmax is None or levels.maximum is None:
        return Levels(classes)
    maximum = open_maps(levels.maximum, min_size, connectivity, levels.argmax)
    return Levels(classes, levels.argmax, maximum)


def open_maps(
    levels: torch.Tensor,
    min_size: int,
    connectivity: Connectivity = 4,
    labels: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the area opening of each map: at every stop its parts of at least `min_size` pixels.

    Args:
        levels: uint8 (…, H, W).
        min_size: in pixels; up to 1 removes nothing.
        connectivity: 4, or 8 to count corners as connected.
        labels: of the shape of `levels`; pixels of different labels are not connected.

    Returns:
        uint8 of the shape and on the device of `levels`.

    Example:
        >>> open_maps(torch.tensor([[9, 2, 0, 5]], dtype=torch.uint8), min_size=2)
        tensor([[2, 2, 0, 0]], dtype=torch.uint8)
    """
    if min_size <= 1 or not levels.numel():
        return levels
    *_, height, width = levels.shape
    maps = levels.cpu().reshape(-1, height, width).numpy()
    parts = [None] * len(maps) if labels is None else labels.cpu().reshape(maps.shape).numpy()
    opened = [_open(one, min_size, connectivity, of) for one, of in zip(maps, parts, strict=True)]
    return torch.from_numpy(np.stack(opened)).view(levels.shape).to(levels.device)


def _open(levels: Bytes, min_size: int, connectivity: Connectivity, labels: Bytes | None) -> Bytes:
    runs = _runs(levels, labels)
    first, second, level = _edges(runs, levels, connectivity, labels)
    starts = np.flatnonzero(np.diff(runs.ravel(), prepend=-1))
    sizes = np.diff(starts, append=levels.size)
    forest = _SmallParts(sizes, levels.ravel()[starts], min_size)
    ends = np.searchsorted(level, np.arange(int(level.max(initial=0)) + 2))
    for k in range(len(ends) - 2, 0, -1):
        edges = slice(ends[k], ends[k + 1])
        if edges.start < edges.stop:
            forest.join(first[edges], second[edges], k)
    opened: Bytes = forest.grown_at[forest.roots(np.arange(len(forest.grown_at)))][runs]
    return opened


def _runs(levels: Bytes, labels: Bytes | None) -> Indices:
    """Return the number of each pixel's run: neighbours in a row that are alike."""
    begins = np.ones(levels.shape, bool)
    begins[:, 1:] = levels[:, 1:] != levels[:, :-1]
    if labels is not None:
        begins[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    return np.cumsum(begins, dtype=np.int32).reshape(levels.shape) - 1


def _edges(
    runs: Indices, levels: Bytes, connectivity: Connectivity, labels: Bytes | None
) -> tuple[Indices, Indices, Bytes]:
    """Return connected runs and the level up to which both are on, increasing."""
    height, width = levels.shape
    edges = []
    for down, right in NEIGHBOURS[connectivity]:
        here = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        there = np.s_[down:, max(0, right) : width + min(0, right)]
        first, second = runs[here], runs[there]
        level = np.minimum(levels[here], levels[there])
        if labels is not None:
            level *= labels[here] == labels[there]
        on = (level > 0) & (first != second)
        again = (first[:, 1:] == first[:, :-1]) & (second[:, 1:] == second[:, :-1])
        on[:, 1:] &= ~again
        edges.append((first[on], second[on], level[on]))
    first, second, level = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    order = np.argsort(level, kind="stable")
    return first[order], second[order], level[order]


class _SmallParts:
    """A union-find forest over runs of pixels, in which many edges are added at a time.

    Args:
        sizes: of the runs, in pixels.
        levels: of the runs.
        min_size: of a part that is large enough.

    Attributes:
        grown_at: of each root, the level at which its part became large enough; 0 before.
    """

    def __init__(self, sizes: npt.NDArray[np.int64], levels: Bytes, min_size: int) -> None:
        self._min_size = min_size
        self._parent = np.arange(len(sizes), dtype=np.int32)
        self._size = sizes
        self.grown_at = np.where(sizes >= min_size, levels, np.uint8(0))

    def roots(self, runs: npt.NDArray[np.integer]) -> Indices:
        """Return the roots of runs, and make them their parents."""
        root: Indices = self._parent[runs]
        while True:
            above = self._parent[root]
            if np.array_equal(above, root):
                break
            root = above
        self._parent[runs] = root
        return root

    def join(self, first: Indices, second: Indices, level: int) -> None:
        """Add edges, all of one level, which is not above that of those before."""
        first, second = self.roots(first), self.roots(second)
        large, also_large = self.grown_at[first] > 0, self.grown_at[second] > 0
        beside_large = np.where(large, second, first)[large != also_large]
        small = ~(large | also_large)
        self._unite(first[small], second[small])
        grown = self.roots(first[small])
        self.grown_at[grown[self._size[grown] >= self._min_size]] = level
        joined = self.roots(beside_large)
        self.grown_at[joined[self.grown_at[joined] == 0]] = level

    def _unite(self, first: Indices, second: Indices) -> None:
        """Make one part of the two roots of each edge."""
        while True:
            apart = first != second
            first, second = first[apart], second[apart]
            if not len(first):
                return
            low, high = np.minimum(first, second), np.maximum(first, second)
            self._parent[high] = low  # of several edges one counts, and the others come again
            hooked = np.unique(high)
            np.add.at(self._size, self._shortened(hooked), self._size[hooked])
            first, second = self.roots(first), self.roots(second)

    def _shortened(self, runs: Indices) -> Indices:
        """Return the roots of runs that hang in long chains, halving these each time."""
        while True:
            above: Indices = self._parent[self._parent[runs]]
            if np.array_equal(above, self._parent[runs]):
                return above
            self._parent[runs] = above
