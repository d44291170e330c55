"""The accelerator that torch uses on this computer, of whatever kind: CUDA, XPU, MPS or another."""

from __future__ import annotations

from typing import Any

import torch

# Before torch 2.7 its question for an accelerator kept a process from forking.
IS_ASKED = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 7)


def accelerator_type() -> str:
    """Return its kind as in `torch.device`, "cuda" where there is none."""
    if not IS_ASKED:
        return "cuda"
    found = torch.accelerator.current_accelerator()
    return "cuda" if found is None else found.type


def module_of(device: torch.device) -> Any:
    """Return torch's module for a kind of device, such as `torch.cuda`; None if it has none."""
    return getattr(torch, device.type, None)


def accelerator_module() -> Any:
    """Return torch's module for the accelerator, such as `torch.cuda`."""
    return module_of(torch.device(accelerator_type()))


def accelerator_count() -> int:
    """Return how many accelerators there are, without initialising them."""
    return int(accelerator_module().device_count())


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what was asked of it."""
    if IS_ASKED:
        torch.accelerator.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    else:
        module_of(device).synchronize(device)


def accelerator_in_use() -> Any:
    """Return torch's module for the accelerator, None before it is initialised.

    It is not initialised here: the process could then no longer fork workers that use it. MPS has
    a single device and no such state, and counts as not in use.
    """
    module = accelerator_module()
    return module if getattr(module, "is_initialized", bool)() else None
