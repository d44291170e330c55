"""One forward pass watched from outside: shapes, FLOPs, memory and time of every module."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import is_lazy
from torch.utils.hooks import RemovableHandle

from torchdial.accelerator import synchronise
from torchdial.models.between_steps import between_steps
from torchdial.models.inference import undisturbed
from torchdial.structure.example_arguments import arguments_for, like_parameters_of, tensors_in
from torchdial.structure.flop_counter import FlopCounter
from torchdial.structure.module_rows import children_of, refuse_no_module, uncompiled, walk

Shapes = tuple[tuple[int, ...], ...]


@dataclass
class ModuleUse:
    """What one module did in a forward pass, over all its calls.

    Attributes:
        calls: how often it ran.
        inputs: shapes of the tensors it was given, at the last call.
        outputs: shapes of the tensors it returned, at the last call.
        output_bytes: memory of what it returned, all calls together.
        flops: floating-point operations inside it, a multiply-add as two, as
            `torch.utils.flop_counter` counts them: matrix products, convolutions, attention.
        seconds: time inside it, modules below included; None if it was not measured.
    """

    calls: int = 0
    inputs: Shapes = ()
    outputs: Shapes = ()
    output_bytes: int = 0
    flops: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class ForwardFailure:
    """Where a forward pass broke.

    Attributes:
        path: of the innermost module that had begun and not ended.
        message: type and text of the error.
        inputs: shapes of the tensors that this module was given.
    """

    path: str
    message: str
    inputs: Shapes


@dataclass(frozen=True)
class ForwardPass:
    """What was seen of a forward pass.

    Attributes:
        uses: by path of the module, those that ran. Inside a scripted module only the module
            itself can be observed.
        failure: where it broke, None if it came through.
        uncounted: operations that ran and have no formula in `torch.utils.flop_counter`: products
            such as "aten._grouped_mm", and all that are not of torch's own "aten".
    """

    uses: dict[str, ModuleUse] = field(default_factory=dict)
    failure: ForwardFailure | None = None
    uncounted: tuple[str, ...] = ()


def watch_forward(model: nn.Module, example_input: Any) -> ForwardPass:
    """Run a model on an example and return what every module did.

    It runs twice, once for shapes and FLOPs and once for time, in eval mode and without gradients;
    after, modes, random state, buffers and hooks are as they were. A model with lazy modules runs
    as a copy, a compiled one as it was before that. An error in it is part of the answer. Where a
    list as several arguments fails, it is passed as one, as torchvision's detectors take images.
    While `monitor.start` trains, it runs between two of the training's steps.

    Args:
        model: any module.
        example_input: a tensor, a tuple or list of arguments, a dict of keyword arguments, or a
            batch of a loader, (inputs, targets), of which the first is taken if the model does not
            take both. Tensors are moved to the model's device, floating-point ones to its dtype.

    Raises:
        TimeoutError: Another thread trains, and none of its steps ended within 2 s.

    Example:
        >>> seen = watch_forward(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.rand(2, 4))
        >>> seen.uses["0"].outputs, seen.uses["0"].flops
        (((2, 8),), 128)
    """
    refuse_no_module(model)
    model = uncompiled(model)
    if any(is_lazy(p) for p in model.parameters()):
        model = copy.deepcopy(model)
    try:
        args, kwargs = arguments_for(model, example_input)
        args, kwargs = like_parameters_of(model, args), like_parameters_of(model, kwargs)
    except Exception as error:
        return ForwardPass(failure=ForwardFailure("", _message(error), ()))
    seen = between_steps(lambda: _watch(model, args, kwargs))
    if seen.failure is not None and isinstance(example_input, list):
        alone = (like_parameters_of(model, example_input),)
        as_one = between_steps(lambda: _watch(model, alone, {}))
        return seen if as_one.failure else as_one
    return seen


def _watch(model: nn.Module, args: Any, kwargs: dict[str, Any]) -> ForwardPass:
    uses: dict[str, ModuleUse] = {}
    shapes = _Shapes(uses)
    with _hooked(model) as hooks:
        failure = _run(model, args, kwargs, hooks, shapes)
        if failure is None:
            _run(model, args, kwargs, hooks, _Times(uses, _synchronise(model)))
    return ForwardPass(uses, failure, tuple(shapes.flops.uncounted))


def _shapes(*values: Any) -> Shapes:
    return tuple(_shape(t) for value in values for t in tensors_in(value))


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    try:
        return tuple(tensor.shape)
    except RuntimeError:  # a nested tensor has none
        return ()


class _Watcher:
    """Records when modules begin and end, and which have begun and not ended."""

    def __init__(self, uses: dict[str, ModuleUse]) -> None:
        self.uses = uses
        self.open: list[tuple[str, Any, Shapes]] = []

    def begin(self, path: str, args: Any, kwargs: Any) -> None:
        self.open.append((path, self.mark(), self.inputs(args, kwargs)))

    def end(self, path: str, output: Any) -> None:
        while self.open:  # a module whose error the model caught has begun and not ended
            opened, mark, inputs = self.open.pop()
            if opened == path:
                self.note(self.uses.setdefault(path, ModuleUse()), mark, inputs, output)
                return

    def mark(self) -> Any:
        """Return what `note` needs from before the module ran."""
        raise NotImplementedError

    def inputs(self, args: Any, kwargs: Any) -> Shapes:
        """Return the shapes of what a module is given."""
        return _shapes(args, kwargs)

    def note(self, use: ModuleUse, mark: Any, inputs: Shapes, output: Any) -> None:
        """Add one call to what is known of a module."""
        raise NotImplementedError

    def watching(self) -> Any:
        """Return a context in which the model runs."""
        return ExitStack()


class _Shapes(_Watcher):
    def __init__(self, uses: dict[str, ModuleUse]) -> None:
        super().__init__(uses)
        self.flops = FlopCounter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count with fused kernels off: operations inside them are not seen."""
        attention, onednn = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
        try:
            torch.backends.mha.set_fastpath_enabled(False)
            torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
            with (
                torch.backends.cudnn.flags(enabled=False),
                sdpa_kernel(SDPBackend.MATH),
                self.flops,
            ):
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(attention)
            torch.backends.mkldnn.enabled = onednn

    def mark(self) -> int:
        return self.flops.total

    def note(self, use: ModuleUse, mark: int, inputs: Shapes, output: Any) -> None:
        use.calls += 1
        use.inputs, use.outputs = inputs, _shapes(output)
        use.output_bytes += sum(t.numel() * t.element_size() for t in tensors_in(output))
        use.flops += self.flops.total - mark


