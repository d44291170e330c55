"""Floating-point operations by the formulas of `torch.utils.flop_counter`."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

# Parts of the names of operations that multiply and add.
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "linear"}
PRODUCTS |= {"matmul", "bilinear", "attention", "convolution", "lstm", "gru", "cdist", "fft"}
PRODUCTS |= {"conv1d", "conv2d", "conv3d"}


class FlopCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """`torch.utils.flop_counter`'s formulas without its book of modules, which costs more."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Leave torch._dynamo alone: to import it takes a second, and nothing here is compiled."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.uncounted: dict[str, None] = {}  # in the order of their first call

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += _flops(formula, args, kwargs, result)
        elif func.namespace != "aten" or _is_product(func._opname):
            self.uncounted[str(func._overloadpacket)] = None
        return result


def _flops(formula: Any, args: Any, kwargs: Any, result: Any) -> int:
    """Apply a formula; torch's wrapper, which looks for tensors in nested lists, takes longer."""
    raw = getattr(formula, "__wrapped__", None)
    if raw is None or isinstance(result, (tuple, list)):
        return int(formula(*args, **kwargs, out_val=result))
    shapes = [_size_of(value) for value in args]
    named = {name: _size_of(value) for name, value in kwargs.items()}
    return int(raw(*shapes, **named, out_shape=_size_of(result)))


def _size_of(value: Any) -> Any:
    return value.shape if isinstance(value, torch.Tensor) else value


def _is_product(name: str) -> bool:
    """Return whether an operation of torch is a matrix product, a convolution or alike."""
    return not PRODUCTS.isdisjoint(name.split("_"))
