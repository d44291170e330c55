"""Which scalars are losses, told by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchdial.training.history.scalar_names import is_held_out, is_loss, is_reserved, words_of

PLAIN = {"train", "training", "step", "batch", "total", "loss"}


@dataclass(frozen=True)
class Losses:
    """The losses of a run.

    Attributes:
        all: training and held-out ones.
        judged: the training losses whose course is judged: the one that is the sum of the others
            if a name says so ("loss" beside "loss/box"), or else all of them. Several may be a
            GAN's, where one rises as the other falls.
    """

    all: tuple[str, ...]
    judged: tuple[str, ...]

    @property
    def rivals(self) -> bool:
        """Whether several losses are judged."""
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
    sums = [name for name in training if words_of(name) <= PLAIN]
    return Losses(tuple(found), tuple(sums[:1] or training))
