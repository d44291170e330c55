"""The threshold sweep as a torchmetrics metric; the one module here that imports torchmetrics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from torchdial.inputs.maps import Task, check_task
from torchdial.inputs.refusal import refusal
from torchdial.inputs.stops import Stops, to_stops
from torchdial.sweeps.counts import Counts, Tally
from torchdial.sweeps.curves import ThresholdCurves
from torchdial.sweeps.thresholds import tally

COUNTS = tuple(field.name for field in fields(Counts))


class ThresholdSweepMetric(Metric):
    """`torchdial.ThresholdSweep` for a `MetricCollection`, for checkpoints and for many processes.

    It counts the same and computes the same `ThresholdCurves`. Its states are the counts of each
    image, concatenated over processes, and for multiclass one table, summed; call `persistent()`
    to have them in checkpoints, as with any metric. Like any metric it keeps them on its own
    device: move it with `.to(device)`.

    Args:
        task: this and the others up to `zero_division` are those of `ThresholdSweep`.
        **kwargs: of `torchmetrics.Metric`, such as `dist_sync_on_step`.

    Raises:
        ValueError: an unknown task, a missing or wrong number of classes, or wrong stops.

    Example:
        >>> from torchdial.sweeps.metrics import ThresholdSweepMetric
        >>> metric = ThresholdSweepMetric()
        >>> metric.update(torch.tensor([[0.2, 0.9]]), torch.tensor([[0, 1]]))
        >>> metric.compute().best("dice")
        (0.54, 1.0)
    """

    is_differentiable = False
    full_state_update = False

    settings: torch.Tensor
    joint: torch.Tensor

    def __init__(
        self,
        task: Task = "binary",
        num_classes: int | None = None,
        thresholds: int | Sequence[float] | torch.Tensor | Stops = 101,
        from_logits: bool = False,
        ignore_index: int | None = None,
        zero_division: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = check_task(task, num_classes)
        self.task: Task = task
        self.stops = to_stops(thresholds)
        self.from_logits = from_logits
        self.ignore_index = ignore_index
        self.zero_division = zero_division
        self.add_state("settings", self._settings(), dist_reduce_fx=_the_same)
        for name in self._list_states():
            self.add_state(name, [], dist_reduce_fx="cat")
        if task == "multiclass":
            shape = (self.num_classes, self.num_classes, len(self.stops) + 1)
            self.add_state("joint", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, preds: Any, target: Any) -> None:
        """Count one batch; see `torchdial.ThresholdSweep.update`.

        Raises:
            ValueError: the batch is refused as a whole; what was counted before is kept.
        """
        batch = tally(
            preds,
            target,
            self.task,
            self.num_classes,
            self.stops,
            from_logits=self.from_logits,
            ignore_index=self.ignore_index,
        )
        self._append(batch.classes, batch.argmax)
        if batch.joint is not None:
            self.joint = self.joint + batch.joint.to(self.device)

    def compute(self) -> ThresholdCurves:
        """Return the curves over everything counted so far, in all processes.

        Raises:
            ValueError: nothing has been counted yet, or a checkpoint was of other settings.
        """
        _the_same(torch.stack([self.settings, self._settings().to(self.device)]))
        if not sum(map(len, self._state("tp"))):  # of a list or, gathered, of one tensor
            raise ValueError("compute: expected at least one update, got none. Call update first.")
        counts = [dim_zero_cat(self._state(name)) for name in self._list_states()]
        counted = Tally(Counts(*counts[:4]))
        if self.task == "multiclass":
            counted = Tally(counted.classes, Counts(*counts[4:]), self.joint)
        return ThresholdCurves.from_tally(counted, self.task, self.stops, self.zero_division)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the states of all processes; one that has counted nothing adds no images."""
        if not len(self._state("tp")):
            shape = (0, self.num_classes, len(self.stops))
            table = torch.zeros(shape, dtype=torch.int64)
            nothing = Counts(table, table, table[..., 0], table[..., 0])
            self._append(nothing, nothing if self.task == "multiclass" else None)
        super().sync(*args, **kwargs)

    def _append(self, classes: Counts, argmax: Counts | None) -> None:
        tensors = [*classes.tensors(), *(argmax.tensors() if argmax is not None else ())]
        for name, tensor in zip(self._list_states(), tensors, strict=True):
            self._state(name).append(tensor.to(self.device))

    def _list_states(self) -> list[str]:
        more = [f"argmax_{name}" for name in COUNTS] if self.task == "multiclass" else []
        return [*COUNTS, *more]

    def _state(self, name: str) -> list[torch.Tensor]:
        state: list[torch.Tensor] = getattr(self, name)
        return state

    def _settings(self) -> torch.Tensor:
        """Return what the counts depend on, as a digest of eight bytes.

        As a state it keeps apart, in a collection, metrics that happen to count the same in the
        first batch, and it refuses what was counted with other settings.
        """
        settings = (
            self.task,
            self.num_classes,
            self.stops.values,
            self.from_logits,
            None if self.ignore_index is None else int(self.ignore_index),
        )
        return torch.tensor(list(hashlib.sha256(repr(settings).encode()).digest()[:8]))


def _the_same(settings: torch.Tensor) -> torch.Tensor:
    """Reduce settings, (metrics, 8), to the one they all are."""
    if not bool((settings == settings[0]).all()):
        raise refusal(
            "ThresholdSweepMetric",
            expected="counts made with the same settings",
            got="others",
            remedy="Give every process, merged metric and checkpoint the same task, num_classes, "
            "thresholds, from_logits and ignore_index.",
        )
    return settings[0]
