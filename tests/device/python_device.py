"""A device made in Python, `torch.device("pydevice")`, with the rules of an accelerator.

It computes on the CPU, but as on CUDA an operation refuses tensors of two devices, and everything
that would make a program wait for the device is noted, for each thread. Once in a process it stays,
so its tests run in a process of their own.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_map

NAME = "pydevice"
# What needs to know values before it can go on; nonzero's result has as many rows as there are.
WAITING = {
    "_local_scalar_dense",
    "bincount",
    "equal",
    "is_nonzero",
    "masked_select",
    "nonzero",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
}
INDEXING = {"index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_"}
COPIES = {"copy_", "_to_copy", "_copy_from"}

_waits: defaultdict[int, list[str]] = defaultdict(list)


@contextmanager
def waits() -> Iterator[list[str]]:
    """Yield what makes this thread wait for the device within the block, by name."""
    noted = _waits[threading.get_ident()]
    start, found = len(noted), list[str]()
    yield found
    found.extend(noted[start:])


class DeviceTensor(torch.Tensor):
    """A tensor of the device; its values are in a CPU tensor beside it."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> DeviceTensor:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=torch.device(NAME, 0),
        )

    def __init__(self, values: torch.Tensor) -> None:
        self.held = values

    def tolist(self) -> Any:
        return self.cpu().tolist()

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


def run(func: Any, args: Any, kwargs: Any) -> Any:
    """Run an operation as the device would."""
    name = func.overloadpacket.__name__
    target = kwargs.get("device")
    leaves = torch.utils._pytree.tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    if name in COPIES:
        _note_copy(name, args, kwargs)
    else:
        _refuse_two_devices(func, _without_indices(name, args, tensors))
        _note_wait(name, args)
    to_device = any(isinstance(t, DeviceTensor) for t in tensors)
    if name == "copy_":
        to_device = isinstance(args[0], DeviceTensor)
    elif target is not None:
        to_device = torch.device(target).type == NAME
    inner = {k: "cpu" if k == "device" and v is not None else v for k, v in kwargs.items()}
    inner.pop("pin_memory", None)
    result = func(*tree_map(_values, args), **tree_map(_values, inner))
    if _writes(func):
        return _written(func, args, kwargs, result)
    return tree_map(lambda out: _wrapped(out) if to_device else out, result)


def _values(leaf: Any) -> Any:
    return leaf.held if isinstance(leaf, DeviceTensor) else leaf


def _wrapped(out: Any) -> Any:
    return DeviceTensor(out) if isinstance(out, torch.Tensor) else out


def _writes(func: Any) -> bool:
    return any(a.alias_info and a.alias_info.is_write for a in func._schema.arguments)


def _written(func: Any, args: Any, kwargs: Any, result: Any) -> Any:
    """Return the arguments themselves that an operation wrote to and returns."""
    given = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
    written = [
        given[a.name]
        for a in func._schema.arguments
        if a.alias_info and a.alias_info.is_write and a.name in given
    ]
    if not func._schema.returns:
        return None
    returned = func._schema.returns[0].alias_info
    if returned and returned.is_write:
        return written[0] if len(func._schema.returns) == 1 else tuple(written)
    return tree_map(_wrapped, result)


def _without_indices(name: str, args: Any, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """As on CUDA: indices may lie on the CPU, and are copied."""
    if name not in INDEXING:
        return tensors
    indices = {id(i) for i in args[1] if i is not None and not isinstance(i, DeviceTensor)}
    if indices:
        _note("copy to the device")
    return [tensor for tensor in tensors if id(tensor) not in indices]


def _refuse_two_devices(func: Any, tensors: list[torch.Tensor]) -> None:
    """As on CUDA: only a single number may lie on the CPU."""
    on_device = [isinstance(t, DeviceTensor) for t in tensors]
    others = [t for t in tensors if not isinstance(t, DeviceTensor) and t.ndim > 0]
    if any(on_device) and others:
        raise RuntimeError(
            f"{func}: Expected all tensors to be on the same device, but found at least two "
            f"devices, {NAME}:0 and cpu!"
        )


def _note_copy(name: str, args: Any, kwargs: Any) -> None:
    source = args[1] if name == "copy_" else args[0]
    target = (
        isinstance(args[0], DeviceTensor)
        if name == "copy_"
        else torch.device(kwargs.get("device") or source.device).type == NAME
    )
    non_blocking = kwargs.get("non_blocking", False) or (name == "copy_" and True in args[2:])
    if isinstance(source, DeviceTensor) != target and not non_blocking:
        _note("copy to the device" if target else "copy to the host")


def _note_wait(name: str, args: Any) -> None:
    if name in WAITING or (name == "repeat_interleave" and not isinstance(args[-1], int)):
        _note(name)
    if name in INDEXING:
        masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
        # one number for all of a mask is filled in, without the places of the mask
        filled = len(args) > 2 and args[2].numel() == 1
        if masks and not filled:
            _note(name)


def _note(name: str) -> None:
    _waits[threading.get_ident()].append(name)


class _Module:
    """What torch asks of `torch.pydevice`."""

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        pass

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.bfloat16]

    @staticmethod
    def synchronize(device: Any = None) -> None:
        _note("synchronize")


def set_up() -> bool:
    """Register the device, with kernels for what has none of its tensors among its arguments.

    Returns:
        Whether this torch can.
    """
    register = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if register is None:
        return False
    register(NAME, backend_module=_Module())
    library = torch.library.Library("_", "IMPL")

    def fallback(func: Any, *args: Any, **kwargs: Any) -> Any:
        return run(func, args, kwargs)

    library.fallback(fallback, "PrivateUse1")
    aten = torch.library.Library("aten", "IMPL")
    for name in ("copy_", "_to_copy", "empty.memory_format", "empty_strided"):
        packet, _, overload = name.partition(".")
        func = getattr(getattr(torch.ops.aten, packet), overload or "default")

        def kernel(*args: Any, _func: Any = func, **kwargs: Any) -> Any:
            return run(_func, args, kwargs)

        aten.impl(name, kernel, "PrivateUse1")
    _libraries.extend([library, aten])
    return True


_libraries: list[torch.library.Library] = []  # what they register ends with them
