"""The arguments that an example input stands for, and the tensors in them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn


def arguments_for(model: nn.Module, example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword arguments that an example stands for."""
    takes = _signature(model)
    if isinstance(example, Mapping):
        if all(isinstance(key, str) for key in example) and _binds(takes, (), dict(example)):
            return (), dict(example)
        return (example,), {}
    if isinstance(example, (tuple, list)):
        if _binds(takes, tuple(example), {}):
            return tuple(example), {}
        return arguments_for(model, example[0]) if example else ((), {})
    return (example,), {}


def _signature(model: nn.Module) -> inspect.Signature | None:
    try:
        return inspect.signature(model.forward)
    except (TypeError, ValueError):
        return None


def _binds(takes: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if takes is None:
        return True
    try:
        takes.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def like_parameters_of(model: nn.Module, value: Any) -> Any:
    """Return arguments on the model's device, floating-point tensors in its dtype."""
    first = next((p for p in model.parameters() if p.is_floating_point()), None)
    if first is None:
        return value

    def move(tensor: torch.Tensor) -> torch.Tensor:
        device = tensor.device if tensor.is_meta else first.device  # no values to move
        return tensor.to(device, first.dtype if tensor.is_floating_point() else None)

    return _map_tensors(value, move)


def _map_tensors(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_tensors(part, change) for key, part in value.items()}
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_map_tensors(part, change) for part in value)
    return value


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested tuples, lists, dicts and dataclass-like objects, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors_in(getattr(value, name, None))
