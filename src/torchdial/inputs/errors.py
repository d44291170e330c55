"""The form of every error message: what was expected, what was passed, and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch


def refusal(name: str, *, expected: str, got: str, remedy: str) -> ValueError:
    """Return the error to raise for an argument called `name`."""
    return ValueError(f"{name}: expected {expected}, got {got}. {remedy}")


def describe(value: Any) -> str:
    """Return type, dtype and shape of an argument, or the beginning of its repr."""
    try:
        if isinstance(value, (torch.Tensor, np.ndarray)):
            kind = "tensor" if isinstance(value, torch.Tensor) else "array"
            dtype, shape = str(value.dtype).removeprefix("torch."), tuple(value.shape)
            return f"a {dtype} {kind} of shape {shape}"
        return f"{type(value).__name__} {value!r:.60}"
    except Exception:  # a nested tensor has no shape, and a repr may raise
        return f"something of the type {type(value).__name__}"


def contents(value: Any) -> str:
    """Return the keys or the length of a container; anything else as `describe` does."""
    if isinstance(value, Mapping):
        return f"{type(value).__name__} with the keys {list(value)[:8]}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"{type(value).__name__} of {len(value)}"
    return describe(value)


def refuse_non_finite(name: str, values: torch.Tensor) -> None:
    """Raise if a tensor holds NaN or infinity, with their number and the first index."""
    if not (values.is_floating_point() or values.is_complex()):
        return
    finite = torch.isfinite(values)
    if bool(finite.all()):
        return
    bad = (~finite).nonzero()
    raise refusal(
        name,
        expected="finite values",
        got=f"{len(bad):,} of {values.numel():,} not finite, the first at index "
        f"{tuple(bad[0].tolist())}",
        remedy="Look for a division by zero, a log of zero or an overflow in float16.",
    )
