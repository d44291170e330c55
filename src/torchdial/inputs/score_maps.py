"""Maps of scores of any range, such as anomaly maps, distances or depth errors."""

from __future__ import annotations

from typing import Any

import torch

from torchdial.inputs.errors import refusal, refuse_non_finite
from torchdial.inputs.probability_maps import shape_maps
from torchdial.inputs.stops import Stops


def check_scores(stops: Stops, task: str, *, from_logits: bool) -> None:
    """Raise ValueError if stops of scores are given for anything but one map as it is."""
    if not stops.of_scores or (task == "binary" and not from_logits):
        return
    got = f"task={task!r}" + ", from_logits=True" * from_logits
    raise refusal(
        "thresholds",
        expected="stops of probabilities, in [0, 1], for several classes and for logits",
        got=f"stops of scores with {got}",
        remedy="Leave thresholds out. Scores are for task='binary' with from_logits=False.",
    )


def to_score_maps(preds: Any, *, name: str = "probs") -> torch.Tensor:
    """Return maps of scores, float32 (N, 1, …, H, W), on their own device.

    Raises:
        ValueError: wrong type or shape, a label map, or values that are not finite.
    """
    maps = shape_maps(preds, "binary", None, name)
    refuse_non_finite(name, maps)
    return maps
