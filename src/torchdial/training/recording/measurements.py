"""Numbers of one moment: values a user logs, learning rates, the scale of mixed precision."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_value
from torchdial.training.history.measured_names import AMP_SCALE, LEARNING_RATE
from torchdial.training.recording.device_buffers import Number, Recorder

SCALAR_REMEDY = "Log one number, for instance its mean."


def logged_number(name: str, value: Any, recorder: Recorder[Any]) -> Number:
    """Return a logged value as a number, maybe one that is still on its device.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, Tensor):
        return to_value(name, value, remedy=SCALAR_REMEDY)
    if value.numel() != 1 or value.is_meta or value.is_complex():
        raise refusal(
            name,
            expected="a number, or a real tensor of one element that has values",
            got=describe(value),
            remedy=SCALAR_REMEDY,
        )
    return recorder.number(value)


def learning_rates(
    optimizer: Optimizer, index: int | None, recorder: Recorder[Any]
) -> dict[str, Number]:
    """Return the learning rates of an optimizer's parameter groups.

    They are "optim/lr" for the first group, and with the group's `name`, or else its index, behind
    that: "optim/lr/head", "optim/lr/1". Groups that are added change no name.

    Args:
        optimizer: the optimizer.
        index: which of several it is: "optim/lr/0", "optim/lr/0/head"; None if it is the only one.
        recorder: carries the numbers.
    """
    prefix = LEARNING_RATE if index is None else f"{LEARNING_RATE}/{index}"
    rates: dict[str, Number] = {}
    for k, group in enumerate(optimizer.param_groups):
        rate, suffix = group.get("lr"), group.get("name", k or None)
        if rate is None:
            continue
        name = prefix if suffix is None else f"{prefix}/{suffix}"
        name = f"{name}/{k}" if name in rates else name
        rates[name] = recorder.number(rate) if isinstance(rate, Tensor) else float(rate)
    return rates


def amp_scale(scaler: Any, recorder: Recorder[Any]) -> dict[str, Number]:
    """Return a GradScaler's scale, without waiting for it as `get_scale` does."""
    scale = getattr(scaler, "_scale", None)
    return {AMP_SCALE: recorder.number(scale)} if isinstance(scale, Tensor) else {}
