"""Common to all segmentation widgets: one dial over the maps of one model or two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import traitlets as t

from torchdial.array_types import Bytes
from torchdial.deprecation import renamed_arguments
from torchdial.inputs.errors import refusal
from torchdial.inputs.images.display_window import Window
from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.sweeps.image_choice import ANY
from torchdial.sweeps.metric_formulas import Average
from torchdial.sweeps.pixels.image_confusion import count_on, count_outcomes
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
from torchdial.widgets.preview.min_size_dial import MinSizeDial
from torchdial.widgets.preview.pasted_setting import segmentation_traits
from torchdial.widgets.preview.preview import FIRST_MAP_BYTES, PAGE_SIZE, ClassThresholds
from torchdial.widgets.preview.segmentation_packing import (
    pack_confusion,
    pack_floats,
    pack_histograms,
    pack_tally,
)
from torchdial.widgets.preview.shown_images import needed_counts
from torchdial.widgets.preview.threshold_dial import ThresholdDial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MANY_CLASSES = 64  # of fewer, those seen at some stop are no smaller than all


class SegmentationDial(MinSizeDial, ThresholdDial[SegmentationFrame]):
    """Traits and messages of the dial; made by `SegmentationPreview` and `compare`."""

    _STEM = "segmentation"
    _SETTABLE: ClassVar[Sequence[str]] = (
        "threshold",
        "class_thresholds",
        "label",
        "view",
        "min_size",
    )
    _BEST = "dice"
    _images: Bytes

    view = t.Unicode("overlay").tag(sync=True, echo_update=False)
    """How maps are drawn: "mask", "overlay", "heat", "outline" or, with targets, "errors"."""

    def __init__(
        self,
        pictures: Bytes,
        targets: Bytes | None,
        frames: Sequence[SegmentationFrame],
        *,
        names: Sequence[str],
        task: Task,
        stops: Stops,
        class_names: Sequence[str],
        curves: Sequence[ThresholdCurves | None],
        threshold: float | None,
        class_thresholds: ClassThresholds,
        average: Average,
        zero_division: float,
        include_background: bool,
        window: Window | None,
    ) -> None:
        self._stops = stops
        self._task = task
        self._class_names = tuple(class_names)
        self._labels = tuple(range(len(class_names)))
        self._images = pictures
        self._targets = targets
        self._zero_division = zero_division
        self._include_background = include_background
        self._window = window
        self._given_curves = list(curves)
        self._average = average
        own = self._to_class_thresholds(class_thresholds)
        start = stops.values[stops.nearest(stops.start if threshold is None else threshold)]
        is_large = frames[0].levels[:PAGE_SIZE].nbytes > FIRST_MAP_BYTES
        is_union = task == "multilabel" and len(frames) == 1 and not own
        self._has_tops = is_union and is_large and len(class_names) > MANY_CLASSES
        super().__init__(
            frames,
            len(pictures),
            threshold=start,
            class_thresholds=own,
            _config={
                "task": task,
                "class_names": list(self._class_names),
                "stops": list(stops.values),
                "of_scores": stops.of_scores,
                "num_images": len(pictures),
                "height": pictures.shape[1],
                "width": pictures.shape[2],
                "channels": pictures.shape[3],
                "average": average,
                "zero_division": None if math.isnan(zero_division) else zero_division,
                "include_background": include_background,
                "window": None if window is None else list(window),
                "has_targets": targets is not None,
                "page_size": PAGE_SIZE,
                "initial_threshold": start,
                "initial_class_thresholds": own,
                "sources": list(names),
                "min_sizes": list(self._min_sizes),
                "has_tops": self._has_tops,
                "connectivity": self._connectivity,
            },
            _curves=[
                None if c is None else pack_tally(c, average, per_image=False) for c in curves
            ],
        )

    def __repr__(self) -> str:
        """Return a line of text, where the widget cannot be displayed."""
        return (
            f"{type(self).__name__}({len(self.pictures):,} images, {self.task}, "
            f"threshold={self.threshold:.4g})"
        )

    # Values at the position of the dial

    @property
    def pictures(self) -> Bytes:
        """The images as they are shown, uint8 (N, H, W, C)."""
        return self._images

    @property
    def track(self) -> ThresholdCurves | None:
        """The curves under the dial, of the first model, for what is shown."""
        curves = self._given_curves[self._size_index] or self._frame_of(0).curves
        return None if curves is None else self._in_scope(curves)

    @renamed_arguments(class_index="label")
    def mask(self, image: int, label: int | str | None = None, *, model: int = 0) -> Bytes:
        """Return an image's mask at the dial's position, as the mask view shows it.

        Args:
            image: its index.
            label: a class, by its label or name; None takes the shown one, or where all are
                shown, the pixels that any class passes (for multiclass, that the argmax passes).
            model: which model, where two are compared.

        Returns:
            uint8 (H, W): 255 where p > threshold, 0 elsewhere.

        Raises:
            ValueError: there is no such image, class or model.
        """
        frame, image = self._frame_of(self._to_model(model)), self._to_image(image)
        at = self._stops_of_classes()
        chosen = self.label if label is None else self._to_label(label)
        if chosen is not None:
            on = frame.levels[image, chosen] > at[chosen]
        elif frame.argmax is not None and frame.maximum is not None:
            on = frame.maximum[image] > at[frame.argmax[image]]
        else:
            on = (frame.levels[image] > at[:, None, None]).any(axis=0)
        mask: Bytes = on * np.uint8(255)
        return mask

    def labels(self, image: int, *, model: int = 0) -> npt.NDArray[np.int64]:
        """Return the label of each pixel of an image at the dial's position, multiclass only.

        Args:
            image: its index.
            model: which model, where two are compared.

        Returns:
            int64 (H, W): the class of the highest probability, -1 where this is ≤ its threshold.

        Raises:
            ValueError: the task is not multiclass, or there is no such image or model.
        """
        frame, image = self._frame_of(self._to_model(model)), self._to_image(image)
        if frame.argmax is None or frame.maximum is None:
            raise refusal(
                "labels",
                expected="a preview with task='multiclass'",
                got=f"task={self.task!r}",
                remedy="Use mask(image, label) for each class.",
            )
        label = frame.argmax[image].astype(np.int64)
        on = frame.maximum[image] > self._stops_of_classes()[label]
        return np.where(on, label, -1)

    def classes(self, image: int) -> npt.NDArray[np.uint8]:
        """Return the number of the overlay's colour at each pixel of an image, uint8 (H, W).

        For multiclass it is the class of the highest probability, otherwise 1.
        """
        argmax: npt.NDArray[np.uint8] | None = self._frame_of(0).argmax
        if argmax is None or self.label is not None:
            number = self.label if self.task == "multiclass" else 1
            return np.full(self.pictures.shape[1:3], number, np.uint8)
        found: npt.NDArray[np.uint8] = argmax[image]
        return found

    def _frame_of(self, model: int) -> SegmentationFrame:
        """Return what is shown of a model, at the minimum size."""
        return self._shown[1][model].at_size(self._size_index)

    def _stops_of_classes(self) -> npt.NDArray[np.uint8]:
        thresholds = self._setting_of_classes()
        stops = {threshold: self._stops.nearest(threshold) for threshold in set(thresholds)}
        return np.array([stops[threshold] for threshold in thresholds], np.uint8)

    def _in_scope(self, curves: ThresholdCurves) -> ThresholdCurves:
        if self.label is not None:
            return curves.for_label(self.label)
        return curves.argmax or curves

    def _metrics_of(self, curves: ThresholdCurves) -> dict[str, Any]:
        return self._in_scope(curves).at(self._scope_setting(), self._average)

    # Of each image

    def _count_cell(self, model: int, truth: int, predicted: int) -> torch.Tensor:
        frame, stops = self._frame_of(model), self._stops_of_classes().tolist()
        if frame.confusion is not None and self.label is None:
            return frame.confusion.count(stops, truth, predicted)
        classes = self._one_class(truth, predicted)
        rest = len(self._class_names)
        cell = [ANY if side == ANY else int(side == rest) for side in (truth, predicted)]
        if frame.curves is None:
            return count_on(torch.from_numpy(frame.histograms)[:, classes], stops, cell[1])
        counts = frame.curves.counts.at(stops).of_classes(classes)
        return count_outcomes(counts, *cell)

    def _one_class(self, truth: int, predicted: int) -> slice:
        """Return the class that a cell against the rest is about; all, if it names none."""
        sides = {truth, predicted} - {ANY, len(self._class_names)}
        if self.label is not None:
            sides.add(self.label)
        if len(sides) > 1:
            names = " and ".join(repr(self._class_names[side]) for side in sorted(sides))
            raise refusal(
                "images_of",
                expected="one class, whose map is counted against the rest",
                got=names,
                remedy="Name one class, and None for the rest; with task='multiclass' set "
                "label = None to count by the highest probability.",
            )
        return slice(min(sides), min(sides) + 1) if sides else slice(None)

    def _count_between(self, model: int, low: float, high: float) -> torch.Tensor:
        stops, histograms = self._stops.values, self._frame_of(model).histograms
        first = 0 if low < stops[0] else self._stops.nearest(low, "low") + 1
        last = len(stops) if high > stops[-1] else self._stops.nearest(high, "high")
        rows = slice(len(self._class_names))
        if self.label is not None:
            rows = slice(self.label, self.label + 1)
        elif self._task == "multiclass":
            rows = slice(len(self._class_names), None)
        return torch.from_numpy(histograms[:, rows, first : last + 1].sum((1, 2)))

    def _image_table(self, model: int, label: int | None) -> dict[str, torch.Tensor]:
        curves = needed_counts(self._frame_of(model).curves)
        if label is None:
            return self._in_scope(curves).images_at(self._scope_setting())
        return curves.for_label(label).images_at(self._setting_of_classes()[label])

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a matplotlib figure of the first pictures and the curve, as they stand now."""
        from torchdial.figures.static.segmentation_picture import segmentation_figure

        own = bool(self.class_thresholds)
        setting = (self._stops, self.threshold)
        return segmentation_figure(*self._printed(), *setting, own_thresholds=own, ax=ax)

    def _static_picture(self) -> bytes:
        from torchdial.figures.static.png_picture import segmentation_png

        own = bool(self.class_thresholds)
        setting = (self._stops, self.threshold)
        return segmentation_png(*self._printed(), *setting, own_thresholds=own)

    def _printed(self) -> tuple[list[Bytes], npt.NDArray[np.float64] | None]:
        """Return the first pictures with their masks, and with targets the curve of Dice."""
        from torchdial.figures.static.canvas import MAX_IMAGES
        from torchdial.figures.static.segmentation_picture import overlay

        images = enumerate(self.pictures[:MAX_IMAGES])
        overlays = [overlay(image, self.mask(i), self.classes(i)) for i, image in images]
        dice = None
        if self.track is not None:
            dice = self.track.dice(self.average).numpy()
        return overlays, dice

    # The wire

    def _pack_source(self, frame: SegmentationFrame) -> dict[str, Any]:
        sizes = [self._pack_counts(frame.at_size(i)) for i in range(1, len(self._min_sizes))]
        return self._pack_counts(frame) | {"opened": sizes}

    def _pack_counts(self, frame: SegmentationFrame) -> dict[str, Any]:
        return {
            "histogram": pack_floats(frame.histograms.sum(0)),
            "histograms": pack_histograms(frame.histograms),
            "confusion": pack_confusion(frame.confusion, len(self._stops)),
            "tally": self._pack_shown(frame.curves),
        }

    def _pack_shown(self, curves: ThresholdCurves | None) -> dict[str, Any] | None:
        return None if curves is None else pack_tally(curves, self._average, per_image=True)

    def _keys_of_image(self, image: int) -> list[str]:
        if self._has_tops:
            return [f"image/{image}", *self._at_sizes([f"top/0/{image}"])]
        keys = [f"image/{image}", *self._target_keys(image)]
        if self._task != "multiclass":
            return keys + self._level_keys(image)
        sources = range(len(self._shown[1]))
        keys += [f"argmax/{source}/{image}" for source in sources]
        return keys + self._at_sizes(f"maximum/{source}/{image}" for source in sources)

    def _keys_in_file(self, image: int) -> list[str]:
        keys = self._keys_of_image(image) + self._target_keys(image) + self._level_keys(image)
        return list(dict.fromkeys(keys))

    def _target_keys(self, image: int) -> list[str]:
        if self._targets is None:
            return []
        if self._task != "multilabel":
            return [f"target/{image}"]
        return [f"target/{image}/{c}" for c in range(len(self._class_names))]

    def _level_keys(self, image: int) -> list[str]:
        sources, classes = range(len(self._shown[1])), range(len(self._class_names))
        return self._at_sizes(f"level/{s}/{image}/{c}" for s in sources for c in classes)

    def _planes(self, keys: Sequence[str]) -> list[Bytes]:
        return [self._plane(key, self._newest[1]) for key in keys]

    def _plane(self, key: str, frames: Sequence[SegmentationFrame]) -> Bytes:
        """Return the plane of a key, of the frame of each model.

        Raises:
            KeyError: there is none.
        """
        base, _, size = key.partition("@")
        kind, *numbers = base.split("/")
        planes = {"image": self._images, "target": self._targets}
        try:
            index = [int(n) for n in numbers]
            if kind not in planes:
                frame = frames[index.pop(0)].at_size(int(size or 0))
                planes = {"level": frame.levels, "argmax": frame.argmax, "maximum": frame.maximum}
            if min(index) < 0:
                raise IndexError
            if kind == "top":
                (image,) = index
                return frame.tops(image).reshape(-1, frame.levels.shape[-1])
            plane = planes[kind]
            if plane is None:
                raise IndexError
            found: Bytes = plane[tuple(index)]
        except (IndexError, ValueError, KeyError) as error:
            raise KeyError(key) from error
        # A binary target has a channel of its own.
        return found[0] if kind == "target" and found.ndim == 3 else found

    # What may be set

    def _to_traits(self, setting: Any) -> dict[str, Any]:
        scores = self._stops.range if self._stops.of_scores else None
        traits = segmentation_traits(
            setting, self._task, len(self._class_names), self._connectivity, scores
        )
        return {"min_size": 0} | traits

    @t.validate("view")
    def _valid_view(self, proposal: Any) -> str:
        known = ["mask", "overlay", "heat", "outline"]
        known += ["errors"] * (self._targets is not None)
        known += ["difference"] * (len(self._shown[1]) > 1)
        return self._to_view(proposal["value"], known)
