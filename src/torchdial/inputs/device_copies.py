"""Several tensors copied between a device and the host at once: each copy waits for a GPU."""

from __future__ import annotations

import torch

LARGEST = 1 << 20  # bytes; joining takes memory, and the copy of more takes longer than the wait


def copy_together(device: torch.device | str, *tensors: torch.Tensor) -> list[torch.Tensor]:
    """Return tensors on a device, in one copy of all small ones that lie on another.

    Example:
        >>> copy_together("cpu", torch.tensor([1, 2]), torch.tensor(0.5))
        [tensor([1, 2]), tensor(0.5000)]
    """
    device = torch.device(device)
    away = [t for t in tensors if t.device != device and t.nbytes <= LARGEST]
    if len(away) < 2 or len({tensor.device for tensor in away}) > 1:
        return [tensor.to(device) for tensor in tensors]
    flat = [_to_bytes(tensor) for tensor in away]
    parts = iter(torch.split(torch.cat(flat).to(device), [len(part) for part in flat]))
    return [
        tensor.to(device)
        if tensor.device == device or tensor.nbytes > LARGEST
        else next(parts).clone().view(tensor.dtype).view(tensor.shape)  # cloned to be aligned
        for tensor in tensors
    ]


def _to_bytes(tensor: torch.Tensor) -> torch.Tensor:
    one_row = tensor.reshape(-1).clone(memory_format=torch.contiguous_format)  # of stride 1
    return one_row.view(torch.uint8)
