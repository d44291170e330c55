"""Which parameters are watched, and what they are called."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from torchdial.inputs.errors import describe, refusal

Chosen = Callable[[str], bool]
FSDP = "_fsdp_wrapped_module"
WRAPPINGS = re.compile(rf"(_orig_mod|{FSDP}|_checkpoint_wrapped_module)\.")


class Parameters:
    """The watched parameters of some models, by name, in the order of the network.

    Neither models nor parameters are kept alive, and no weak reference to a parameter is made:
    it would make torch refuse to swap tensors, as `Module.to` and `load_state_dict` can.
    Parameters of lazy modules are known once they have a shape.

    Args:
        models: by name; a single one is called "".
        chosen: says of a name whether it is watched.
        optimizers: if there are any, only what they step is watched.

    Attributes:
        has_lazy: whether some have no shape yet.
        has_shards: whether some are this process's part of a larger parameter.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
        >>> Parameters({"": net}, chooser(include="1")).names
        ['1.weight', '1.bias']
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        chosen: Chosen,
        optimizers: Sequence[Optimizer] = (),
    ) -> None:
        self._models = {name: weakref.ref(unwrapped(model)) for name, model in models.items()}
        self._optimizers = [weakref.ref(optimizer) for optimizer in optimizers]
        self._chosen = chosen
        self._places: dict[int, Place] = {}
        self._names: list[str] = []
        self._rows: set[str] = set()
        self.has_lazy = self.has_shards = False
        self.renew()

    @property
    def names(self) -> list[str]:
        """Names of those that can be trained, in the order of the network."""
        if self.has_lazy:
            self.renew()
        return self._names

    def renew(self) -> None:
        """Find the parameters again, because there may be new ones."""
        stepped = [(k, o, list(stepped_by(o))) for k, o in self._alive_optimizers()]
        within = {id(tensor) for _, _, tensors in stepped for tensor in tensors}
        found: dict[int, Place] = {}
        watched = []
        self.has_lazy = any(is_lazy(tensor) for _, _, tensors in stepped for tensor in tensors)
        for place, tensor in self._walk():
            if is_lazy(tensor):
                self.has_lazy = True
            elif (not within or id(tensor) in within) and id(tensor) not in found:
                found[id(tensor)] = place
                watched.append((place.name, tensor))
                self.has_shards = self.has_shards or is_shard(tensor)
        for k, optimizer, tensors in stepped:
            for i, tensor in enumerate(tensors):
                if id(tensor) not in found and not is_lazy(tensor):
                    found[id(tensor)] = Place(f"optimizer.{k}.{i}", weakref.ref(optimizer), i)
                    watched.append((found[id(tensor)].name, tensor))
        self._places = found
        self.add([name for name, tensor in watched if self._is_watched(name, tensor)])

    def add(self, names: Sequence[str]) -> None:
        """Add the names that are new, such as those of parameters that are no longer frozen."""
        if not self._rows.issuperset(names):
            self._names = [*self._names, *(name for name in names if name not in self._rows)]
            self._rows.update(names)

    def name(self, tensor: Tensor) -> str | None:
        """Return a watched parameter's name, or None if it is not watched."""
        if is_lazy(tensor):
            return None
        place = self._places.get(id(tensor))
        if place is None or place.tensor() is not tensor:
            self.renew()
            place = self._places.get(id(tensor))
        if place is None or not self._chosen(place.name) or not tensor.numel():
            return None
        return place.name

    def of_models(self) -> Iterator[Tensor]:
        """Go through all parameters of the models that have a shape, watched or not, each once."""
        seen = set()
        for _, tensor in self._walk():
            if id(tensor) not in seen and not is_lazy(tensor):
                seen.add(id(tensor))
                yield tensor

    def _is_watched(self, name: str, tensor: Tensor) -> bool:
        return tensor.requires_grad and self._chosen(name) and tensor.numel() > 0

    def _alive_optimizers(self) -> list[tuple[int, Optimizer]]:
        found = [(k, reference()) for k, reference in enumerate(self._optimizers)]
        return [(k, optimizer) for k, optimizer in found if optimizer is not None]

    def _walk(self) -> Iterator[tuple[Place, Tensor]]:
        for prefix, reference in self._models.items():
            model = reference()
            for path, module in model.named_modules() if model is not None else ():
                for key, tensor in module._parameters.items():
                    if tensor is not None:
                        full = ".".join(part for part in (prefix, path, key) if part)
                        self.has_shards = self.has_shards or FSDP in full
                        yield Place(WRAPPINGS.sub("", full), weakref.ref(module), key), tensor


