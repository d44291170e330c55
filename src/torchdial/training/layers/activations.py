"""The share of near-zero values in what each module returns, sampled during training."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torchdial.structure.example_arguments import tensors_in
from torchdial.structure.module_rows import walk
from torchdial.training.history.arrival import is_capturing
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.recording.device_buffers import (
    Number,
    Recorder,
    is_ready,
    to_number,
)
from torchdial.training.recording.gradient_statistics import MANY, plain, thinned

NEAR_ZERO = 1e-3
"""A value is near zero if it is at most this fraction of its tensor's root mean square."""
SAMPLING_SECONDS = 1.0  # between two samples, at least
SAMPLING_SHARE = 0.01  # of the time may go into sampling


def near_zero(tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the share of values that are near zero, of all tensors together.

    Near zero is |a| ≤ 10⁻³ × the root mean square of its tensor; so exact zeros always are. Above
    2²⁰ values a part stands for all.

    Args:
        tensors: any; only floating ones with values, on the first one's device, are looked at.

    Returns:
        float32 () in [0, 1] on the tensors' device, NaN where a value is not finite; None if there
        is nothing to look at.

    Example:
        >>> near_zero([torch.tensor([0.0, 1e-4, 1.0, -1.0])])
        tensor(0.5000)
    """
    found = [plain(t.detach()) for t in tensors]
    found = [t for t in found if t.is_floating_point() and t.numel() and not t.is_meta]
    found = [t for t in found if t.device == found[0].device]
    if not found:
        return None
    total = sum(t.numel() for t in found)
    parts = [_share(thinned(t, MANY)) * (t.numel() / total) for t in found]
    together: Tensor = torch.stack(parts).sum()
    return together


def _share(values: Tensor) -> Tensor:
    size = values.float().abs()
    rms = torch.linalg.vector_norm(size) / size.numel() ** 0.5
    share: Tensor = (size <= NEAR_ZERO * rms).float().mean() + 0 * rms  # 0 × NaN is NaN
    return share


@dataclass(frozen=True)
class _Look:
    module: int
    share: Number

    def ready(self) -> bool:
        return is_ready(self.share)


class Activations:
    """Samples what each module returns, at one call in a while.

    In between there are no hooks: `collect` puts them in, at most once a second and so that
    looking takes at most 1 % of the time, and each takes itself away at its module's first call.
    Nothing is looked at in compiled modules, while something is traced or a CUDA graph is
    captured. Copies and pickles of the model know nothing of the hooks.

    Args:
        model: its rows are those of `module_rows`; not kept alive.
        on_problem: is given the traceback of an error in here.
        on_spent: is given the seconds of each look, in the thread that the module runs in.
        clock: seconds that only grow.

    Attributes:
        matrix: modules × looks, rows by path: the shares. A module that did not run has no value.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> watch = Activations(model)
        >>> _ = model(-torch.ones(1, 2)), watch.collect(step=1), watch.close()
        >>> watch.matrix.names
        ['', '0', '1']
    """

    def __init__(
        self,
        model: nn.Module,
        on_problem: Callable[[str], object] = lambda _: None,
        on_spent: Callable[[float], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        compiled = _compiled(model)
        rows: dict[int, list[int]] = {}
        modules: dict[int, nn.Module] = {}
        paths = []
        for row, (path, _, module) in enumerate(walk(model)):
            paths.append(path)
            if id(module) not in compiled:
                rows.setdefault(id(module), []).append(row)
                modules[id(module)] = module
        self.matrix = LayerMatrix(paths)
        self._rows = list(rows.values())
        self._modules = [weakref.ref(module) for module in modules.values()]
        self._on_problem, self._on_spent = on_problem, on_spent
        self._clock = clock
        self._recorder: Recorder[_Look] = Recorder()
        self._handles: dict[int, Any] = {}
        self._found: dict[int, float] = {}
        self._spent = 0.0
        self._next = float("-inf")
        self._is_closed = False
        self._lock = threading.Lock()  # held while hooks are added or removed
        self._arm()

    def collect(self, step: int) -> None:
        """Take the sample as a column at `step`, and begin the next one when it is due.

        Called from any one thread; waits for nothing.
        """
        for look in self._recorder.take():
            self._found[look.module] = to_number(look.share)
        is_time = self._clock() >= self._next
        if self._found and (is_time or not self._handles):
            values = {row: v for i, v in self._found.items() for row in self._rows[i]}
            self.matrix.append(step, list(values.values()), np.array(list(values), np.int64))
            self._found = {}
        if is_time:
            self._arm()

    def rest(self) -> None:
        """Remove the hooks until `collect` begins the next sample."""
        with self._lock:
            for i in list(self._handles):
                self._disarm(i)

    def close(self) -> None:
        """Remove the hooks for good; the columns stay."""
        self._is_closed = True
        self.rest()

    def _arm(self) -> None:
        self._next = self._clock() + max(SAMPLING_SECONDS, self._spent / SAMPLING_SHARE)
        self._spent = 0.0
        with self._lock:
            for i, reference in enumerate(self._modules):
                module = reference()
                if not self._is_closed and module is not None and i not in self._handles:
                    self._handles[i] = module.register_forward_hook(_Hook(self, i))

    def _disarm(self, i: int) -> None:
        handle = self._handles.pop(i, None)
        if handle is not None:
            handle.remove()

    def look(self, i: int, output: Any) -> None:
        """Add what a module returned; called by its hook, raises nothing."""
        began = time.perf_counter()
        try:
            jit: Any = torch.jit
            if jit.is_tracing() or is_capturing():
                return
            self._disarm(i)
            with torch.no_grad():
                share = near_zero(list(tensors_in(output)))
            if share is not None:
                self._recorder.add(_Look(i, self._recorder.number(share)))
                self._recorder.send()
        except Exception:
            self._on_problem(traceback.format_exc())
        seconds = time.perf_counter() - began
        self._spent += seconds
        self._on_spent(seconds)


class _Hook:
    """A forward hook whose copies and pickles do nothing, and load without torchdial."""

    def __init__(self, watch: Activations, i: int) -> None:
        self._watch = weakref.ref(watch)
        self._i = i

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> None:
        if torch.compiler.is_compiling():
            return
        watch = self._watch()
        if watch is not None:
            watch.look(self._i, output)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (contextlib.nullcontext(), "__exit__")


def _compiled(model: nn.Module) -> set[int]:
    """Return the ids of the modules inside compiled ones, whose hooks would not run."""
    return {
        id(part)
        for module in model.modules()
        if "_orig_mod" in module._modules
        or getattr(module, "_compiled_call_impl", None) is not None
        or isinstance(module, torch.jit.ScriptModule)
        for part in module.modules()
    }
