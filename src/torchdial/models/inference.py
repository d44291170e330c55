"""Running a model such that modes, random state and autocast stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from torchdial.accelerator import accelerator_in_use, accelerator_type
from torchdial.inputs.errors import contents, describe, refusal
from torchdial.inputs.probability_maps import to_tensor

Model = Callable[..., Any]
Output = str | int | Callable[[Any], Any] | None
Images = TypeVar("Images", torch.Tensor, torch.Tensor | Sequence[torch.Tensor])
Result = TypeVar("Result")
OutOfMemory = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)  # since torch 2.5


def predict(
    model: Model, images: torch.Tensor, *, output: Output = None, batch_size: int = 8
) -> Iterator[torch.Tensor]:
    """Yield a model's output for each batch of images, on the model's device.

    The model runs in eval mode and without gradients. Between batches and after the last one
    every submodule's mode, the random state and autocast are as they were.

    Args:
        model: any `nn.Module` or callable from (B, C, H, W) to a tensor, dict or tuple.
        images: (N, C, H, W); moved to the device and the floating-point type of the model.
        output: which part of a dict or tuple: a key, an index, or a function of the output.
            None takes a tensor as it is, "out" of a dict that has it, or the only entry.
        batch_size: images at a time, at most.

    Raises:
        ValueError: the output cannot be found, or has another number of images.
        torch.OutOfMemoryError: there is not enough memory for one image at a time.
    """

    def run(batch: torch.Tensor) -> torch.Tensor:
        with undisturbed(model):
            found = pick_output(model(like_parameters(model, batch)), output)
        if found.shape[:1] != batch.shape[:1]:
            raise refusal(
                "the model's output",
                expected=f"{len(batch)} maps for {len(batch)} images",
                got=describe(found),
                remedy="Pass output= to choose the maps.",
            )
        return found

    return by_batches(run, images, batch_size)


def by_batches(
    run: Callable[[Images], Result], images: Images, batch_size: int
) -> Iterator[Result]:
    """Yield the result for one batch of images after the other, smaller where memory runs out.

    Args:
        run: what is called with each batch.
        images: (N, …), or a list.
        batch_size: images at a time, at most; halved each time that they do not fit.

    Raises:
        torch.OutOfMemoryError: one image alone does not fit.

    Example:
        >>> list(by_batches(len, torch.ones(5, 1), batch_size=2))
        [2, 2, 1]
    """
    start = 0
    while start < len(images):
        batch = images[start : start + batch_size]
        try:
            yield run(batch)  # no reference is kept while the next one is computed
            start += len(batch)
            continue
        except OutOfMemory as error:
            if len(batch) == 1:
                raise OutOfMemory(_too_large(error)) from error
            batch_size = len(batch) // 2
        if accelerator_in_use():
            accelerator_in_use().empty_cache()  # cached blocks may be too small


def _too_large(error: Exception) -> str:
    return str(
        refusal(
            "batch_size",
            expected="memory for one image at a time at least",
            got=f"none for it ({error!s:.160})",
            remedy="Pass smaller images, or free memory on the model's device.",
        )
    )


@contextmanager
def undisturbed(model: Model) -> Iterator[None]:
    """Evaluate a model inside; after, modes, random state and autocast are as they were.

    A plain function is called as it stands: only a module, or a method of one, can be put into
    eval mode.
    """
    module = _module_of(model)
    modules = [] if module is None else list(module.modules())
    modes = [module.training for module in modules]
    device = _device_of(model)
    accelerator = accelerator_in_use()
    numbers = range(accelerator.device_count()) if accelerator else ()
    try:
        for module in modules:
            module.training = False  # train(False) may be overridden, and would be hard to undo
        with (
            torch.random.fork_rng(devices=numbers, device_type=accelerator_type()),
            torch.no_grad(),
            _own_autocast_cache(device.type),
        ):
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


@contextmanager
def _own_autocast_cache(device_type: str) -> Iterator[None]:
    """Keep the caller's autocast, but leave no weights cast without gradient in its cache."""
    available = torch.amp.is_autocast_available(device_type)  # the meta device has none
    if not available or not torch.is_autocast_enabled(device_type):
        yield
        return
    dtype = torch.get_autocast_dtype(device_type)
    with torch.autocast(device_type, dtype=dtype, cache_enabled=False):
        yield


def _module_of(model: Model) -> nn.Module | None:
    owner = getattr(model, "__self__", model)  # a bound method belongs to its module
    return owner if isinstance(owner, nn.Module) else None


def _device_of(model: Model) -> torch.device:
    parameter = _first_parameter(model)
    return torch.device("cpu") if parameter is None else parameter.device


def _first_parameter(model: Model) -> torch.Tensor | None:
    module = _module_of(model)
    if module is None:
        return None
    return next((p for p in module.parameters() if p.is_floating_point()), None)


def like_parameters(model: Model, images: torch.Tensor) -> torch.Tensor:
    """Return images on the device of a model, and in its floating-point type."""
    parameter = _first_parameter(model)
    if parameter is None:
        return images
    if not images.is_floating_point():
        return images.to(parameter.device)
    return images.to(parameter.device, parameter.dtype)


def pick_output(result: Any, output: Output = None) -> torch.Tensor:
    """Return the tensor of maps in a model's output; a numpy array becomes a tensor.

    Raises:
        ValueError: nothing is found under `output`, or there is more than one candidate.
    """
    found = result
    if output is not None:
        found = part_of(result, output)
    elif isinstance(result, Mapping) and "out" in result:
        found = result["out"]  # torchvision's segmentation models
    elif isinstance(result, (Mapping, tuple, list)) and len(result) == 1:
        found = next(iter(result.values() if isinstance(result, Mapping) else result))
    if isinstance(found, np.ndarray):
        found = to_tensor("the model's output", found)
    if not isinstance(found, torch.Tensor):
        raise refusal(
            "the model's output",
            expected="a tensor",
            got=contents(found),
            remedy="Pass output= with the key or index of the maps, or a function.",
        )
    return found


def part_of(result: Any, chosen: Output, name: str = "output") -> Any:
    """Return a part of a model's output by key, index or function; all of it for None.

    Raises:
        ValueError: the key or index is not there.
    """
    if chosen is None:
        return result
    if callable(chosen):
        return chosen(result)
    try:
        return result[chosen]
    except Exception:  # a container may raise anything for a missing key
        raise refusal(
            name,
            expected="a key or index of what the model returns",
            got=f"{chosen!r:.60} for {contents(result)}",
            remedy="Choose one of these, or pass a function.",
        ) from None