@dataclass(frozen=True)
class Place:
    """Where a parameter is: in a module under a name, or in an optimizer at an index."""

    name: str
    owner: weakref.ref[Any]
    key: str | int

    def tensor(self) -> Tensor | None:
        """Return the parameter that is there now."""
        owner = self.owner()
        if isinstance(owner, nn.Module):
            return owner._parameters.get(str(self.key))
        if owner is None:
            return None
        return next(islice(stepped_by(owner), int(self.key), None), None)


def is_shard(tensor: Tensor) -> bool:
    """Return whether a parameter is part of a larger one: FSDP2's DTensors, FSDP1's flat ones."""
    return hasattr(tensor, "to_local") or getattr(tensor, "_is_flat_param", False)


def stepped_by(optimizer: Optimizer) -> Iterator[Tensor]:
    """Go through an optimizer's parameters, group by group."""
    for group in optimizer.param_groups:
        yield from group["params"]


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module inside what compiles, copies or spreads it, whose names people know."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(
            model, (nn.DataParallel, nn.parallel.DistributedDataParallel)
        ):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def to_models(model: Any) -> dict[str, nn.Module]:
    """Return the models by name: "" for a single one, "0", "1", … for a list.

    Raises:
        ValueError: Something in there is no module.
    """
    if isinstance(model, nn.Module) and not isinstance(model, (nn.ModuleList, nn.ModuleDict)):
        return {"": model}
    if isinstance(model, (Mapping, nn.ModuleDict)):
        models = {str(name): module for name, module in model.items()}
    elif isinstance(model, (list, tuple, nn.ModuleList)):
        models = {str(i): module for i, module in enumerate(model)}
    else:
        models = {"": model}
    for module in models.values():
        if not isinstance(module, nn.Module):
            raise refusal(
                "model",
                expected="a torch.nn.Module, or a list or dict of them",
                got=describe(module),
                remedy="Pass the module that holds the parameters.",
            )
    return {"": next(iter(models.values()))} if len(models) == 1 else models


def to_optimizers(optimizer: Any) -> list[Optimizer]:
    """Return the optimizers that really step, out of whatever wraps them.

    Raises:
        ValueError: Something in there is no optimizer and holds none.
    """
    if optimizer is None:
        return []
    several = isinstance(optimizer, (list, tuple))
    found = [_innermost(one) for one in (optimizer if several else [optimizer])]
    return list(dict.fromkeys(found))


def chooser(include: Any = None, exclude: Any = None) -> Chosen:
    """Return what says of a name whether it is watched.

    Args:
        include: a glob such as "layer4.*.weight" or a module's name, a compiled regular expression
            that is searched for, a callable on the name, or a list of these; None is everything.
        exclude: what is left out of that.

    Raises:
        ValueError: One of them is something else.
    """
    wanted, unwanted = _tests("include", include), _tests("exclude", exclude)
    known: dict[str, bool] = {}

    def chosen(name: str) -> bool:
        if name not in known:
            is_in = include is None or any(test(name) for test in wanted)
            known[name] = is_in and not any(test(name) for test in unwanted)
        return known[name]

    return chosen


def _innermost(optimizer: Any) -> Optimizer:
    inner = getattr(optimizer, "optimizer", None)
    while inner is not None and inner is not optimizer:
        optimizer, inner = inner, getattr(inner, "optimizer", None)
    if isinstance(optimizer, Optimizer):
        return optimizer
    raise refusal(
        "optimizer",
        expected="a torch.optim.Optimizer, or something that holds one as `.optimizer`",
        got=describe(optimizer),
        remedy="Pass the optimizer inside it, or pass none and call monitor.record_gradients() "
        "before each of its steps.",
    )


def _tests(argument: str, patterns: Any) -> list[Chosen]:
    if patterns is None:
        return []
    if not isinstance(patterns, (list, tuple, set)):
        patterns = [patterns]
    return [_test(argument, pattern) for pattern in patterns]


def _test(argument: str, pattern: Any) -> Chosen:
    if isinstance(pattern, str):
        return lambda name: fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
    if isinstance(pattern, re.Pattern):
        return lambda name: pattern.search(name) is not None
    if callable(pattern):
        return lambda name: bool(pattern(name))
    raise refusal(
        argument,
        expected="a glob, a compiled regular expression, a callable, or a list of these",
        got=describe(pattern),
        remedy='Use for instance include="layer4.*".',
    )
