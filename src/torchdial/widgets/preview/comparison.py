"""Two models under one set of dials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.arguments import of_kind, to_list
from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame
from torchdial.widgets.preview.detection_dial import DetectionDial
from torchdial.widgets.preview.detection_preview import DetectionPreview
from torchdial.widgets.preview.plane_coding import Pictures
from torchdial.widgets.preview.preview import Preview, needed
from torchdial.widgets.preview.segmentation_dial import SegmentationDial
from torchdial.widgets.preview.segmentation_preview import SegmentationPreview
from torchdial.widgets.preview.shown_images import Frame
from torchdial.widgets.steps.step_preview import StepPreview


class Comparison(Preview[Frame]):
    """Follows two previews when they refresh."""

    _previews: tuple[Any, ...] = ()
    _given_curves: list[Any]

    @property
    def metrics(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Counts and metrics of both models at the dials' position.

        Raises:
            ValueError: there are neither targets nor curves.
        """
        frames: Sequence[Any] = self._shown[1]
        first, second = (
            self._metrics_of(needed(given or frame.curves, "sweep"))
            for given, frame in zip(self._given_curves, frames, strict=True)
        )
        return first, second

    def close(self) -> None:
        """Close the widget and stop following the previews."""
        previews, self._previews = self._previews, ()
        for preview in set(previews):
            preview.unobserve(self._follow, ["_frame", "_notice"])
        super().close()

    def _follow_previews(self, *previews: Preview[Frame]) -> None:
        self._previews = previews
        for preview in set(previews):
            preview.observe(self._follow, ["_frame", "_notice"])

    def _follow(self, change: Any) -> None:
        if change["name"] == "_frame":
            self._show([preview._newest[1][0] for preview in self._previews])
        self._notice = "\n".join(p.notice for p in self._previews if p.notice)


class SegmentationComparison(Comparison[SegmentationFrame], SegmentationDial):
    """Shows two previews of the same images under one dial; see `compare`.

    It follows the previews when they refresh, unless it shows two steps. Its view "difference"
    shows where they disagree.
    """

    def __init__(
        self,
        first: SegmentationPreview,
        second: SegmentationPreview,
        names: Sequence[str] | None,
        steps: Sequence[int] | None = None,
    ) -> None:
        _check_alike(
            {
                "task": first.task == second.task,
                "class_names": first._class_names == second._class_names,
                "thresholds": first._stops == second._stops,
                "average": first.average == second.average,
                "include_background": first._include_background == second._include_background,
                "images": _equal(first.pictures, second.pictures),
                "targets": _equal(first._targets, second._targets),
            }
        )
        self._pictures_as = _strictest(first, second)
        frames, names = _frames_at(first, second, steps, names)
        super().__init__(
            first._images,
            first._targets,
            frames,
            names=names,
            task=first.task,
            stops=first._stops,
            class_names=first._class_names,
            curves=[first._given_curves[0], second._given_curves[0]],
            threshold=first.threshold,
            class_thresholds=first.class_thresholds,
            average=first._average,
            zero_division=first._zero_division,
            include_background=first._include_background,
            window=first._window,
        )
        self.view = "difference"
        if steps is None:
            self._follow_previews(first, second)


class DetectionComparison(Comparison[DetectionFrame], DetectionDial):
    """Shows two previews of the same images under the same dials; see `compare`.

    It follows the previews when they refresh, unless it shows two steps.
    """

    def __init__(
        self,
        first: DetectionPreview,
        second: DetectionPreview,
        names: Sequence[str] | None,
        steps: Sequence[int] | None = None,
    ) -> None:
        ours, theirs = first._settings, second._settings
        _check_alike(
            {
                "class_names": first.class_names == second.class_names,
                "nms_ious": ours.nms == theirs.nms,
                "score stops": ours.scores == theirs.scores,
                "match_iou": ours.match_iou == theirs.match_iou,
                "class_agnostic": ours.class_agnostic == theirs.class_agnostic,
                "average": first.average == second.average,
                "images": _all_equal(first.pictures, second.pictures),
                "targets": _all_equal(_truth(first.targets), _truth(second.targets)),
            }
        )
        self._pictures_as = _strictest(first, second)
        frames, names = _frames_at(first, second, steps, names)
        super().__init__(
            first.pictures,
            first.targets,
            frames,
            names=names,
            classes=first.class_names,
            settings=ours,
            curves=[first._given_curves[0], second._given_curves[0]],
            score_threshold=first.score_threshold,
            nms_iou=first.nms_iou,
            max_det=first.max_det,
            class_thresholds=first.class_thresholds,
            average=first.average,
            after_nms=first._after_nms and second._after_nms,
            window=first._window,
        )
        if steps is None:
            self._follow_previews(first, second)


@overload
def compare(
    first: SegmentationPreview,
    second: SegmentationPreview | None = ...,
    *,
    names: Sequence[str] | None = ...,
    steps: Sequence[int] | None = ...,
) -> SegmentationComparison: ...


