"""What torch keeps for each thread: grad mode, autocast, devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import torch

from torchdial.accelerator import accelerator_in_use, accelerator_type

Result = TypeVar("Result")


class ThreadState:
    """Torch's settings of the thread that makes it, for use in another thread.

    Grad mode, inference mode, autocast, the default device and the accelerator's current one.

    Example:
        >>> with torch.no_grad():
        ...     state = ThreadState()
        >>> state.around(torch.is_grad_enabled)()
        False
    """

    def __init__(self) -> None:
        self._grad = torch.is_grad_enabled()
        self._inference = torch.is_inference_mode_enabled()
        self._cache = torch.is_autocast_cache_enabled()
        self._autocast = {
            kind: (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
            for kind in ("cpu", accelerator_type())
            if torch.amp.is_autocast_available(kind)
        }
        self._device = torch.get_default_device()
        self._accelerator = accelerator_in_use()
        self._number = self._accelerator.current_device() if self._accelerator else None

    def around(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Return a function that calls `work` with these settings and restores those it found."""

        def surrounded() -> Result:
            with self._entered():
                return work()

        return surrounded

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self._accelerator:
                stack.enter_context(self._accelerator.device(self._number))
            if self._device != torch.get_default_device():
                stack.enter_context(self._device)
            stack.enter_context(torch.inference_mode(self._inference))
            stack.enter_context(torch.set_grad_enabled(self._grad))
            for kind, (is_enabled, dtype) in self._autocast.items():
                if is_enabled or torch.is_autocast_enabled(kind):
                    stack.enter_context(
                        torch.autocast(kind, dtype, is_enabled, cache_enabled=self._cache)
                    )
            yield