class _Times(_Watcher):
    def __init__(self, uses: dict[str, ModuleUse], synchronise: Callable[[], None]) -> None:
        super().__init__(uses)
        self._synchronise = synchronise

    def mark(self) -> float:
        self._synchronise()
        return time.perf_counter()

    def inputs(self, args: Any, kwargs: Any) -> Shapes:  # noqa: ARG002
        return ()

    def note(self, use: ModuleUse, mark: float, inputs: Shapes, output: Any) -> None:  # noqa: ARG002
        self._synchronise()
        use.seconds = (use.seconds or 0.0) + time.perf_counter() - mark


class _Hooks:
    """On every module of a model, under its first path, for one watcher after the other."""

    watcher: _Watcher

    def add(self, path: str, module: nn.Module) -> list[RemovableHandle]:
        """Put hooks on a module."""

        def before(_: Any, args: Any, kwargs: Any) -> None:
            self.watcher.begin(path, args, kwargs)

        def after(_: Any, _args: Any, output: Any) -> None:
            self.watcher.end(path, output)

        return [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after),
        ]


def _run(
    model: nn.Module, args: Any, kwargs: dict[str, Any], hooks: _Hooks, watcher: _Watcher
) -> ForwardFailure | None:
    hooks.watcher = watcher
    with ExitStack() as stack:
        stack.enter_context(undisturbed(model))
        stack.enter_context(_buffers_kept(model))
        stack.enter_context(_as_written(model))
        try:
            with watcher.watching():
                _call(model, args, kwargs, watcher)
        except Exception as error:  # a broken forward is part of the answer
            path, _, inputs = (
                watcher.open[-1] if watcher.open else ("", None, _shapes(args, kwargs))
            )
            return ForwardFailure(path, _message(error), inputs)
    return None


def _call(model: nn.Module, args: Any, kwargs: dict[str, Any], watcher: _Watcher) -> None:
    if _takes_hooks(model):
        model(*args, **kwargs)
        return
    watcher.begin("", args, kwargs)
    watcher.end("", model(*args, **kwargs))


def _takes_hooks(module: nn.Module) -> bool:
    """Return whether hooks can be put on a module: not on a scripted one."""
    scripted = isinstance(module, torch.jit.RecursiveScriptModule)  # type: ignore[attr-defined]
    return not scripted or isinstance(module, torch.jit.TopLevelTracedModule)  # type: ignore[attr-defined]


@contextmanager
def _hooked(model: nn.Module) -> Iterator[_Hooks]:
    """Put hooks on every module, once: on thousands that takes as long as to run them."""
    hooks = _Hooks()
    handles: list[RemovableHandle] = []
    seen: set[int] = set()
    try:
        for path, _, module in walk(model):
            if id(module) not in seen and _takes_hooks(module):
                seen.add(id(module))
                handles.extend(hooks.add(path, module))
        yield hooks
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    """Put buffers back that a forward pass changes, or replaces."""
    before = [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None and not is_lazy(buffer)
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, values in before:
                module._buffers[name] = buffer
                if not buffer.is_meta and not torch.equal(buffer, values):
                    buffer.copy_(values)


@contextmanager
def _as_written(model: nn.Module) -> Iterator[None]:
    """Run compiled parts as they were before, so that nothing is compiled."""
    swapped = [
        (module._modules, name, child)
        for module in model.modules()
        for name, child in children_of(module).items()
        if uncompiled(child) is not child and name != "_orig_mod"
    ]
    in_place = [(m, m._compiled_call_impl) for m in model.modules() if m._compiled_call_impl]
    try:
        for children, name, child in swapped:
            children[name] = uncompiled(child)
        for module, _ in in_place:
            module._compiled_call_impl = None
        yield
    finally:
        for children, name, child in swapped:
            children[name] = child
        for module, compiled in in_place:
            module._compiled_call_impl = compiled


def _synchronise(model: nn.Module) -> Callable[[], None]:
    devices = {p.device for p in model.parameters() if not p.is_cpu and not p.is_meta}

    def wait() -> None:
        for device in devices:
            synchronise(device)

    return wait


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
