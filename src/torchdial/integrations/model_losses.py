"""The losses a model returns while it is trained, to find those that are not finite."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

MOST_WAITING = 1024  # losses kept between two calls of `take_nonfinite`


class ModelLosses:
    """Finds the losses that transformers' Trainer leaves out of its log (`logging_nan_inf_filter`).

    The Trainer waits for each loss before it goes on, so looking at them after it waits for
    nothing. A loss that is computed outside of the model is not seen.

    Args:
        model: returns a mapping with "loss", or a tuple that begins with the loss.

    Example:
        >>> class Squares(nn.Linear):
        ...     def forward(self, x):
        ...         return {"loss": super().forward(x).square().mean()}
        >>> model = Squares(2, 1)
        >>> losses = ModelLosses(model)
        >>> _ = model(torch.tensor([[1.0, 2.0]])), model(torch.tensor([[1.0, float("inf")]]))
        >>> losses.take_nonfinite()
        [inf]
        >>> losses.close()
    """

    def __init__(self, model: nn.Module) -> None:
        self._waiting: deque[Tensor] = deque(maxlen=MOST_WAITING)
        self._finite = self._nonfinite = 0  # since the last `has_only_nonfinite`
        self._hook = model.register_forward_hook(self._keep)

    def take_nonfinite(self) -> list[float]:
        """Return those of the losses since the last call that are NaN or infinite."""
        found = [loss.item() for loss in self._waiting]
        self._waiting.clear()
        nonfinite = [loss for loss in found if not math.isfinite(loss)]
        self._nonfinite += len(nonfinite)
        self._finite += len(found) - len(nonfinite)
        return nonfinite

    def has_only_nonfinite(self) -> bool:
        """Return whether none of the losses since the last call was finite, and one was not."""
        finite, nonfinite = self._finite, self._nonfinite
        self._finite = self._nonfinite = 0
        return nonfinite > 0 and not finite

    def close(self) -> None:
        """Remove the hook from the model."""
        self._hook.remove()

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Mapping):
            loss = output.get("loss")
        else:
            loss = output[0] if isinstance(output, (tuple, list)) and output else None
        if module.training and isinstance(loss, Tensor) and loss.numel() == 1:
            self._waiting.append(loss.detach())
