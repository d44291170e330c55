"""Histograms of layers at sampled steps, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.growable_arrays import read_only
from torchdial.training.history.layer_rows import Rows, refuse_other_shape, spread_rows

Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

EXPONENTS = tuple(range(-40, 17))
"""Exponents of the default bin edges: 2⁻⁴⁰ (10⁻¹²) … 2¹⁶ (65,536)."""
CELLS = 2**21  # of 4 bytes; more only where the fewest samples need it
FEWEST, MOST = 16, 512


@dataclass(frozen=True)
class Sample:
    """The histograms of a step, int32 (L, B); `number` counts the samples before it."""

    number: int
    step: int
    counts: Counts


class LayerHistograms:
    """Counts of |gradient| in bins of powers of two, a layer and a sampled step each.

    With the exponents e₀ < … < e_{B−2} bin 0 counts values below 2^e₀, zero included, bin i those
    in [2^e_{i−1}, 2^e_i), and the last those from 2^e_{B−2} on. When there is no room for another
    sample every other one is dropped, all over the run, and of those that follow as many; the
    newest is always there. 8 to 512 samples are kept then, the fewer the more layers.

    Args:
        names: the layers, in the order of the network.
        exponents: the edges' exponents, whole numbers that grow, B − 1 of them.
        lock: taken by every method; a history passes its own.

    Attributes:
        exponents: as given.
        stride: of how many samples one is kept.
        version: grows with each change.

    Example:
        >>> histograms = LayerHistograms(["head"], exponents=[-1, 0])
        >>> histograms.append(10, [[7, 2, 1]])
        >>> histograms.at(12)
        (10, array([[7, 2, 1]], dtype=int32))
    """

    def __init__(
        self, names: Sequence[str], exponents: Sequence[int] = EXPONENTS, lock: Any = None
    ) -> None:
        self._rows = Rows(names)
        self.exponents = tuple(int(e) for e in exponents)
        self.stride = 1
        self.version = 0
        self._lock = lock or threading.RLock()
        self._came = 0
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def names(self) -> list[str]:
        """The layers, in the order of the network."""
        return self._rows.names

    def find(self, names: Sequence[str]) -> Ints | None:
        """Return the rows of some layers, added where they are new; None if all, in order."""
        with self._lock:
            self.add(names)
            return self._rows.find(names)

    def __repr__(self) -> str:
        return f"LayerHistograms({len(self.names):,} layers × {len(self):,} steps)"

    @property
    def steps(self) -> Ints:
        """The steps of the samples in order of arrival, int64 (K,)."""
        with self._lock:
            return np.array([sample.step for sample in self._samples], np.int64)

    def add(self, names: Sequence[str]) -> None:
        """Add rows for the names that are new, each behind the one it follows here."""
        with self._lock:
            rows = self._rows.add(names)
            if rows is None:
                return
            self._samples = [
                Sample(s.number, s.step, spread_rows(s.counts, rows, len(self.names), 0))
                for s in self._samples
            ]
            self._thin()
            self.version += 1

    def shift(self, by: int) -> None:
        """Add a number to the step of every sample."""
        with self._lock:
            self._samples = [Sample(s.number, s.step + by, s.counts) for s in self._samples]
            self.version += 1

    def append(self, step: int, counts: npt.ArrayLike, rows: Ints | None = None) -> None:
        """Add the sample of one step, or layers that the newest sample lacks if it is of this step.

        Args:
            step: any whole number.
            counts: (L, B), or one row for each of `rows`; whole numbers in any dtype.
            rows: which layers were counted; None is all of them.

        Raises:
            ValueError: there are more or fewer layers or bins.
        """
        with self._lock:
            new = np.rint(counts).astype(np.int32)
            layers = len(self.names) if rows is None else len(rows)
            refuse_other_shape(new.shape, (layers, len(self.exponents) + 1))
            last = self._samples[-1] if self._samples else None
            if rows is not None:
                is_same = last is not None and last.step == step
                if last is not None and is_same and not last.counts[rows].any():
                    together = last.counts.copy()
                    together[rows] = new
                    self._samples[-1] = Sample(last.number, step, together)
                    self.version += 1
                    return
                new = spread_rows(new, rows, len(self.names), 0)
            if self._samples and self._samples[-1].number % self.stride:
                self._samples.pop()  # it was kept only while it was the newest
            self._samples.append(Sample(self._came, step, new))
            self._came += 1
            self._thin()
            self.version += 1

    def at(self, step: int) -> tuple[int, Counts] | None:
        """Return the sample nearest to a step, with its own step: int32 (L, B).

        Of those as near as each other it is the newest; None if there is none at all.
        """
        with self._lock:
            if not self._samples:
                return None
            distances = np.abs(self.steps - step)
            sample = self._samples[len(distances) - 1 - int(distances[::-1].argmin())]
            return sample.step, read_only(sample.counts)

    def take(self, mark: Any) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], Any]:
        """Return a note and the samples that changed since a mark (None: all), and a new mark."""
        with self._lock:
            numbers = [sample.number for sample in self._samples]
            layers, known = mark or (0, [])
            known = known[:-1] if layers == len(self.names) else []  # the newest may have grown
            start = sum(map(eq, numbers, known))  # both rise, so equal ones are in front
            note = {
                "names": None if start else list(self.names),
                "exponents": list(self.exponents),
                "stride": self.stride,
                "came": self._came,
                "start": start,
            }
            new = self._samples[start:]
            shape = (len(new), len(self.names), len(self.exponents) + 1)
            parts: dict[str, npt.NDArray[Any]] = {
                "numbers": np.array(numbers[start:], np.int64),
                "steps": np.array([sample.step for sample in new], np.int64),
                "counts": np.array([sample.counts for sample in new], np.int32).reshape(shape),
            }
            return note, parts, (len(self.names), numbers)

    def put(self, note: Mapping[str, Any], parts: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write samples that `take` returned.

        Raises:
            ValueError, LookupError, TypeError: they do not go together.
        """
        with self._lock:
            if note["names"] is not None:
                self._rows, self._samples = Rows([str(name) for name in note["names"]]), []
            numbers, steps, counts = parts["numbers"], parts["steps"], parts["counts"]
            shape = (len(numbers), len(self.names), len(self.exponents) + 1)
            refuse_other_shape(counts.shape, shape)
            start, stride, came = int(note["start"]), int(note["stride"]), int(note["came"])
            if not (
                0 <= start <= len(self._samples) and stride >= 1 and numbers.shape == steps.shape
            ):
                raise ValueError(f"samples {start} … behind {len(self._samples)}")
            new = zip(numbers.tolist(), steps.tolist(), counts.astype(np.int32), strict=True)
            self._samples = [*self._samples[:start], *(Sample(*sample) for sample in new)]
            self.stride, self._came = stride, came
            self.version += 1

    @property
    def _most(self) -> int:
        """The number of samples that fit."""
        cells = max(1, len(self.names)) * (len(self.exponents) + 1)
        return min(max(CELLS // cells, FEWEST), MOST)

    def _thin(self) -> None:
        while len(self._samples) > self._most:
            self.stride *= 2
            newest = self._samples[-1]
            self._samples = [s for s in self._samples if s.number % self.stride == 0]
            if self._samples[-1] is not newest:
                self._samples.append(newest)
