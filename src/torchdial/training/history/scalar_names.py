"""What the name of a scalar tells; js/src/lib/charts/scalar_names.ts has the same rule.

tests/golden/names.json binds the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from torchdial.training.history.measured_names import LEARNING_RATE, is_measured, is_one_of

KNOWN = 4096  # names that need not be looked at again
HELD_OUT = ("val", "valid", "validation", "test", "eval", "dev", "holdout")
_SPLIT = re.compile(rf"^(train|training|{'|'.join(HELD_OUT)})[/_](?=.)", re.DOTALL)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z]{2})(?=[A-Z])")
# Whole words, which may end in a number: "acc5", "mAP50".
_LOSS = r"[a-z0-9]*loss(es)?|nll|cost"
_ERROR = r"errors?|err|mse|rmse|mae|ppl|perplexity|wer|cer|fid"
_SCORE = (
    r"acc|accuracy|f1|f1score|m?dice|m?iou|jaccard|auc|auroc|precision|recall|m?ap|scores?|bleu"
    r"|psnr|ssim|rewards?|returns?"
)


@lru_cache(KNOWN)
def words_of(name: str) -> frozenset[str]:
    """Return the words of a name in lower case, parted by other signs than letters and digits.

    Words in camel case are parted too, but not "IoU" or "mAP".

    Example:
        >>> sorted(words_of("val/meanIoU_1"))
        ['1', 'iou', 'mean', 'val']
    """
    return frozenset(re.findall(r"[a-z0-9]+", _CAMEL.sub(" ", name).lower()))


def is_loss(name: str) -> bool:
    """Return whether a scalar is a loss: a word ends in "loss", or is "nll" or "cost".

    Example:
        >>> [is_loss(name) for name in ("train/dice_loss", "valLoss", "glossary", "acc")]
        [True, True, False, False]
    """
    return _has(name, _LOSS)


def is_held_out(name: str) -> bool:
    """Return whether a scalar was measured on data that is not trained on."""
    return not words_of(name).isdisjoint(HELD_OUT)


def is_reserved(name: str) -> bool:
    """Return whether a scalar is shown in other views than the curves."""
    return name == "epoch" or (is_measured(name) and not is_learning_rate(name))


def is_learning_rate(name: str) -> bool:
    """Return whether a scalar is a measured learning rate, of any optimizer and group."""
    return is_one_of(name, LEARNING_RATE)


def higher_is_better(name: str) -> bool | None:
    """Return whether the best value of a scalar is its highest, or None if its name does not say.

    Losses, errors, perplexity and the like are best where they are lowest, also where a name has
    words of both; accuracy, F1, Dice, IoU, AUC, AP, precision, recall, scores and rewards where
    they are highest.

    Example:
        >>> [higher_is_better(name) for name in ("val/loss", "val_acc", "dice_loss", "lr")]
        [False, True, False, None]
    """
    if _has(name, f"{_LOSS}|{_ERROR}"):
        return False
    return True if _has(name, _SCORE) else None


def without_split(name: str) -> str:
    """Return a name without the word for the data before it: "loss" for "val/loss"."""
    return _SPLIT.sub("", name)


def panels_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Return names by panel: training and validation together, and groups `a/b`.

    Learning rates come last.

    Example:
        >>> panels_of(["optim/lr", "loss", "val/loss", "loss", "acc"])
        {'loss': ['loss', 'val/loss'], 'acc': ['acc'], 'optim/lr': ['optim/lr']}
    """
    panels: dict[str, list[str]] = {}
    for name in sorted(dict.fromkeys(names), key=is_learning_rate):
        key = without_split(name)
        panel = LEARNING_RATE if is_learning_rate(name) else key.split("/")[0] or key
        panels.setdefault(panel, []).append(name)
    return panels


@lru_cache(KNOWN)
def _has(name: str, words: str) -> bool:
    pattern = re.compile(rf"({words})\d*")
    return any(pattern.fullmatch(word) for word in words_of(name))