@overload
def compare(
    first: DetectionPreview,
    second: DetectionPreview | None = ...,
    *,
    names: Sequence[str] | None = ...,
    steps: Sequence[int] | None = ...,
) -> DetectionComparison: ...


def compare(
    first: Any,
    second: Any = None,
    *,
    names: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
) -> SegmentationComparison | DetectionComparison:
    """Return a widget with two previews of the same images under one set of dials.

    It shows the newest of both, without minimum sizes, or two steps of one.

    Args:
        first: a segmentation or a detection preview.
        second: another of the same kind, of the same images, classes, stops and targets.
        names: what to call them; None for "first" and "second", or the steps.
        steps: two steps of the training of one preview, made with `keep=`, in place of a second
            one. A step without its picture is shown by the nearest kept one, which the name says.

    Raises:
        ValueError: the previews differ in more than the models' output, or there is not one
            preview for two steps.

    Example:
        >>> images = torch.rand(1, 3, 8, 8)
        >>> first, second = (SegmentationPreview(images, torch.rand(1, 8, 8)) for _ in range(2))
        >>> compare(first, second, names=["small", "large"]).view
        'difference'
        >>> preview = SegmentationPreview(images, torch.rand(1, 8, 8), keep=4)
        >>> preview.refresh(torch.rand(1, 8, 8), step=100)
        True
        >>> compare(preview, steps=(0, 100)).view
        'difference'
    """
    if steps is not None:
        _check_steps(first, second, steps)
        second = first
    if names is not None:
        _check_names(names)
    if isinstance(first, SegmentationPreview) and isinstance(second, SegmentationPreview):
        return SegmentationComparison(first, second, names, steps)
    if isinstance(first, DetectionPreview) and isinstance(second, DetectionPreview):
        return DetectionComparison(first, second, names, steps)
    raise refusal(
        "compare",
        expected="two SegmentationPreviews or two DetectionPreviews",
        got=f"{type(first).__name__} and {type(second).__name__}",
        remedy="Make a preview of each model first, or pass steps= of one preview.",
    )


def _check_steps(preview: Any, second: Any, steps: Any) -> None:
    remedy = "Pass for example compare(preview, steps=(100, 400))."
    if second is not None:
        raise refusal(
            "second",
            expected="no second preview beside steps=",
            got=type(second).__name__,
            remedy=remedy,
        )
    kept = "a preview made with keep="
    of_kind("first", preview, StepPreview, expected=kept, remedy=remedy)
    if preview._keep == 1:
        raise refusal(
            "first",
            expected=kept,
            got="one that keeps the newest step alone",
            remedy="Make it with keep=24.",
        )
    expected = "two steps"
    given = to_list("steps", steps, expected=expected, remedy=remedy)
    if len(given) != 2:
        raise refusal("steps", expected=expected, got=describe(steps), remedy=remedy)
    for step in given:
        to_whole("steps", step, 0, remedy=remedy)


def _frames_at(
    first: StepPreview[Frame],
    second: StepPreview[Frame],
    steps: Sequence[int] | None,
    names: Sequence[str] | None,
) -> tuple[list[Frame], Sequence[str]]:
    """Return the frames of two previews, or of two steps of one, and their names."""
    if steps is None:
        frames = [preview._newest[1][0] for preview in (first, second)]
        return frames, ("first", "second") if names is None else names
    found = [first._at_step(step) for step in steps]
    if names is None:
        names = [
            f"step {at:,}" + f", nearest to {step:,}" * (at != step)
            for (at, _), step in zip(found, steps, strict=True)
        ]
    return [frame for _, frame in found], names


def _strictest(first: Preview[Any], second: Preview[Any]) -> Pictures:
    return "exact" if "exact" in (first._pictures_as, second._pictures_as) else "compact"


def _check_names(names: Any) -> None:
    expected, remedy = (
        "a name for each of two previews",
        'Pass for example names=["small", "large"].',
    )
    if len(to_list("names", names, expected=expected, remedy=remedy)) != 2:
        raise refusal("names", expected=expected, got=describe(names), remedy=remedy)


def _check_alike(alike: dict[str, bool]) -> None:
    different = [name for name, same in alike.items() if not same]
    if different:
        raise refusal(
            "compare",
            expected="two previews that differ in the models' output alone",
            got=f"different {' and '.join(different)}",
            remedy="Make both from the same images and targets, with the same settings.",
        )


def _equal(one: Bytes | None, other: Bytes | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.array_equal(one, other))


def _all_equal(ours: Sequence[Any] | None, theirs: Sequence[Any] | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return len(ours) == len(theirs) and all(map(_equal, ours, theirs))


def _truth(targets: Sequence[Annotations] | None) -> list[Any] | None:
    """Return the fields of targets that enter counts, as arrays."""
    if targets is None:
        return None
    names = ("boxes", "labels", "iscrowd", "ignore", "area")
    return [
        torch.column_stack([getattr(target, name).double() for name in names]).numpy()
        for target in targets
    ]
