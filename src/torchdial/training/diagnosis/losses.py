"""Which scalars are losses, where a loss began, and the best it has been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchdial.training.diagnosis.robust_statistics import Floats, finite, median, spread
from torchdial.training.history.scalar_names import is_held_out, is_loss, is_reserved, words_of

TOTAL_WORDS = {"train", "training", "step", "batch", "total", "loss"}

FIRST_LOSSES = 3
"""Points that say where a loss began; too high a learning rate ruins it within three."""

LEVEL_POINTS = 20
"""Points whose median is the level of a loss, so that no single batch counts."""


@dataclass(frozen=True)
class Losses:
    """The losses of a run.

    Attributes:
        all: training and held-out ones.
        judged: the training losses whose course is judged: the total if a name says which it is
            ("loss" beside "loss/box"), or else all of them. Several may be a GAN's, where one rises
            as the other falls.
    """

    all: tuple[str, ...]
    judged: tuple[str, ...]

    @property
    def rivals(self) -> bool:
        """Whether several losses are judged, of which one may rise because another falls."""
        return len(self.judged) > 1


def losses(names: Iterable[str]) -> Losses:
    """Find the losses among the names of scalars; see `is_loss`.

    One that is averaged over an "epoch" repeats another.

    Example:
        >>> losses(["loss", "loss/box", "val/loss", "lr"])
        Losses(all=('loss', 'loss/box', 'val/loss'), judged=('loss',))
        >>> losses(["d_loss", "g_loss", "accuracy"]).rivals
        True
    """
    found = [name for name in names if is_loss(name) and not is_reserved(name)]
    training = [n for n in found if not is_held_out(n) and "epoch" not in words_of(n)]
    sums = [name for name in training if words_of(name) <= TOTAL_WORDS]
    return Losses(tuple(found), tuple(sums[:1] or training))


@dataclass(frozen=True)
class Level:
    """A loss so far.

    Attributes:
        start: median of its first points, or the very first if that is lower.
        best: its lowest median over a block of points.
        noise: spread within that block.
    """

    start: float
    best: float
    noise: float

    @property
    def won(self) -> float:
        """How far the loss has come down; at least 0."""
        return max(0.0, self.start - self.best)


def begun(values: Floats) -> Level | None:
    """Return the level of a loss that has just begun, or None if it has not.

    Args:
        values: its first points.

    Example:
        >>> begun(np.array([2.4, 2.2, 2.3, 0.5]))
        Level(start=2.3, best=2.3, noise=inf)
    """
    first = finite(values)[:FIRST_LOSSES]
    if len(first) < FIRST_LOSSES:
        return None
    start = min(float(first[0]), median(first))
    return Level(start, start, float("inf"))


def continued(level: Level, values: Floats) -> Level:
    """Return the level with one more block of points taken in.

    Example:
        >>> continued(Level(2.3, 2.3, float("inf")), np.tile([1.0, 1.2], 10)).best
        1.1
    """
    block = finite(values)[-LEVEL_POINTS:]
    if len(block) < LEVEL_POINTS:
        return level
    middle = median(block)
    return level if middle >= level.best else Level(level.start, middle, spread(block))
