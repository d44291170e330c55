"""The sweeps as torchmetrics metrics; the only module that imports torchmetrics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.errors import refusal
from torchdial.inputs.probability_maps import Task, check_background, check_task
from torchdial.inputs.score_maps import check_scores
from torchdial.inputs.stops import Stops, to_stops
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep, tally_batch
from torchdial.sweeps.boxes.detection_tally import DetectionTally
from torchdial.sweeps.pixels.pixel_counts import Counts, Tally
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
from torchdial.sweeps.pixels.threshold_sweep import tally

COUNTS = tuple(field.name for field in fields(Counts))


class _SweepMetric(Metric):
    """A metric that keeps tensors of each image, concatenated over batches and processes.

    Attributes:
        settings: a digest of the arguments. As a state it keeps a collection from merging metrics
            whose other states are equal after the first batch, and states that were counted with
            other arguments are refused.
    """

    is_differentiable = False
    full_state_update = False

    settings: torch.Tensor

    def _add_states(self, nothing: Mapping[str, torch.Tensor], *settings: Any) -> None:
        """Declare the states, once.

        Args:
            nothing: the tensors of no images, which fix shapes and types.
            settings: plain values that what is counted depends on.
        """
        self._nothing = dict(nothing)
        digest = hashlib.sha256(repr(settings).encode()).digest()[:8]
        self._digest = torch.tensor(list(digest))
        self.add_state("settings", self._digest, dist_reduce_fx=_the_same)
        for name in nothing:
            self.add_state(name, [], dist_reduce_fx="cat")

    def _append(self, tensors: Mapping[str, torch.Tensor]) -> None:
        bits = copy_together(self.device, *map(_bits, tensors.values()))
        for name, tensor in zip(tensors, bits, strict=True):
            self._state(name).append(tensor)

    def _gathered(self) -> dict[str, torch.Tensor]:
        """Return the tensors of all images.

        Raises:
            ValueError: nothing has been counted yet, or a checkpoint was of other settings.
        """
        _the_same(torch.stack([self.settings, self._digest.to(self.device)]))
        names = list(self._nothing)
        if not sum(map(len, self._state(names[0]))):  # of a list or, gathered, of one tensor
            raise ValueError("compute: expected at least one update, got none. Call update first.")
        return {
            name: dim_zero_cat(self._state(name)).view(self._nothing[name].dtype) for name in names
        }

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the states of all processes; one that has counted nothing adds no images."""
        if not len(self._state(next(iter(self._nothing)))):
            self._append(self._nothing)
        super().sync(*args, **kwargs)

    def _state(self, name: str) -> list[torch.Tensor]:
        state: list[torch.Tensor] = getattr(self, name)
        return state


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """Return floats as whole numbers of the same bits: a module cast to half leaves these alone."""
    if not tensor.is_floating_point():
        return tensor
    return tensor.contiguous().view({4: torch.int32, 8: torch.int64}[tensor.element_size()])


def _the_same(settings: torch.Tensor) -> torch.Tensor:
    """Reduce settings, (metrics, 8), to the one they all are."""
    if not bool((settings == settings[0]).all()):
        raise refusal(
            "metric states",
            expected="counts made with the same settings",
            got="others",
            remedy="Give every process, merged metric and checkpoint the same arguments.",
        )
    return settings[0]


