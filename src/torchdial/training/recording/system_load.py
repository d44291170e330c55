"""How busy the run's devices are, and how much memory is in use."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch

from torchdial.accelerator import module_of


class SystemLoad:
    """Measures this process, and GPUs through NVML where that is installed.

    Nothing here waits for a device: NVML asks the driver. torch's own functions ask it, so
    `nvidia-ml-py` is all that is needed, and GPUs are counted as CUDA_VISIBLE_DEVICES has it.

    Args:
        devices: where the parameters are.
    """

    def __init__(self, devices: Iterable[torch.device]) -> None:
        found = sorted(set(devices), key=str)
        self._gpus = [device for device in found if device.type == "cuda"]  # the ones NVML knows
        self._allocating = [d for d in found if hasattr(module_of(d), "memory_allocated")]
        self._psutil = _imported("psutil")
        self._last = time.perf_counter(), time.process_time()

    def readings(self) -> dict[str, float]:
        """Return what is known now, by name: a GPU's share of 1, busy processors, and bytes."""
        found = {
            "system/memory": self._memory(),
            "system/cpu": self._cpu(),
            "system/gpu": self._of_gpus(torch.cuda.utilization, 0.01 / max(len(self._gpus), 1)),
            "system/gpu_memory": self._of_gpus(getattr(torch.cuda, "device_memory_used", None)),
            "system/gpu_memory_total": self._of_gpus(_total_memory),
        }
        return {name: float(value) for name, value in found.items() if value is not None}

    def _of_gpus(self, ask: Callable[[torch.device], float] | None, unit: float = 1.0) -> Any:
        """Return the sum over the GPUs in a unit; None without GPUs, NVML or such a function."""
        if ask is None or not self._gpus:
            return None
        try:
            return sum(ask(gpu) for gpu in self._gpus) * unit
        except Exception:  # of NVML, if it is not installed or the driver refuses
            return None

    def _cpu(self) -> float | None:
        """Return how many processors this process has kept busy since the last call."""
        now, busy = time.perf_counter(), time.process_time()
        (then, before), self._last = self._last, (now, busy)
        return (busy - before) / (now - then) if now > then else None

    def _memory(self) -> float | None:
        """Return the bytes that tensors take on accelerators, or else this process."""
        if self._allocating:
            return float(sum(module_of(d).memory_allocated(d) for d in self._allocating))
        if self._psutil is not None:
            return float(self._psutil.Process().memory_info().rss)
        return _resident_bytes() if sys.platform == "linux" else None


def _total_memory(gpu: torch.device) -> float:
    return float(torch.cuda.get_device_properties(gpu).total_memory)


def _resident_bytes() -> float:
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return float(pages * resource.getpagesize())


def _imported(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        return None
