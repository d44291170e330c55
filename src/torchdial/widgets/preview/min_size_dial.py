"""The dial of a segmentation preview for the minimum size of connected parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import traitlets as t

from torchdial.inputs.errors import refusal
from torchdial.inputs.min_sizes import Connectivity, to_min_size


class MinSizeDial(t.HasTraits):
    """The trait `min_size`, whose positions are computed once; a comparison has the position 0."""

    min_size: t.TraitType[int, Any] = t.TraitType(0).tag(sync=True, echo_update=False)
    """Connected parts of fewer pixels are off. Moves to the nearest of `min_sizes`."""

    _min_sizes: tuple[int, ...] = (0,)
    _connectivity: Connectivity = 4

    @property
    def min_sizes(self) -> tuple[int, ...]:
        """The positions of the dial, (0,) without one."""
        return self._min_sizes

    @property
    def _size_index(self) -> int:
        return self._min_sizes.index(self.min_size)

    def _at_sizes(self, keys: Iterable[str]) -> list[str]:
        """Return the keys of planes at each size, such as "maximum/0/3" and "maximum/0/3@1"."""
        ends = ["", *(f"@{index}" for index in range(1, len(self._min_sizes)))]
        return [key + end for key in keys for end in ends]

    @t.validate("min_size")
    def _valid_min_size(self, proposal: Any) -> int:
        size = to_min_size("min_size", proposal["value"])
        if size and len(self._min_sizes) == 1:
            raise refusal(
                "min_size",
                expected="0 for a preview without min_sizes",
                got=str(size),
                remedy="Make it with for example min_sizes=(0, 25, 100, 400).",
            )
        return min(self._min_sizes, key=lambda one: abs(one - size))
