"""Which scalars are losses, told by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HELD_OUT = {"val", "valid", "validation", "test", "eval", "dev", "holdout"}
LIKE_LOSS = {"nll", "cost", "objective"}
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
    """Find the losses among the names of scalars.

    A loss has a word with "loss" in it, or is an "nll", "cost" or "objective"; words end at
    `/ _ . -`, a space, or a capital letter. One that is averaged over an "epoch" repeats another.

    Example:
        >>> losses(["loss", "loss/box", "val/loss", "lr"])
        Losses(all=('loss', 'loss/box', 'val/loss'), judged=('loss',))
        >>> losses(["d_loss", "g_loss", "accuracy"]).rivals
        True
    """
    words = {name: _words(name) for name in names if not name.startswith("system/")}
    found = [name for name, w in words.items() if LIKE_LOSS & w or any("loss" in x for x in w)]
    training = [n for n in found if not words[n] & (HELD_OUT | {"epoch"})]
    sums = [name for name in training if words[name] <= PLAIN]
    return Losses(tuple(found), tuple(sums[:1] or training))


def _words(name: str) -> set[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.split(r"[/_.\-\s]+", parted.lower()))
