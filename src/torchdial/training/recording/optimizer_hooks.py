"""Hooks around each step of some optimizers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

from torchdial.training.recording.watched_parameters import stepped_by

Function = TypeVar("Function", bound=Callable[..., Any])


def untraced(function: Function) -> Function:
    """Return a function that a compiled step calls and does not trace, so its graphs stay."""
    disable: Any = torch.compiler.disable
    called: Function = disable(function)
    return called


class Hooks:
    """Calls back around each step of some optimizers, until it is removed.

    An optimizer holds a weak reference of it, so that neither keeps the other alive; pickles and
    copies of the optimizer do nothing.

    Args:
        optimizers: the optimizers, already out of their wrappings.
        target: its `before_step(index, optimizer, args, kwargs)` may return other arguments, its
            `after_step(index, optimizer)` nothing.
    """

    def __init__(self, optimizers: Sequence[Optimizer], target: Any) -> None:
        self._handles = []
        reference = weakref.ref(target)
        for index, optimizer in enumerate(optimizers):
            before, after = _pair(reference, index)
            self._handles += [
                optimizer.register_step_pre_hook(untraced(before)),
                optimizer.register_step_post_hook(untraced(after)),
            ]

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _pair(reference: weakref.ref[Any], index: int) -> tuple[Any, Any]:
    def before(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = reference()
        return None if target is None else target.before_step(index, optimizer, args, kwargs)

    def after(optimizer: Optimizer, *_: Any) -> None:
        target = reference()
        if target is not None:
            target.after_step(index, optimizer)

    return before, after


def shares_parameters(optimizers: Sequence[Optimizer]) -> bool:
    """Return whether a parameter is stepped by two optimizers."""
    ids = [id(p) for optimizer in optimizers for p in stepped_by(optimizer)]
    return len(set(ids)) < len(ids)


def with_closure(
    args: tuple[Any, ...], kwargs: dict[str, Any], closure: Callable[[], Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a step's arguments with another closure."""
    if "closure" in kwargs:
        return args, {**kwargs, "closure": closure}
    return (args[0], closure, *args[2:]), kwargs
