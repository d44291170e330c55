"""The threshold sweep: counts at every stop, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.min_sizes import Connectivity, to_connectivity, to_min_sizes
from torchdial.inputs.probability_maps import (
    Task,
    activate,
    check_background,
    check_maps,
    check_task,
    maps_are_valid,
    shape_maps,
)
from torchdial.inputs.sample_scores import are_sample_scores, as_one_map
from torchdial.inputs.score_maps import check_scores
from torchdial.inputs.segmentation_targets import (
    labels_are_known,
    refuse_unknown_labels,
    shape_labels,
    to_bytes,
)
from torchdial.inputs.stops import Stops, to_stops
from torchdial.sweeps.pixels.area_opening import without_small_parts
from torchdial.sweeps.pixels.pixel_counts import (
    Levels,
    Tally,
    append_tally,
    as_samples,
    count_levels,
    measure_levels,
)
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves


class ThresholdSweep:
    """Counts true and false positives at every threshold over any number of batches.

    It works on the device of the predictions, for which an update waits once. It keeps 16 bytes
    for each image, class and stop (32 for multiclass), so that averages over images are exact:
    8 MB for 5,000 images of one class at 101 stops. Scores of samples are pooled, however many.
    With `min_sizes` it keeps as much for each of these, and needs about 0.1 s more on the CPU for
    each map of 512 × 512 pixels and each size.

    Args:
        task: "binary", "multilabel" (a sigmoid per channel) or "multiclass" (a softmax).
        num_classes: C; required for multilabel and multiclass.
        thresholds: a count of evenly spaced stops over [0, 1], at most 255 increasing ones, or
            for scores of any range in place of probabilities `torchdial.quantile_stops(scores)`.
        from_logits: whether predictions are logits; never guessed.
        ignore_index: a target label that enters no count.
        zero_division: Dice and IoU where neither prediction nor target has a pixel.
        include_background: whether class 0 of a multiclass task is in the averages.
        min_sizes: increasing numbers of pixels that begin with 0, such as (0, 25, 100): at each
            stop connected parts of fewer pixels are taken away before it is counted. A part is
            what is predicted, whatever the target says, for multiclass of one class.
        connectivity: 4 connects pixels along edges, 8 along corners too.

    Raises:
        ValueError: an unknown task, a missing or wrong number of classes, wrong stops or sizes,
            or stops of scores for logits or a task other than "binary".

    Example:
        >>> sweep = ThresholdSweep()
        >>> sweep.update(torch.tensor([[0.2, 0.9]]), torch.tensor([[0, 1]]))
        >>> sweep.compute().best("dice")
        BestThreshold(threshold=0.54, value=1.0)
    """

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
        min_sizes: Sequence[int] | None = None,
        connectivity: Connectivity = 4,
    ) -> None:
        self.num_classes = check_task(task, num_classes)
        self.task: Task = task
        self.stops = to_stops(thresholds, may_be_scores=True)
        check_scores(self.stops, task, from_logits=from_logits)
        self.from_logits = from_logits
        self.ignore_index = ignore_index
        self.zero_division = zero_division
        self.include_background = check_background(include_background, task)
        self.min_sizes = to_min_sizes(min_sizes)
        self.connectivity = to_connectivity(connectivity)
        self._tallies: dict[int, list[Tally]] = {size: [] for size in self.min_sizes}

    def update(self, preds: Any, target: Any) -> None:
        """Count one batch, of images or of samples.

        Args:
            preds: floating-point maps. binary: (H, W), (N, H, W) or (N, 1, …, H, W); otherwise
                (C, H, W) or (N, C, …, H, W), with any number of spatial dimensions. Or scores of
                samples: (N,) for binary, otherwise (N, C).
            target: labels for each pixel; see `torchdial.inputs.to_targets`. Of samples: (N,),
                for multilabel (N, C).

        Raises:
            ValueError: the batch is refused as a whole; what was counted before is kept.
        """
        of_samples = are_sample_scores(preds, self.task)
        if len(self.min_sizes) > 1 and (of_samples or getattr(preds, "ndim", 4) > 4):
            raise refusal(
                "preds",
                expected="maps with height and width alone, since min_sizes removes parts of these",
                got=describe(preds),
                remedy="Count slices of volumes as images, or leave min_sizes out.",
            )
        if of_samples:
            preds, target = as_one_map(preds, target, self.task)
        levels, targets = measure_batch(
            preds,
            target,
            self.task,
            self.num_classes,
            self.stops,
            from_logits=self.from_logits,
            ignore_index=self.ignore_index,
        )
        for size, tallies in self._tallies.items():
            opened = without_small_parts(levels, size, self.connectivity)
            batch = count_levels(opened, targets, len(self.stops))
            append_tally(tallies, as_samples(batch) if of_samples else batch)

    def merge(self, other: ThresholdSweep) -> None:
        """Add what another sweep of the same settings has counted.

        Raises:
            ValueError: the settings differ.
        """
        theirs = other._settings()
        for name, ours in self._settings().items():
            if ours != theirs[name] and repr(ours) != repr(theirs[name]):  # NaN is not NaN
                raise refusal(
                    "merge",
                    expected=f"a sweep with {name}={ours!r:.60}",
                    got=f"{theirs[name]!r:.60}",
                    remedy="Make both sweeps with the same arguments.",
                )
        for size, tallies in self._tallies.items():
            for part in list(other._tallies[size]):
                append_tally(tallies, part)

    def compute(self, min_size: int = 0) -> ThresholdCurves:
        """Return the curves over everything counted so far, on the CPU.

        Args:
            min_size: one of `min_sizes`.

        Raises:
            ValueError: nothing has been counted yet, or not with this size.
        """
        if min_size not in self._tallies:
            raise refusal(
                "min_size",
                expected=f"one of {self.min_sizes}",
                got=describe(min_size),
                remedy=f"Make the sweep with min_sizes=(0, {min_size}).",
            )
        tallies = self._tallies[min_size]
        if not tallies:
            raise ValueError("compute: expected at least one update, got none. Call update first.")
        tallies[:] = [Tally.cat(tallies)]
        return ThresholdCurves.from_tally(
            tallies[0],
            self.task,
            self.stops,
            self.zero_division,
            self.include_background,
        )

    def _settings(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "num_classes": self.num_classes,
            "thresholds": self.stops.values,
            "of_scores": self.stops.of_scores,
            "ignore_index": self.ignore_index,
            "zero_division": self.zero_division,
            "include_background": self.include_background,
            "min_sizes": self.min_sizes,
            "connectivity": self.connectivity,
        }


def tally(
    preds: Any,
    target: Any,
    task: Task,
    num_classes: int,
    stops: Stops,
    *,
    from_logits: bool,
    ignore_index: int | None,
) -> Tally:
    """Validate one batch and count it; see `ThresholdSweep.update`."""
    levels, targets = measure_batch(
        preds,
        target,
        task,
        num_classes,
        stops,
        from_logits=from_logits,
        ignore_index=ignore_index,
    )
    return count_levels(levels, targets, len(stops))


def measure_batch(
    preds: Any,
    target: Any,
    task: Task,
    num_classes: int,
    stops: Stops,
    *,
    from_logits: bool,
    ignore_index: int | None,
) -> tuple[Levels, torch.Tensor]:
    """Validate one batch and return its levels and canonical targets, on the device of `preds`."""
    maps = shape_maps(preds, task, num_classes, "preds")
    labels, ignored = shape_labels(target, maps.shape, task, ignore_index, "target")
    # Of a GPU both are asked in one question, the only one of an update that waits for an answer.
    valid = maps_are_valid(maps, from_logits=from_logits, of_scores=stops.of_scores)
    known = labels_are_known(labels, maps.shape, task)
    known = known if known.is_cpu else known.to(valid.device)  # of the CPU it needs no copy
    if not bool(valid & known):
        maps = check_maps(
            "preds",
            maps,
            task,
            from_logits=from_logits,
            of_scores=stops.of_scores,
            scores_by="thresholds=td.quantile_stops(preds)" if task == "binary" else None,
        )
        refuse_unknown_labels("target", labels, maps.shape, task)
    probs = activate(maps, task) if from_logits else maps
    targets = to_bytes(labels, ignored)
    levels = measure_levels(probs.flatten(2, -2), task, stops)  # volumes as images of many rows
    flat = targets.flatten(targets.ndim - probs.ndim + 2, -2)
    return levels, flat.to(probs.device)
