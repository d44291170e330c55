"""Values as bytes: which value is shown as black and which as white."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from torchdial.inputs.errors import describe, refusal

Window = tuple[float, float]

BITS_16 = (torch.int16, torch.uint16)


def to_window(name: str, window: Any, expected: str = "(low, high) with low < high") -> Window:
    """Return the values shown as black and as white.

    Raises:
        ValueError: they are not two increasing finite numbers.
    """
    try:
        low, high = map(float, window)
    except Exception:  # no pair of numbers
        low, high = 0.0, 0.0
    if low < high and high - low < float("inf"):
        return low, high
    raise refusal(
        name, expected=expected, got=describe(window), remedy=f"Pass {name}=(0, 255), for example."
    )


def span_of(tensors: Iterable[torch.Tensor]) -> Window:
    """Return the lowest and the highest finite value; 0 and 1 where there is none."""
    ends = [end for tensor in tensors for end in _finite_ends(_wide(tensor))]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def window_of_integers(tensors: Iterable[torch.Tensor]) -> Window:
    """Return the window of integers: 0 and 255 if they are 8-bit values, else their span."""
    given = list(tensors)
    low, high = span_of(given)
    in_8_bits = low >= 0 and high <= 255 and not any(t.dtype in BITS_16 for t in given)
    return (0.0, 255.0) if in_8_bits else (low, high)


def to_bytes(values: torch.Tensor, window: Window) -> torch.Tensor:
    """Return values as uint8, `window` as 0 and 255, what lies outside as the nearer of these."""
    low, high = window
    shares = (_wide(values) - low).div_((high - low) or 1.0)  # then in place: memory takes longer
    return shares.clamp_(0, 1).mul_(255).nan_to_num_().round_().to(torch.uint8)


def _finite_ends(values: torch.Tensor) -> list[float]:
    """Return the lowest and the highest finite value, none where there is none."""
    # As they lie in memory, which is faster where the channels were first.
    order = sorted(range(values.ndim), key=values.stride, reverse=True)
    ends: list[float] = []
    if values.numel():
        ends = torch.stack(torch.aminmax(values.permute(order))).tolist()
    if all(map(math.isfinite, ends)):
        return ends
    return _finite_ends(values[values.isfinite()])


def _wide(values: torch.Tensor) -> torch.Tensor:
    """Return values in a type that holds them: integers need float64."""
    return values.to(torch.float32 if values.is_floating_point() else torch.float64)
