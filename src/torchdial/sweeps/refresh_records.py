"""What is recorded of each refresh of a preview: its counts, and of some steps the frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from torchdial.sweeps.kept_steps import thinned

Frame = TypeVar("Frame")
Restored = TypeVar("Restored", covariant=True)


class KeptFrame(Protocol[Restored]):
    """A frame in the form in which it is kept."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""

    def restore(self) -> Restored:
        """Return the frame."""


@dataclass(frozen=True)
class NewestFrame(Generic[Frame]):
    """The newest frame, which the preview holds in any case."""

    frame: Frame
    nbytes: int = 0

    def restore(self) -> Frame:
        """Return the frame."""
        return self.frame


@dataclass(frozen=True)
class RefreshRecord(Generic[Frame]):
    """What is known of one refresh.

    Attributes:
        step: the training step.
        version: number of the frame, different for each.
        counts: at every stop.
        value: the metric at its best stop, NaN without targets.
        frame: None where it was dropped.
    """

    step: int
    version: int
    counts: Any
    value: float
    frame: KeptFrame[Frame] | None


@dataclass(frozen=True)
class RefreshRecords(Generic[Frame]):
    """The records of all refreshes, by increasing steps.

    They are replaced as a whole, since messages come on threads.

    Attributes:
        keep: how many frames are kept at most.
        keep_bytes: how many bytes these take at most, besides the newest.
        all: the records.
        is_limited: whether `keep_bytes` dropped frames.
    """

    keep: int
    keep_bytes: int
    all: tuple[RefreshRecord[Frame], ...] = ()
    is_limited: bool = False

    @property
    def steps(self) -> tuple[int, ...]:
        """All steps."""
        return tuple(record.step for record in self.all)

    @property
    def kept(self) -> list[RefreshRecord[Frame]]:
        """The records that have a frame."""
        return [record for record in self.all if record.frame is not None]

    @property
    def nbytes(self) -> int:
        """Bytes of the kept frames, besides the newest."""
        return sum(record.frame.nbytes for record in self.kept if record.frame is not None)

    @property
    def best(self) -> int | None:
        """The step with the highest value, the earliest of equal ones; None without targets."""
        defined = [record for record in self.all if not math.isnan(record.value)]
        return max(defined, key=lambda record: record.value).step if defined else None

    def added(
        self,
        record: RefreshRecord[Frame],
        compress: Callable[[Frame], KeptFrame[Frame]],
    ) -> RefreshRecords[Frame]:
        """Return these with the newest record; the same step is replaced, later ones go.

        Args:
            record: with a `NewestFrame`.
            compress: makes what is kept of the frame that was the newest.
        """
        earlier = tuple(one for one in self.all if one.step < record.step)
        by_number = self._thinned((*earlier, record), lambda steps: len(steps) > self.keep)
        compressed = replace(by_number, all=tuple(_compressed(by_number.all, compress)))
        sizes = {one.step: one.frame.nbytes for one in compressed.kept if one.frame is not None}
        by_size = compressed._thinned(
            compressed.all,
            lambda steps: sum(sizes[step] for step in steps) > self.keep_bytes,
        )
        lacks = len(by_size.kept) < self.keep
        is_limited = len(by_size.kept) < len(compressed.kept) or (self.is_limited and lacks)
        return replace(by_size, is_limited=is_limited)

    def nearest(self, step: int, *, kept: bool = False) -> RefreshRecord[Frame]:
        """Return the record nearest to a step, of two equally near the earlier one.

        Args:
            step: any number.
            kept: whether to look only at records that have a frame.
        """
        return min(self.kept if kept else self.all, key=lambda one: abs(one.step - step))

    def _thinned(
        self,
        records: tuple[RefreshRecord[Frame], ...],
        is_too_much: Callable[[Sequence[int]], bool],
    ) -> RefreshRecords[Frame]:
        these = replace(self, all=records)
        kept = [one.step for one in these.kept]
        dropped = {*kept}.difference(thinned(kept, these.best, is_too_much))
        return replace(
            self,
            all=tuple(replace(one, frame=None) if one.step in dropped else one for one in records),
        )


def _compressed(
    records: Sequence[RefreshRecord[Frame]], compress: Callable[[Frame], KeptFrame[Frame]]
) -> list[RefreshRecord[Frame]]:
    *earlier, newest = records
    return [
        replace(one, frame=compress(one.frame.restore()))
        if isinstance(one.frame, NewestFrame)
        else one
        for one in earlier
    ] + [newest]
