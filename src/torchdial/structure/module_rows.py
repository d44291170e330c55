"""The rows of the module tree, made without running the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from torchdial.inputs.arguments import of_kind


@dataclass(frozen=True)
class ModuleRow:
    """One module of the tree.

    Attributes:
        path: names from the model down, "layer1.0.conv1"; empty for the model itself.
        depth: 0 for the model itself.
        kind: name of the class.
        arguments: the module's `extra_repr`, on one line.
        own_parameters: numbers in the module's own parameters.
        parameters: numbers in its parameters and those of all modules below, shared ones once.
        trainable: how many of `parameters` take part in training.
        parameter_bytes: memory of `parameters`.
        dtype: of the parameters below, "float32"; "mixed" where they differ, empty without any.
        device: where they lie, "cuda:0"; as `dtype`.
        same_as: path of the first place where this very module stands, if it stands in several.
        shared: own parameters that an earlier module has too, "weight = encoder.weight".
        lazy: whether own parameters have no size before the first forward.
    """

    path: str
    depth: int
    kind: str
    arguments: str
    own_parameters: int
    parameters: int
    trainable: int
    parameter_bytes: int
    dtype: str
    device: str
    same_as: str | None
    shared: tuple[str, ...]
    lazy: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def module_rows(model: nn.Module) -> list[ModuleRow]:
    """Return a row for every module, parents before children, in the order of definition.

    A module that stands in several places has a row in each, and children at the first alone. A
    compiled module counts as the one it was made from.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        >>> [(row.path, row.kind, row.parameters) for row in module_rows(model)]
        [('', 'Sequential', 40), ('0', 'Linear', 40), ('1', 'ReLU', 0)]
    """
    refuse_no_module(model)
    first: dict[int, str] = {}
    owners: dict[int, str] = {}
    rows = []
    places = list(walk(model))
    for (path, depth, module), below in zip(places, _parameters_below(places), strict=True):
        same_as = first.get(id(module))
        first.setdefault(id(module), path)
        rows.append(_row(path, depth, module, below, same_as, owners))
    return rows


def refuse_no_module(model: Any) -> None:
    """Raise ValueError for anything but a module."""
    remedy = "Pass the model itself, not its output or its name."
    of_kind("model", model, nn.Module, expected="a torch.nn.Module", remedy=remedy)


def walk(model: nn.Module) -> Iterator[tuple[str, int, nn.Module]]:
    """Yield path, depth and module; below a module that was seen before it does not go again."""
    seen: set[int] = set()
    waiting = [("", 0, uncompiled(model))]
    while waiting:
        path, depth, module = waiting.pop()
        yield path, depth, module
        if id(module) in seen:
            continue
        seen.add(id(module))
        below = [
            (f"{path}.{name}" if path else name, depth + 1, uncompiled(child))
            for name, child in children_of(module).items()
        ]
        waiting.extend(reversed(below))


def children_of(module: nn.Module) -> dict[str, nn.Module]:
    """Return a module's children by name; a scripted module keeps them in no dict."""
    return {name: child for name, child in module._modules.items() if child is not None}


def uncompiled(module: nn.Module) -> nn.Module:
    """Return the module that `torch.compile` was given, or the module itself."""
    if "_orig_mod" not in module._modules:
        return module
    return children_of(module)["_orig_mod"]


def _row(
    path: str,
    depth: int,
    module: nn.Module,
    below: Sequence[torch.Tensor],
    same_as: str | None,
    owners: dict[int, str],
) -> ModuleRow:
    own = {name: p for name, p in module._parameters.items() if p is not None}
    shared = tuple(f"{n} = {owners[id(p)]}" for n, p in own.items() if id(p) in owners)
    if same_as is None:
        for name, parameter in own.items():
            owners.setdefault(id(parameter), f"{path}.{name}" if path else name)
    sized = [p for p in below if not is_lazy(p)]
    return ModuleRow(
        path=path,
        depth=depth,
        kind=getattr(module, "original_name", type(module).__name__),  # of a scripted module
        arguments=_arguments(module),
        own_parameters=_count(p for p in own.values() if not is_lazy(p)),
        parameters=_count(sized),
        trainable=_count(p for p in sized if p.requires_grad),
        parameter_bytes=sum(p.numel() * p.element_size() for p in sized),
        dtype=_common(p.dtype for p in below).removeprefix("torch."),
        device=_common(p.device for p in below),
        same_as=same_as,
        shared=shared if same_as is None else (),
        lazy=any(is_lazy(p) for p in own.values()),
    )


def _parameters_below(
    places: Sequence[tuple[str, int, nn.Module]],
) -> list[list[torch.Tensor]]:
    """Return for each place the parameters of its module and all modules below, each once."""
    found: list[list[torch.Tensor]] = [[] for _ in places]
    seen: dict[int, int] = {}
    for i, (_, _, module) in enumerate(places):
        seen.setdefault(id(module), i)
    waiting: list[tuple[int, dict[int, torch.Tensor]]] = []  # depths and parameters, from below
    for i in reversed(range(len(places))):
        _, depth, module = places[i]
        parts = [module]
        if seen[id(module)] != i:  # what is below it has places only at the first
            parts = [part for _, _, part in walk(module)]
        own: dict[int, torch.Tensor] = {
            id(p): p for part in parts for p in part._parameters.values() if p is not None
        }
        while waiting and waiting[-1][0] > depth:
            own |= waiting.pop()[1]
        waiting.append((depth, own))
        found[i] = list(own.values())
    return found


def _count(parameters: Iterable[torch.Tensor]) -> int:
    return sum(p.numel() for p in parameters)


def _common(values: Iterable[Any]) -> str:
    different = set(values)
    return "mixed" if len(different) > 1 else str(next(iter(different), ""))


def _arguments(module: nn.Module) -> str:
    try:
        return " ".join(module.extra_repr().split())
    except Exception as error:  # a module's own extra_repr may raise
        return f"extra_repr failed: {type(error).__name__}"
