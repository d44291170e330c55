"""The channels of what a module returns, as pictures."""

from __future__ import annotations

from typing import Any

import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.structure.example_arguments import tensors_in


def feature_maps(output: Any) -> torch.Tensor:
    """Return the channels of the first image in a module's output.

    Args:
        output: A tensor (N, C, H, W), (N, H, W) or (N, C), or a tuple, dict or dataclass that
            contains one; the first is taken.

    Returns:
        (C, H, W), (1, H, W), or (1, 1, C) for a vector.

    Raises:
        ValueError: It contains no tensor.

    Example:
        >>> feature_maps((torch.zeros(8, 3, 4, 5), None)).shape
        torch.Size([3, 4, 5])
    """
    tensor = next(tensors_in(output), None)
    if tensor is None:
        raise refusal(
            "module",
            expected="one that returns a tensor (N, C, H, W), alone or in a tuple or dict",
            got=describe(output),
            remedy="Watch another part of the model.",
        )
    first = tensor[0]
    if first.ndim == 1:
        return first[None, None]
    if first.ndim == 2:
        return first[None]
    return first
