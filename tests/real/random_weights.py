"""Random weights whose outputs are as spread out as those of a trained model.

As they come, batch norm has statistics of no data, and scores are all alike or all 0 and 1: then
a wrong threshold makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def settle_batch_norm(model: nn.Module, run: Callable[[], Any]) -> None:
    """Re-estimate the statistics of batch norm over what `run` calls the model with."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all calls
        norm.train()
    with torch.no_grad():
        run()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def spread(
    layers: Iterable[nn.Module], run: Callable[[], Any], *, mean: float = 0.0, std: float = 2.0
) -> None:
    """Scale linear and convolution layers so that what they return has a mean and a spread."""
    for layer in layers:
        seen: list[torch.Tensor] = []
        hook = layer.register_forward_hook(lambda _, __, out, seen=seen: seen.append(out.flatten()))
        with torch.no_grad():
            run()
        hook.remove()
        values = torch.cat(seen)
        scale = std / float(values.std())
        with torch.no_grad():
            layer.weight *= scale
            if layer.bias is not None:
                layer.bias *= scale
                layer.bias += mean - float(values.mean()) * scale


class Remembered(nn.Module):
    """A part of a model that runs once; what comes after it runs as often as it is asked."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part
        self._returned: Any = None

    def forward(self, *args: Any) -> Any:
        """Return what came the first time."""
        if self._returned is None:
            self._returned = self.part(*args)
        return self._returned
