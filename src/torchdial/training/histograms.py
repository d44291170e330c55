"""Histograms of layers at sampled steps, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

EXPONENTS = tuple(range(-40, 17))
"""The usual edges of the bins: 2⁻⁴⁰ (10⁻¹²) … 2¹⁶ (65,536)."""


class LayerHistograms:
    """Counts of |gradient| in bins of powers of two, a layer and a sampled step each.

    With the exponents e₀ < … < e_{B−2} bin 0 counts values below 2^e₀, zero included, bin i those
    in [2^e_{i−1}, 2^e_i), and the last those from 2^e_{B−2} on. When there is no room for another
    sample every other one is dropped; the newest is always there.

    Args:
        names: the layers, in the order of the network.
        exponents: the edges' exponents, whole numbers that grow, B − 1 of them.
        lock: taken by every method; a history hands in its own.

    Attributes:
        names: the layers; grows by `add`.
        exponents: as given.
        stride: of how many samples one is kept.

    Example:
        >>> histograms = LayerHistograms(["head"], exponents=[-1, 0])
        >>> histograms.append(10, [[7, 2, 1]])
        >>> histograms.at(12)
        (10, array([[7, 2, 1]], dtype=int32))
    """

    def __init__(
        self, names: Sequence[str], exponents: Sequence[int] = EXPONENTS, lock: Any = None
    ) -> None:
        self.names = list(names)
        self.exponents = tuple(int(e) for e in exponents)
        self.stride = 1
        self._lock = lock or threading.RLock()
        self._samples: list[tuple[int, Counts]] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def version(self) -> int:
        """Grows with each change."""
        return len(self._samples)

    @property
    def steps(self) -> Ints:
        """The steps there are samples of, int64 (K,)."""
        return np.array([step for step, _ in self._samples], np.int64)

    def add(self, names: Sequence[str]) -> None:
        """Add rows for the names that are new, below the others."""
        with self._lock:
            self.names += [name for name in names if name not in self.names]

    def append(self, step: int, counts: npt.ArrayLike) -> None:
        """Add the sample of one step: counts (L, B), whole numbers in any dtype."""
        with self._lock:
            self._samples.append((step, np.asarray(counts).astype(np.int32)))

    def at(self, step: int) -> tuple[int, Counts] | None:
        """Return the sample nearest to a step, with its own step: int32 (L, B); None if none."""
        with self._lock:
            if not self._samples:
                return None
            return min(self._samples, key=lambda sample: abs(sample[0] - step))
