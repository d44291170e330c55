"""The gradients that a model holds at this moment."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torchdial.inputs.errors import refusal
from torchdial.training.history.history import History
from torchdial.training.history.layer_histograms import EXPONENTS


def gradients_now(model: nn.Module, history: History | None = None) -> History:
    """Return a history of one step more with each gradient's norm, largest value and histogram.

    Args:
        model: its parameters' `grad` are read, nothing is changed. Parameters without one are left
            out.
        history: where to add a step; None makes a new one.

    Raises:
        ValueError: no parameter has a gradient.

    Example:
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> model(torch.tensor([[3.0, 4.0]])).backward()
        >>> gradients_now(model).layers["grad_norm"].max
        array([[5.]], dtype=float32)
    """
    found = {
        name: _dense(parameter.grad)
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    if not found:
        raise refusal(
            "model",
            expected="a model whose parameters hold gradients",
            got="none with a gradient",
            remedy="Call loss.backward() first, and plot before zero_grad().",
        )
    history = History("gradients now") if history is None else history
    matrix = history.layers.get("grad_norm")
    step = 0 if matrix is None else int(matrix.steps[-1]) + 1
    names = list(found)
    sizes = [grad.abs() for grad in found.values()]
    norms = torch.stack([size.square().sum().sqrt().cpu() for size in sizes])
    largest = torch.stack([_largest(size) for size in sizes])
    history.record(step, {"grad_norm": float(norms.square().sum().sqrt())})
    history.record_layers("grad_norm", names, step, norms.numpy())
    history.record_layers("grad_max", names, step, largest.numpy())
    history.record_histograms(names, step, torch.stack([_counts(size) for size in sizes]).numpy())
    return history


def _dense(grad: Tensor) -> Tensor:
    grad = grad.detach()
    return (grad.coalesce().values() if grad.is_sparse else grad).float()


def _largest(size: Tensor) -> Tensor:
    return size.max().cpu() if size.numel() else torch.zeros(())


def _counts(size: Tensor) -> Tensor:
    """Return how many values lie in each bin, int64 (B,); what is not a number is in the last."""
    edges = torch.tensor([2.0**e for e in EXPONENTS], device=size.device)
    bins = torch.bucketize(size.flatten(), edges, right=True)
    return torch.bincount(bins.cpu(), minlength=len(EXPONENTS) + 1)
