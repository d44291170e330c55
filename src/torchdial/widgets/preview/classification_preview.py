"""The classification preview: a dial over a model's scores; js/src/classification.ts draws it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.inputs import Task, to_stops
from torchdial.inputs.arguments import one_of
from torchdial.inputs.channel_names import to_channel_names
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.preview_images import ImageReader, Numbers
from torchdial.inputs.loader_batches import Unpack, pairs_of
from torchdial.inputs.probability_maps import refuse_unknown_task, to_tensor
from torchdial.inputs.sample_scores import read_samples, without_column
from torchdial.models.inference import Model, Output
from torchdial.models.predictions import (
    Given,
    ModelMaps,
    check_batch_size,
    check_model,
    next_source,
    with_source,
)
from torchdial.sweeps.pixels.threshold_curves import BestThreshold, ThresholdCurves
from torchdial.sweeps.pixels.threshold_sweep import ThresholdSweep
from torchdial.sweeps.samples.classification_curves import ClassificationCurves
from torchdial.sweeps.samples.classification_frame import ClassificationFrame, measure_samples
from torchdial.sweeps.samples.classification_metrics import ClassificationMetric, to_costs
from torchdial.widgets.preview.classification_dial import ClassificationDial
from torchdial.widgets.preview.preview import ClassThresholds


class ClassificationPreview(ClassificationDial):
    """Shows what the threshold of a classifier decides: its metrics, errors and costs.

    A sample is positive where its score > threshold, compared in float32. Every position is
    computed once, where the scores are; moving the dial recomputes nothing. With
    `task="multiclass"` the answer is the class of the highest score, unless that is not above the
    threshold: then the model abstains.

    Args:
        scores: (N,) or (N, 1) for binary, else (N, C): probabilities, or logits with
            `from_logits`.
        targets: binary: 0 and 1, (N,). multilabel: 0 and 1, (N, C). multiclass: labels, (N,).
        samples: what is listed: images (see `torchdial.inputs.to_images`), or a text for each.
        task: "binary", "multilabel" (a sigmoid per label) or "multiclass" (a softmax).
        from_logits: whether `scores` are logits; never guessed.
        class_names: a name for each class, as a list or a dict by index.
        threshold: the first position of the dial; None is 0.5, and for multiclass 0, which always
            answers.
        class_thresholds: for some classes their own, as a list with None or a dict by name.
        thresholds: a count of evenly spaced stops over [0, 1], or at most 255 increasing ones.
        ignore_index: a target label that enters no count.
        average: of several labels: "micro" (pooled counts) or "macro" (mean over the labels that
            occur).
        costs: of a false positive and a false negative, {"fp": 1, "fn": 20}; for multiclass of a
            wrong answer and of none, {"error": 1, "abstain": 0.2}. Then "cost" is a metric, the
            expected cost of a sample, and the best threshold is where it is lowest.
        mean: what was subtracted from images, to undo it for display.
        std: what images were divided by.
        window: the values of images shown as black and as white.

    Raises:
        ValueError: input that cannot be shown as it is, with the reason and a remedy.

    Example:
        >>> preview = ClassificationPreview(torch.tensor([0.2, 0.6, 0.9]), torch.tensor([0, 0, 1]))
        >>> preview.best("f1")
        BestThreshold(threshold=0.74, value=1.0)
        >>> preview.threshold = 0.74
        >>> preview.metrics["precision"]
        1.0
    """

    def __init__(
        self,
        scores: Any,
        targets: Any,
        samples: Any = None,
        *,
        task: Task = "binary",
        from_logits: bool = False,
        class_names: Sequence[str] | Mapping[int, str] | None = None,
        threshold: float | None = None,
        class_thresholds: ClassThresholds = None,
        thresholds: int | Sequence[float] | torch.Tensor = 101,
        ignore_index: int | None = None,
        average: Literal["micro", "macro"] = "micro",
        costs: Mapping[str, float] | None = None,
        mean: Numbers = None,
        std: Numbers = None,
        window: tuple[float, float] | None = None,
    ) -> None:
        refuse_unknown_task(task)
        one_of("average", average, ("micro", "macro"))
        self._source = scores if isinstance(scores, ModelMaps) else Given(scores)
        self._targets = targets
        self._reading: dict[str, Any] = {"from_logits": from_logits, "ignore_index": ignore_index}
        self._task = task
        self._stops = to_stops(thresholds)
        frame = self._measure(self._source)
        num_classes, num_samples = len(frame.curves.tp), frame.truth.shape[1]
        texts = _to_texts(samples, num_samples)
        pictures = None
        if samples is not None and texts is None:
            pictures = _to_pictures(samples, num_samples, ImageReader(mean, std, window))
        names = ("positive",) if class_names is None and task == "binary" else class_names
        if threshold is None:
            threshold = 0.0 if task == "multiclass" else 0.5
        super().__init__(
            frame,
            pictures=pictures,
            texts=texts,
            task=task,
            stops=self._stops,
            class_names=to_channel_names(names, num_classes),
            threshold=threshold,
            class_thresholds=class_thresholds,
            average=average,
            costs=to_costs(costs, task),
        )

    @classmethod
    def from_model(
        cls,
        model: Model,
        inputs: Any,
        targets: Any,
        samples: Any = None,
        *,
        from_logits: bool,
        output: Output = None,
        batch_size: int = 64,
        **options: Any,
    ) -> ClassificationPreview:
        """Return a preview of a model's current weights; `refresh()` runs it again.

        It runs on the model's own device, in eval mode and without gradients; every submodule's
        mode, the random state and autocast are put back.

        Args:
            model: any `nn.Module` or callable from a batch (B, …) to scores (B,), (B, 1) or
                (B, C).
            inputs: the model's input, (N, …).
            targets: as for `ClassificationPreview`.
            samples: what is listed; None shows inputs that are images, (N, 1, H, W) or
                (N, 3, H, W).
            from_logits: whether the model gives logits; never guessed.
            output: which part of a dict or tuple holds the scores: a key, an index or a function,
                such as "logits".
            batch_size: samples at a time.
            **options: further arguments of `ClassificationPreview`.

        Raises:
            ValueError: as for `ClassificationPreview`.
        """
        given = to_tensor("inputs", inputs)
        check_batch_size(batch_size)
        check_model(model)
        is_images = given.ndim == 4 and given.shape[1] in (1, 3)
        shown = given if samples is None and is_images else samples
        scores = ModelMaps(model, given, output, batch_size)
        return cls(scores, targets, shown, from_logits=from_logits, **options)

    @property
    def curves(self) -> ThresholdCurves:
        """Counts at every stop, of all samples."""
        return self._frame_now.curves

    def best(
        self,
        metric: ClassificationMetric | None = None,
        at_least: Mapping[ClassificationMetric, float] | None = None,
    ) -> BestThreshold:
        """Return the threshold where a metric of what is shown is best, and its value.

        Args:
            metric: what to maximise, or "cost", to minimise it. None is F1, and for all classes
                of multiclass accuracy.
            at_least: lower bounds of other metrics, such as {"recall": 0.9}.

        Raises:
            ValueError: an unknown metric, or no stop meets the demands.
        """
        curves = self._curves_of(self._frame_now)
        return curves.best(self._first_metric if metric is None else metric, at_least, self.label)

    def refresh(self, scores: Any = None) -> bool:
        """Show the model's current weights, or new scores, for the same samples.

        The settings of the dial are kept. If a frame cannot be shown, the last one stays, with a
        notice on the widget; nothing is raised into a training loop.

        Args:
            scores: new scores, for a preview that was made of scores.

        Returns:
            Whether the frame is shown.

        Raises:
            TypeError: scores are missing, or are given to a preview of a model.
        """
        source = next_source(self._source, scores, what="scores", argument="scores")
        return self._try_frame(lambda: self._measure(source))

    def evaluate(self, loader: Iterable[Any], *, unpack: Unpack = None) -> dict[str, Any]:
        """Return counts and metrics of the chosen setting on other data.

        Args:
            loader: batches of (inputs, targets) for a preview of a model, else of
                (scores, targets).
            unpack: for other batches a function that returns such a pair, or the two keys or
                indices, such as ("pixel_values", "label").

        Raises:
            ValueError: a batch is refused, or there are none.
        """
        classes = None if self._task == "binary" else len(self._class_names)
        sweep = ThresholdSweep(
            task=self._task, num_classes=classes, thresholds=self._stops, **self._reading
        )
        for given, targets in pairs_of(loader, unpack):
            sweep.update(*without_column(self._run(given), targets, self._task))
        curves = ClassificationCurves(sweep.compute(), self._average, self._costs)
        return {"threshold": self._scope_setting()} | self._metrics_of(curves)

    def export(self) -> dict[str, Any]:
        """Return the setting: a threshold or one for each class, and the task."""
        setting = self._setting()
        name = "class_thresholds" if isinstance(setting, list) else "threshold"
        shown = {} if self.label is None else {"label": self.label}
        return {name: setting, "task": self._task, **shown}

    def to_code(self, library: Literal["torch", "sklearn"] = "torch") -> str:
        """Return the setting as a line of Python that predicts what `predictions` returns.

        Args:
            library: "torch" computes with float32 `scores`, as they were given to the preview;
                "sklearn" makes a `FixedThresholdClassifier` of an `estimator`, which is positive
                at scores ≥ threshold, so that the next float32 number stands there.

        Raises:
            ValueError: scikit-learn has no such classifier for several classes.
        """
        one_of("library", library, ("torch", "sklearn"))
        if library == "sklearn":
            return self._sklearn_line()
        own = self._setting_of_classes()
        each = json.dumps(own)
        limit = repr(own[0]) if len({*own}) == 1 else f"torch.tensor({each}, device=scores.device)"
        if self._task == "multiclass":
            of = "scores.softmax(1)" if self._reading["from_logits"] else "scores"
            limit = limit if len({*own}) == 1 else f"{limit}[{of}.argmax(1)]"
            return f"labels = {of}.argmax(1).where({of}.amax(1) > {limit}, -1)"
        of = "scores.sigmoid()" if self._reading["from_logits"] else "scores"
        return f"positive = {of} > {limit}"

    def _sklearn_line(self) -> str:
        if self._task != "binary":
            raise refusal(
                "library",
                expected="'torch' for several classes",
                got="'sklearn', whose FixedThresholdClassifier is binary",
                remedy="Pass to_code('torch').",
            )
        above = np.nextafter(self._thresholds()[0], np.float32(2))
        return (
            f"FixedThresholdClassifier(estimator, threshold={float(above)!r}, "
            "response_method='predict_proba')"
        )

    def _measure(self, source: Any) -> ClassificationFrame:
        scores = with_source(source, lambda: [to_tensor("scores", s) for s in source.batches()])
        whole = scores[0] if len(scores) == 1 else torch.cat(scores)
        if "_newest" in self.__dict__:
            _check_alike(self._frame_now, whole)
        samples = read_samples(whole, self._targets, self._task, **self._reading)
        return measure_samples(*samples, self._task, self._stops)

    def _run(self, given: Any) -> Any:
        if isinstance(self._source, Given):
            return given
        batches = replace(self._source, images=to_tensor("inputs", given)).batches
        return torch.cat(with_source(self._source, lambda: list(batches())))


def _check_alike(before: ClassificationFrame, scores: torch.Tensor) -> None:
    num_classes, num_samples = len(before.curves.tp), before.truth.shape[1]
    count = len(scores) if scores.ndim else 1
    if count != num_samples or scores.numel() != count * num_classes:
        raise refusal(
            "scores",
            expected=f"those of {num_samples:,} samples and {num_classes} classes, as before",
            got=describe(scores),
            remedy="Make a new preview for these.",
        )


def _to_texts(samples: Any, count: int) -> list[str] | None:
    """Return samples that are texts; None for others.

    Raises:
        ValueError: another number of texts than of scores.
    """
    is_array = isinstance(samples, np.ndarray) and samples.ndim == 1
    if not (is_array or isinstance(samples, (list, tuple))):
        return None
    if not len(samples) or not isinstance(samples[0], str):
        return None
    if len(samples) != count:
        raise _another_number(count, samples)
    return [str(text) for text in samples]


def _to_pictures(samples: Any, count: int, reader: ImageReader) -> Bytes:
    pictures = reader.batch(samples)
    if len(pictures) != count:
        raise _another_number(count, samples)
    return pictures


def _another_number(count: int, samples: Any) -> ValueError:
    return refusal(
        "samples",
        expected=f"an image or a text for each of {count:,} scores",
        got=describe(samples),
        remedy="Pass those that the scores are of, in their order.",
    )
