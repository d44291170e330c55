"""The segmentation preview: a dial over a model's maps; js/src/segmentation.ts draws it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, overload

import torch

from torchdial.inputs import Stops, Task, to_stops
from torchdial.inputs.channel_names import to_channel_names
from torchdial.inputs.images.preview_images import ImageReader, Numbers
from torchdial.inputs.loader_batches import Unpack, pairs_of
from torchdial.inputs.min_sizes import Connectivity
from torchdial.inputs.probability_maps import (
    check_background,
    refuse_unknown_task,
    to_tensor,
)
from torchdial.models.inference import Model, Output
from torchdial.models.predictions import (
    Given,
    ModelMaps,
    check_batch_size,
    check_model,
    next_source,
    to_batch,
    with_source,
)
from torchdial.sweeps.metric_formulas import Average, Metric, check_average
from torchdial.sweeps.pixels.pixel_step_counts import PixelStepCounts
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame
from torchdial.sweeps.pixels.threshold_curves import BestThreshold, ThresholdCurves
from torchdial.sweeps.pixels.threshold_sweep import ThresholdSweep
from torchdial.widgets.preview.given_curves import curves_of_sizes
from torchdial.widgets.preview.plane_coding import (
    CodedPlane,
    Pictures,
    check_pictures,
    code_planes,
)
from torchdial.widgets.preview.preview import (
    ClassThresholds,
    Display,
    needed,
    to_display,
)
from torchdial.widgets.preview.segmentation_dial import SegmentationDial
from torchdial.widgets.preview.segmentation_packing import pack_step
from torchdial.widgets.preview.segmentation_reader import MapReader, size_of
from torchdial.widgets.steps.compressed_levels import CompressedLevels
from torchdial.widgets.steps.step_preview import KEEP_BYTES, StepPreview


class BestPixelStep(NamedTuple):
    """The step of a training at which a metric is best, and where."""

    step: int
    threshold: float
    value: float
    has_picture: bool


class SegmentationPreview(SegmentationDial, StepPreview[SegmentationFrame]):
    """Shows probability maps thresholded at the position of a dial.

    A pixel is on where p > threshold and off where p ≤ threshold. Every position is computed
    once, where the maps are; moving the dial recomputes nothing.

    Args:
        images: shown below the maps; see `torchdial.inputs.to_images`.
        probs: maps; see `torchdial.inputs.to_probabilities`.
        targets: the labels; see `torchdial.inputs.to_targets`.
        task: "binary", "multilabel" (a sigmoid per channel) or "multiclass" (a softmax).
        from_logits: whether `probs` are logits; never guessed.
        class_names: a name for each class, as a list or a dict by index.
        threshold: the first position of the dial; None takes 0.5, of scores the middle stop.
        class_thresholds: for some classes their own, as a list with None or a dict by name.
        thresholds: a count of evenly spaced stops over [0, 1], at most 255 increasing ones, or
            `torchdial.quantile_stops(probs)` where `probs` are scores of any range, such as
            anomaly maps: one map an image, with task="binary" and from_logits=False.
        ignore_index: a target label that enters no count.
        curves: `ThresholdSweep.compute()` over a larger set, for the dial's track; with
            `min_sizes` a dict of them, one for each size.
        average: how metrics are averaged: "micro" (pooled counts), "macro" (mean over classes
            present) or "image" (mean over images).
        include_background: whether class 0 of a multiclass task is in the averages; without it
            its pixels still count as false positives and false negatives of the others.
        mean: what was subtracted from `images`, to undo it for display.
        std: what `images` were divided by.
        window: the values of `images` shown as black and as white; None takes 0 and 1 of floats,
            and of integers beyond 8 bits the lowest and the highest value, for all images and
            over refreshes. A caption says it.
        min_sizes: increasing numbers of pixels that begin with 0, such as (0, 25, 100, 400), for a
            dial `min_size`: at every stop connected parts of fewer pixels are off, for multiclass
            parts of one class. Each frame takes about 0.1 s more for each size and map of
            512 × 512 pixels, and as many bytes again.
        connectivity: 4 connects pixels along edges, 8 along corners too.
        pictures: how large colour pictures are sent to the page: "compact", as JPEG, or "exact".
            All other values are exact, and so is `pictures` of the preview.
        keep: the frames of how many training steps are kept, for the step dial: 1, the newest
            alone, or at least 4. The first, the newest and the best step stay, by micro Dice; the
            others are spread evenly over the steps. Counts are kept of every refresh, 4 kB for
            each class, and with `average="image"` for each class of each image.
        keep_bytes: how many bytes these frames take at most, besides the newest; from 1. The
            first and the best stay in any case.
        monitor: a `TrainingMonitor`, whose step each refresh has, and in whose panel a click
            moves the step dial.

    Raises:
        ValueError: input that cannot be shown as it is, with the reason and a remedy.

    Example:
        >>> preview = SegmentationPreview(torch.rand(2, 3, 8, 8), torch.rand(2, 8, 8))
        >>> preview.threshold = 0.372
        >>> preview.threshold
        0.37
    """

    _SETTABLE = (*SegmentationDial._SETTABLE, "step")

    def __init__(
        self,
        images: Any,
        probs: Any,
        targets: Any = None,
        *,
        task: Task = "binary",
        from_logits: bool = False,
        class_names: Sequence[str] | Mapping[int, str] | None = None,
        threshold: float | None = None,
        class_thresholds: ClassThresholds = None,
        thresholds: int | Sequence[float] | torch.Tensor | Stops = 101,
        ignore_index: int | None = None,
        curves: ThresholdCurves | Mapping[int, ThresholdCurves] | None = None,
        average: Average = "micro",
        include_background: bool = True,
        mean: Numbers = None,
        std: Numbers = None,
        window: tuple[float, float] | None = None,
        min_sizes: Sequence[int] | None = None,
        connectivity: Connectivity = 4,
        pictures: Pictures = "compact",
        keep: int = 1,
        keep_bytes: int = KEEP_BYTES,
        monitor: Any = None,
    ) -> None:
        self._set_keeping(keep, keep_bytes, monitor)
        check_average(average)
        check_pictures(pictures)
        refuse_unknown_task(task)
        check_background(include_background, task)
        reader = ImageReader(mean, std, window)
        self._to_pictures = reader.batch
        shown = reader.batch(images, size_of(probs))
        self._pictures_as = pictures
        self._source = probs if isinstance(probs, ModelMaps) else Given(probs)
        self._average = average
        self._maps = MapReader(
            shown.shape,
            task,
            to_stops(thresholds, may_be_scores=True),
            from_logits,
            ignore_index,
            targets,
            include_background,
            min_sizes,
            connectivity,
        )
        self._min_sizes, self._connectivity = self._maps.min_sizes, self._maps.connectivity
        frame = self._measure(self._source)
        num_classes = frame.levels.shape[1]
        given = curves_of_sizes(
            curves,
            self._min_sizes,
            task=task,
            num_classes=num_classes,
            stops=self._maps.stops,
            include_background=include_background,
        )
        super().__init__(
            shown,
            self._maps.host_targets(),
            [frame],
            names=["model"],
            task=task,
            stops=self._maps.stops,
            class_names=to_channel_names(class_names, num_classes),
            curves=given,
            threshold=threshold,
            class_thresholds=class_thresholds,
            average=average,
            zero_division=1.0 if given[0] is None else given[0].zero_division,
            include_background=include_background,
            window=reader.window,
        )

    @classmethod
    def from_model(
        cls,
        model: Model,
        images: Any,
        targets: Any = None,
        *,
        from_logits: bool,
        output: Output = None,
        display: Display = None,
        batch_size: int = 8,
        **options: Any,
    ) -> SegmentationPreview:
        """Return a preview of a model's current weights; `refresh()` runs it again.

        It runs on the model's own device, in eval mode and without gradients; every submodule's
        mode, the random state and autocast are put back.

        Args:
            model: any `nn.Module` or callable from (B, C, H, W) to maps. A plain function is
                called as it stands: put the model in it into eval mode yourself.
            images: the model's input, (N, C, H, W); pass `mean=` and `std=` to undo a
                normalisation for display.
            targets: as for `SegmentationPreview`.
            from_logits: whether the model gives logits; never guessed.
            output: which part of a dict or tuple holds the maps: a key, an index or a function;
                torchvision's "out" is found by itself.
            display: what to show in place of the model's input, such as three of its bands:
                images of the same number and size, or a function of `images` that returns them.
            batch_size: images at a time.
            **options: further arguments of `SegmentationPreview`.

        Raises:
            ValueError: as for `SegmentationPreview`.
        """
        inputs = to_batch(images)
        check_batch_size(batch_size)
        check_model(model)
        maps = ModelMaps(model, inputs, output, batch_size)
        shown = to_display(images, display)
        preview = cls(shown, maps, targets, from_logits=from_logits, **options)
        preview._display = display
        return preview

    @property
    def curves(self) -> ThresholdCurves | None:
        """Counts and metrics at every stop: the given curves, or those of the shown images."""
        given: ThresholdCurves | None = self._given_curves[self._size_index]
        return self._frame_of(0).curves if given is None else given

    @property
    def metrics(self) -> dict[str, Any]:
        """Counts and metrics of `curves` at the dial's position, for what is shown.

        Raises:
            ValueError: there are neither targets nor curves.
        """
        return self._metrics_of(self._needed_curves())

    @overload
    def best(
        self,
        metric: Metric = ...,
        at_least: Mapping[Metric, float] | None = ...,
        *,
        over: None = ...,
    ) -> BestThreshold: ...

    @overload
    def best(
        self,
        metric: Metric = ...,
        at_least: Mapping[Metric, float] | None = ...,
        *,
        over: Literal["steps"],
    ) -> BestPixelStep: ...

    def best(
        self,
        metric: Metric = "dice",
        at_least: Mapping[Metric, float] | None = None,
        *,
        over: Literal["steps"] | None = None,
    ) -> BestThreshold | BestPixelStep:
        """Return the threshold where a metric of what is shown is best, and its value.

        Args:
            metric: what to maximise.
            at_least: lower bounds of other metrics, such as {"recall": 0.9}.
            over: "steps" looks at every refresh that `keep=` counts, and returns the step too, the
                earliest of equals, and whether its picture is kept. It counts the shown images,
                also where there are given curves, without a minimum size.

        Raises:
            ValueError: no stop meets the demands, or there are neither targets nor curves.
        """
        if over is None:
            return self._in_scope(self._needed_curves()).best(metric, at_least, self._average)

        def best_of(counts: PixelStepCounts) -> tuple[float, float]:
            curves = needed(counts.curves, "ThresholdSweep")
            return self._in_scope(curves).best(metric, at_least, self._average)

        record, (threshold, value) = self._best_step(over, best_of)
        return BestPixelStep(record.step, threshold, value, record.frame is not None)

    def refresh(self, probs: Any = None, *, step: int | None = None) -> bool:
        """Show the model's current weights, or new maps, for the same images.

        The settings of the dial are kept. If a frame cannot be shown, the last one stays, with a
        notice on the widget; nothing is raised into a training loop.

        Args:
            probs: new maps, for a preview that was made of maps.
            step: of the training, for the step dial; None takes the monitor's, or the next one.
                An earlier step takes the place of all from it on.

        Returns:
            Whether the frame is shown.

        Raises:
            TypeError: maps are missing, or are given to a preview of a model.
            ValueError: `step` is no whole number from 0.
        """
        source = next_source(self._source, probs, what="maps", argument="probs")
        return self._refresh_at(step, lambda: self._measure(source))

    def evaluate(self, loader: Iterable[Any], *, unpack: Unpack = None) -> dict[str, Any]:
        """Return counts and metrics of the chosen setting on other data.

        Args:
            loader: batches of (images, targets) for a preview of a model, else of
                (probs, targets).
            unpack: for other batches a function that returns such a pair, or the two keys or
                indices, such as ("image", "mask").

        Raises:
            ValueError: a batch is refused, or there are none.
        """
        maps = self._maps
        sweep = ThresholdSweep(
            task=self.task,
            num_classes=None if self.task == "binary" else len(self._class_names),
            thresholds=maps.stops,
            from_logits=maps.from_logits,
            ignore_index=maps.ignore_index,
            zero_division=self._zero_division,
            include_background=maps.include_background,
            min_sizes=sorted({0, self.min_size}),
            connectivity=maps.connectivity,
        )
        for given, targets in pairs_of(loader, unpack):
            sweep.update(self._run(given), targets)
        return self._metrics_of(sweep.compute(self.min_size))

    def export(self) -> dict[str, Any]:
        """Return the setting as keyword arguments of `torchdial.segment`, which gives `mask`.

        These are a threshold or one for each class, the task, the class that is shown, if one is,
        with `min_sizes` the minimum size, and of scores that they are scores.
        """
        setting = self._setting()
        name = "class_thresholds" if isinstance(setting, list) else "threshold"
        one_of_several = self.task != "binary" and self.label is not None
        shown = {"label": self.label} if one_of_several else {}
        least: dict[str, Any] = {"min_size": self.min_size} if len(self._min_sizes) > 1 else {}
        if self._connectivity == 8 and least:
            least["connectivity"] = 8
        scores = {"of_scores": True} if self._stops.of_scores else {}
        return {name: setting, "task": self.task, **shown, **least, **scores}

    def _measure(self, source: Any) -> SegmentationFrame:
        return with_source(source, lambda: self._maps.measure(source))

    def _run(self, given: Any) -> Any:
        if isinstance(self._source, Given):
            return given
        source = self._source
        batches = replace(source, images=to_tensor("images", given)).batches
        return torch.cat(with_source(source, lambda: list(batches())))

    # The step dial

    def _count_step(self, frame: SegmentationFrame) -> tuple[PixelStepCounts, float]:
        counts = PixelStepCounts.of(frame, self._average)
        return counts, counts.best_dice

    def _pack_step(self, counts: PixelStepCounts) -> dict[str, Any]:
        return pack_step(counts, self._average)

    def _compress(self, frame: SegmentationFrame) -> CompressedLevels:
        return CompressedLevels.of(frame, self._maps.frame_of)

    def _code_kept(self, kept: Any, keys: Sequence[str]) -> list[CodedPlane]:
        if isinstance(kept, CompressedLevels) and kept.has(keys):
            return kept.coded(keys)
        planes = [self._plane(key, [self._restore(kept)]) for key in keys]
        return code_planes(planes, [False] * len(planes))

    def _needed_curves(self) -> ThresholdCurves:
        return needed(self.curves, "ThresholdSweep")