class ThresholdSweepMetric(_SweepMetric):
    """`torchdial.ThresholdSweep` for a `MetricCollection`, for checkpoints and for many processes.

    It counts the same and computes the same `ThresholdCurves`. Its states are the counts of each
    image, concatenated over processes, and for multiclass one table, summed; call `persistent()`
    to have them in checkpoints, as with any metric. Like any metric it keeps them on its own
    device: move it with `.to(device)`.

    Args:
        task: this and the others up to `include_background` are those of `ThresholdSweep`.
        **kwargs: of `torchmetrics.Metric`, such as `dist_sync_on_step`.

    Raises:
        ValueError: an unknown task, a missing or wrong number of classes, or wrong stops.

    Example:
        >>> from torchdial.sweeps.torchmetrics import ThresholdSweepMetric
        >>> metric = ThresholdSweepMetric()
        >>> metric.update(torch.tensor([[0.2, 0.9]]), torch.tensor([[0, 1]]))
        >>> metric.compute().best("dice")
        BestThreshold(threshold=0.54, value=1.0)
    """

    joint: torch.Tensor

    def __init__(
        self,
        *,
        task: Task = "binary",
        num_classes: int | None = None,
        thresholds: int | Sequence[float] | torch.Tensor | Stops = 101,
        from_logits: bool = False,
        ignore_index: int | None = None,
        zero_division: float = 1.0,
        include_background: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = check_task(task, num_classes)
        self.task: Task = task
        self.stops = to_stops(thresholds, may_be_scores=True)
        check_scores(self.stops, task, from_logits=from_logits)
        self.from_logits = from_logits
        self.ignore_index = ignore_index
        self.zero_division = zero_division
        self.include_background = check_background(include_background, task)
        table = torch.zeros((0, self.num_classes, len(self.stops)), dtype=torch.int64)
        nothing = Counts(table, table, table[..., 0], table[..., 0])
        self._add_states(
            _by_name(nothing, nothing if task == "multiclass" else None),
            task,
            self.num_classes,
            self.stops.values,
            from_logits,
            None if ignore_index is None else int(ignore_index),
        )
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
        self._append(_by_name(batch.classes, batch.argmax))
        if batch.joint is not None:
            self.joint = self.joint + batch.joint.to(self.device)

    def compute(self) -> ThresholdCurves:
        """Return the curves over everything counted so far, in all processes.

        Raises:
            ValueError: nothing has been counted yet, or a checkpoint was of other settings.
        """
        counts = list(self._gathered().values())
        counted = Tally(Counts(*counts[:4]))
        if self.task == "multiclass":
            counted = Tally(counted.classes, Counts(*counts[4:]), self.joint)
        return ThresholdCurves.from_tally(
            counted, self.task, self.stops, self.zero_division, self.include_background
        )


def _by_name(classes: Counts, argmax: Counts | None) -> dict[str, torch.Tensor]:
    named = dict(zip(COUNTS, classes.tensors(), strict=True))
    if argmax is not None:
        named |= {f"argmax_{name}": t for name, t in zip(COUNTS, argmax.tensors(), strict=True)}
    return named


class DetectionSweepMetric(_SweepMetric):
    """`torchdial.DetectionSweep` for a `MetricCollection`, for checkpoints and for many processes.

    It counts the same and computes the same `DetectionCurves`, on the CPU. Its states are what the
    sweep keeps of each image, 29 bytes a detection and no boxes, concatenated over processes in the
    order of their ranks; call `persistent()` to have them in checkpoints, as with any metric.

    Args:
        num_classes: this and the others up to `zero_division` are those of `DetectionSweep`.
        **kwargs: of `torchmetrics.Metric`, such as `dist_sync_on_step`.

    Raises:
        ValueError: a number out of range, or wrong stops.

    Example:
        >>> from torchdial.sweeps.torchmetrics import DetectionSweepMetric
        >>> metric, boxes = DetectionSweepMetric(), torch.tensor([[0.0, 0.0, 10.0, 10.0]])
        >>> found = {"boxes": boxes, "scores": torch.tensor([0.9]), "labels": [1]}
        >>> metric.update([found], [{"boxes": boxes, "labels": [1]}])
        >>> metric.compute().best("f1")
        BestPoint(score_threshold=0.44, nms_iou=0.5, value=1.0)
    """

    @renamed_arguments(iou_thresholds="nms_ious")
    def __init__(
        self,
        *,
        num_classes: int | None = None,
        nms_ious: int | Sequence[float] | torch.Tensor | Stops = 101,
        match_iou: float = 0.5,
        class_agnostic: bool = False,
        max_det: int = 300,
        score_thresholds: int | Sequence[float] | torch.Tensor | Stops = 101,
        box_format: BoxFormat | None = None,
        zero_division: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sweep = DetectionSweep(
            num_classes=num_classes,
            nms_ious=nms_ious,
            match_iou=match_iou,
            class_agnostic=class_agnostic,
            max_det=max_det,
            score_thresholds=score_thresholds,
            box_format=box_format,
            zero_division=zero_division,
        )
        self.sweep_settings = sweep.settings
        self.box_format = box_format
        self._no_images = DetectionTally.empty(len(sweep.settings.nms))
        self._add_states(
            self._no_images.tensors(),
            sweep.settings.num_classes,
            sweep.settings.nms.values,
            sweep.settings.match_iou,
            bool(class_agnostic),
            box_format,
        )

    def update(self, preds: Any, target: Any) -> None:
        """Count one batch; see `torchdial.DetectionSweep.update`.

        Raises:
            ValueError: the batch is refused as a whole; what was counted before is kept.
        """
        parts = tally_batch(preds, target, self.sweep_settings, self.box_format)
        self._append(DetectionTally.cat([self._no_images, *parts]).tensors())

    def compute(self) -> DetectionCurves:
        """Return the curves over everything counted so far, in all processes.

        Raises:
            ValueError: nothing has been counted yet, or a checkpoint was of other settings.
        """
        tensors = (tensor.cpu() for tensor in self._gathered().values())
        return DetectionCurves(DetectionTally(*tensors), self.sweep_settings)
