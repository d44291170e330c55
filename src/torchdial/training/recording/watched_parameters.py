"""Which parameters are watched, and what they are called."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.utils.weak import WeakTensorKeyDictionary

from torchdial.inputs.errors import describe, refusal

Chosen = Callable[[str], bool]
WRAPPINGS = re.compile(r"(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")


class Parameters:
    """The watched parameters of some models, by name, in the order of the network.

    Neither models nor parameters are kept alive.

    Args:
        models: by name; a single one is called "".
        chosen: says of a name whether it is watched.
        optimizers: if there are any, only what they step is watched.

    Attributes:
        names: of those that can be trained, in the order of the network.

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
        self._known: Any = WeakTensorKeyDictionary()
        self.names: list[str] = []
        self._rows: set[str] = set()
        self.renew()

    def renew(self) -> None:
        """Look again, because there are new parameters."""
        stepped = [list(stepped_by(o)) for o in self._alive(self._optimizers)]
        within = {id(tensor) for tensors in stepped for tensor in tensors}
        for name, tensor in self._named():
            if not within or id(tensor) in within:
                self._known[tensor] = name
        for k, tensors in enumerate(stepped):
            for i, tensor in enumerate(tensors):
                if tensor not in self._known:
                    self._known[tensor] = f"optimizer.{k}.{i}"
        watched = [
            name
            for tensor, name in self._known.items()
            if tensor.requires_grad and self._chosen(name) and tensor.numel()
        ]
        self.add(watched)

    def add(self, names: Sequence[str]) -> None:
        """Add the names that are new, such as those of parameters that are no longer frozen."""
        if not self._rows.issuperset(names):
            self.names = [*self.names, *(name for name in names if name not in self._rows)]
            self._rows.update(names)

    def name(self, tensor: Tensor) -> str | None:
        """Return a watched parameter's name, or None if it is not watched."""
        name = self._known.get(tensor)
        if name is None:
            self.renew()
            name = self._known.get(tensor)
        return name if name is not None and self._chosen(name) and tensor.numel() else None

    def of_models(self) -> Iterator[Tensor]:
        """Go through all parameters of the models, watched or not."""
        return (tensor for _, tensor in self._named())

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for prefix, reference in self._models.items():
            model = reference()
            for name, tensor in model.named_parameters() if model is not None else ():
                if not is_lazy(tensor):
                    name = WRAPPINGS.sub("", name)
                    yield (f"{prefix}.{name}" if prefix else name), tensor

    @staticmethod
    def _alive(references: Sequence[weakref.ref[Optimizer]]) -> Iterator[Optimizer]:
        for reference in references:
            optimizer = reference()
            if optimizer is not None:
                yield optimizer


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
                remedy="Hand in what holds the parameters.",
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
        remedy="Hand in the optimizer inside, or none and call monitor.record_gradients() "
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
