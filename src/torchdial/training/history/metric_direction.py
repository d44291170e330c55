"""What the name of a scalar says of it. js/src/lib/charts/metric_groups.ts has the same rule."""

from __future__ import annotations

import re

LOWER = re.compile(r"loss|error|err\b|mse|mae|rmse|nll|ppl|perplexity|wer\b|cer\b|fid\b", re.I)
HIGHER = re.compile(
    r"acc|f1|dice|iou|auc|precision|recall|\bmap\b|score|bleu|psnr|ssim|reward|return", re.I
)


def higher_is_better(name: str) -> bool | None:
    """Return whether the best value of a scalar is its highest, or None if its name says nothing.

    Losses, errors, perplexity and their kin are best where they are lowest, also where a name has
    words of both; accuracy, F1, Dice, IoU, AUC, precision, recall, scores and rewards where they
    are highest.

    Example:
        >>> [higher_is_better(name) for name in ("val/loss", "val_acc", "dice_loss", "lr")]
        [False, True, False, None]
    """
    if LOWER.search(name):
        return False
    return True if HIGHER.search(name) else None
