"""What is read off gradients and weights: functions on tensors; none waits for a GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchdial.training.history.layer_histograms import EXPONENTS

FEW = 1 << 16
"""Of a larger tensor this many weights, about, stand for all where its update is measured."""
MANY = 1 << 20
"""Of a larger tensor this many gradients, about, stand for all in its histogram."""
PIECE = 1 << 16  # values that stay in a core's cache


def plain(tensor: Tensor) -> Tensor:
    """Return the values of a tensor as an ordinary one, whatever its kind.

    A DTensor gives this rank's shard, for which nothing is communicated; a sparse one its sums
    over repeated indices; a complex one its parts.
    """
    if type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_complex():
        return tensor
    tensor = tensor.detach()
    if hasattr(tensor, "to_local"):
        tensor = tensor.to_local()
    if tensor.layout is torch.sparse_coo:
        tensor = _summed(tensor)
    elif tensor.layout is not torch.strided and hasattr(tensor, "values"):
        tensor = tensor.values()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def norms(tensors: Sequence[Tensor], order: float = 2.0) -> list[Tensor]:
    """Return the norm of each tensor on its device, accumulated in float32 (float64 for float64).

    Args:
        tensors: floating, of any devices and dtypes, none of them empty.
        order: 2, or infinity for the largest absolute value.

    Example:
        >>> [float(n) for n in norms([torch.tensor([3.0, 4.0]), torch.tensor([-2.0])])]
        [5.0, 2.0]
    """
    kinds = {(tensor.device, tensor.dtype) for tensor in tensors}
    if len(kinds) == 1:
        return _alike(tensors, order)
    found: dict[int, Tensor] = {}
    for kind in kinds:
        rows = [i for i, tensor in enumerate(tensors) if (tensor.device, tensor.dtype) == kind]
        found.update(zip(rows, _alike([tensors[i] for i in rows], order), strict=True))
    return [found[i] for i in range(len(tensors))]


def largest(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return max |x| of each tensor, on its device; NaN or infinite exactly if a value is."""
    if any(tensor.is_cpu for tensor in tensors):  # where this is much faster than a norm
        bounds = [torch.aminmax(tensor) for tensor in tensors]
        return [torch.maximum(-bound.min, bound.max) for bound in bounds]
    return norms(tensors, math.inf)


def norm_without_overflow(tensor: Tensor) -> Tensor:
    """Return the norm in float64, finite if and only if every value is, for a tensor on the CPU.

    Example:
        >>> float(norm_without_overflow(torch.tensor([3 * 2.0**100, 4 * 2.0**100])))
        6.338253001141147e+30
    """
    most = largest([tensor])[0].double()
    if not math.isfinite(most) or most == 0:
        return most
    relative: Tensor = torch.linalg.vector_norm(tensor.double() / most)
    return most * relative


def thinned(tensor: Tensor, most: int) -> Tensor:
    """Return a flat view of every k-th value, at most about `most` of them; all if so few.

    k has no divisor in common with the number of values, so that no row, column or channel is
    favoured.

    Example:
        >>> thinned(torch.arange(10), 5)
        tensor([0, 3, 6, 9])
    """
    flat, count = tensor.reshape(-1), tensor.numel()
    stride = -(-count // most)
    while math.gcd(stride, count) > 1:
        stride += 1
    return flat[::stride] if stride > 1 else flat


def copied(weights: Sequence[Tensor]) -> list[Tensor]:
    """Return copies of some of each tensor's values, for `updates`, at least in float32."""
    return [_wide(thinned(plain(weight), FEW), copy=True) for weight in weights]


def updates(before: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """Return the norm of what changed in the values that `copied` took."""
    return norms(
        [
            _wide(thinned(plain(weight), FEW)) - old
            for old, weight in zip(before, weights, strict=True)
        ]
    )


def log2_counts(tensor: Tensor, scale: Tensor | None = None) -> Tensor:
    """Return how many |values| lie in each bin of powers of two; see `LayerHistograms`.

    Above 2²⁰ values some stand for all, and the counts are scaled up.

    Args:
        tensor: floating, any shape.
        scale: what the values are divided by first.

    Returns:
        float32 (B,) on the tensor's device. NaN counts as infinite.

    Example:
        >>> counts = log2_counts(torch.tensor([0.0, 1.0, -1.5, 2.0]))
        >>> [(i, int(n)) for i, n in enumerate(counts) if n]
        [(0, 1), (41, 2), (42, 1)]
    """
    some = thinned(tensor, MANY)
    if scale is not None:
        some = some / scale
    counts = _by_exponent(some) if some.is_cpu else _by_order(some)
    return counts.float() * (tensor.numel() / some.numel())


def _by_exponent(values: Tensor) -> Tensor:
    """Count by the exponent in the number's bits, piece by piece."""
    found = torch.zeros(256, dtype=torch.int64, device=values.device)
    for piece in torch.split(values, PIECE):
        bits = piece.float().contiguous().view(torch.int32)
        found += torch.bincount((bits >> 23).bitwise_and_(255), minlength=256)
    low, high = EXPONENTS[0] + 127, EXPONENTS[-1] + 127
    ends = found[:low].sum(), found[high:].sum()
    return torch.cat([ends[0].view(1), found[low:high], ends[1].view(1)])


def _by_order(values: Tensor) -> Tensor:
    """Count by sorting, which neither waits nor depends on chance on a GPU."""
    edges = torch.pow(2.0, torch.arange(EXPONENTS[0], EXPONENTS[-1] + 1, device=values.device))
    ordered = values.float().abs().sort().values
    below = torch.searchsorted(ordered, edges)
    first, last = torch.zeros_like(below[:1]), torch.full_like(below[:1], values.numel())
    return torch.diff(torch.cat([first, below, last]))


def _alike(tensors: Sequence[Tensor], order: float) -> list[Tensor]:
    dtype = _at_least_float32(tensors[0].dtype)
    try:
        return list(torch._foreach_norm(list(tensors), order, dtype=dtype))
    except (AttributeError, TypeError, NotImplementedError, RuntimeError):
        return [torch.linalg.vector_norm(tensor, order, dtype=dtype) for tensor in tensors]


def _at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype is torch.float64 else torch.float32


def _wide(tensor: Tensor, copy: bool = False) -> Tensor:
    return tensor.to(_at_least_float32(tensor.dtype), copy=copy)


def _summed(tensor: Tensor) -> Tensor:
    """Return a sparse tensor's values, those of one index added up; the rest are zeros.

    `coalesce` would wait for a GPU to say how many indices there are.
    """
    if tensor.is_coalesced():
        return tensor.values()
    indices, values = tensor._indices(), tensor._values()
    flat = torch.zeros_like(indices[0])
    for row, size in zip(indices, tensor.shape, strict=False):
        flat = flat * size + row
    ordered, order = flat.sort(stable=True)
    is_new = torch.diff(ordered, prepend=ordered[:1]) != 0
    return torch.zeros_like(values).index_add_(0, is_new.cumsum(0), values[order])
