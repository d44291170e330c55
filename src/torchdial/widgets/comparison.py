"""Two models under one dial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from torchdial.inputs.refusal import describe, refusal
from torchdial.widgets.dial import SegmentationDial
from torchdial.widgets.preview import Bytes
from torchdial.widgets.segmentation import SegmentationPreview


class SegmentationComparison(SegmentationDial):
    """Shows two previews of the same images under one dial; see `compare`.

    It follows the previews when they refresh. Its view "difference" shows where they disagree.
    """

    _previews: tuple[SegmentationPreview, ...] = ()

    def __init__(
        self, first: SegmentationPreview, second: SegmentationPreview, names: Sequence[str]
    ) -> None:
        _check_alike(first, second)
        if isinstance(names, str) or len(names) != 2:
            raise refusal(
                "names",
                expected="a name for each of two previews",
                got=describe(names),
                remedy='Pass names=["small", "large"], say.',
            )
        super().__init__(
            first._images,
            first._targets,
            [first._shown[1][0], second._shown[1][0]],
            names=names,
            task=first.task,
            stops=first._stops,
            class_names=first._class_names,
            curves=[first._given_curves[0], second._given_curves[0]],
            threshold=first.threshold,
            class_thresholds=first.class_thresholds,
            average=first._average,
            zero_division=first._zero_division,
        )
        self.view = "difference"
        self._previews = (first, second)
        for preview in {first, second}:
            preview.observe(self._follow, ["_frame", "_notice"])

    @property
    def metrics(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Counts and metrics of both models at the dial's position.

        Raises:
            ValueError: there are neither targets nor curves.
        """
        first, second = (self._metrics_of(preview._needed_curves()) for preview in self._previews)
        return first, second

    def close(self) -> None:
        """Close the widget and stop following the previews."""
        previews, self._previews = self._previews, ()
        for preview in set(previews):
            preview.unobserve(self._follow, ["_frame", "_notice"])
        super().close()

    def _follow(self, change: Any) -> None:
        if change["name"] == "_frame":
            self._show([preview._shown[1][0] for preview in self._previews])
        self._notice = "\n".join(p.notice for p in self._previews if p.notice)


def compare(
    first: SegmentationPreview,
    second: SegmentationPreview,
    *,
    names: Sequence[str] = ("first", "second"),
) -> SegmentationComparison:
    """Return a widget with two previews of the same images under one dial.

    Args:
        first: a preview.
        second: another, of the same images, task, classes, stops and targets.
        names: what to call them.

    Raises:
        ValueError: the previews differ in more than their maps.

    Example:
        >>> images = torch.rand(1, 3, 8, 8)
        >>> first, second = (SegmentationPreview(images, torch.rand(1, 8, 8)) for _ in range(2))
        >>> compare(first, second, names=["small", "large"]).view
        'difference'
    """
    return SegmentationComparison(first, second, names)


def _check_alike(first: SegmentationPreview, second: SegmentationPreview) -> None:
    alike = {
        "task": first.task == second.task,
        "class_names": first._class_names == second._class_names,
        "thresholds": first._stops == second._stops,
        "average": first.average == second.average,
        "images": _equal(first.pictures, second.pictures),
        "targets": _equal(first._targets, second._targets),
    }
    different = [name for name, same in alike.items() if not same]
    if different:
        raise refusal(
            "compare",
            expected="two previews that differ in their maps alone",
            got=f"different {' and '.join(different)}",
            remedy="Make both from the same images and targets, with the same settings.",
        )


def _equal(one: Bytes | None, other: Bytes | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.array_equal(one, other))
