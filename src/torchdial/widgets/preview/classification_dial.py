"""The dial of a classification preview: its traits, values at its position, and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
import traitlets as t

from torchdial.array_types import Bytes
from torchdial.inputs.arguments import one_of
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.sweeps.image_choice import ANY
from torchdial.sweeps.samples.classification_curves import ClassificationCurves
from torchdial.sweeps.samples.classification_frame import ClassificationFrame
from torchdial.sweeps.samples.outcomes import Outcomes, answers, outcomes, passed
from torchdial.widgets.image_grid import ImageGrid
from torchdial.widgets.preview.classification_packing import pack_frame, pack_texts
from torchdial.widgets.preview.pasted_setting import segmentation_traits
from torchdial.widgets.preview.preview import PAGE_SIZE, ModelPreview
from torchdial.widgets.preview.threshold_dial import ThresholdDial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.report.saved_widget import SavedWidget

VIEWS = ("nearest", "false positives", "false negatives", "all")
ABSTAINING_VIEWS = ("nearest", "wrong", "abstained", "all")


class ClassificationDial(ThresholdDial[ClassificationFrame], ModelPreview[ClassificationFrame]):
    """Traits and messages of the dial; made by `ClassificationPreview`."""

    _STEM = "classification"
    _SETTABLE = ("threshold", "class_thresholds", "label", "view")
    _BEST = "target_score"

    view = t.Unicode("nearest").tag(sync=True, echo_update=False)
    """Which samples are listed: those "nearest" the threshold, "false positives", "false
    negatives" or "all"; with task="multiclass" those that are "wrong" and "abstained"."""

    def __init__(
        self,
        frame: ClassificationFrame,
        *,
        pictures: Bytes | None,
        texts: Sequence[str] | None,
        task: Task,
        stops: Stops,
        class_names: Sequence[str],
        threshold: float,
        class_thresholds: Any,
        average: str,
        costs: Mapping[str, float],
    ) -> None:
        self._stops = stops
        self._task = task
        self._class_names = tuple(class_names)
        self._labels = tuple(range(len(class_names)))
        self._images = np.empty((0, 1, 4, 1), np.uint8) if pictures is None else pictures
        self._texts = texts
        self._average = average  # type: ignore[assignment]
        self._costs = dict(costs)
        own = self._to_class_thresholds(class_thresholds)
        start = stops.values[stops.nearest(threshold)]
        self._views = ABSTAINING_VIEWS if task == "multiclass" else VIEWS
        self._listing = self._nearest_first(frame, start)
        self._window = None
        _, height, width, channels = self._images.shape
        super().__init__(
            [frame],
            len(self._listing),
            threshold=start,
            class_thresholds=own,
            _config={
                "task": task,
                "class_names": list(self._class_names),
                "stops": list(stops.values),
                "num_images": frame.truth.shape[1],
                "height": height,
                "width": width,
                "channels": channels,
                "average": average,
                "costs": self._costs,
                "views": list(self._views),
                "has_pictures": pictures is not None,
                "page_size": PAGE_SIZE,
                "initial_threshold": start,
                "initial_class_thresholds": own,
                "sources": ["model"],
            },
        )

    def __repr__(self) -> str:
        """Return a line of text, where the widget cannot be displayed."""
        return (
            f"{type(self).__name__}({self._frame_now.truth.shape[1]:,} samples, {self.task}, "
            f"threshold={self.threshold:.4g})"
        )

    # Values at the position of the dial

    @property
    def metrics(self) -> dict[str, Any]:
        """Counts and metrics at the dial's position, for what is shown, by scikit-learn's names.

        With them are roc_auc and average_precision, which no threshold changes; of several labels
        pooled, and for multiclass of the highest score and whether it is right.
        """
        ranking = self._frame_now.tables[self._row].ranking
        setting = self._metrics_of(self._curves_of(self._frame_now))
        areas = {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
        return {"threshold": self._scope_setting()} | setting | areas

    def confusion(self) -> npt.NDArray[np.int64]:
        """Return the confusion matrix at the dial's position, rows for the truth.

        Returns:
            int64 (2, 2) of a single class or the label that is shown, negative first; of all
            labels (C, 2, 2); for multiclass (C, C + 1), whose last column is no answer.
        """
        curves = self._frame_now.curves
        thresholds = [float(own) for own in self._thresholds()]
        if self.label is not None:
            one = curves.for_label(self.label)
            matrix = one.confusion(thresholds[self.label])
        else:
            matrix = (curves.argmax or curves).confusion(thresholds)
        counts: npt.NDArray[np.int64] = matrix.numpy()
        return counts

    def predictions(self) -> npt.NDArray[np.int64]:
        """Return what the setting predicts for each sample.

        Returns:
            int64. binary: 0 and 1, (N,). multilabel: 0 and 1, (N, C). multiclass: the class of
            the highest score, (N,), -1 where that is not above its threshold.
        """
        if self._task == "multiclass":
            return answers(self._frame_now, self._thresholds())
        on: npt.NDArray[np.int64] = passed(self._frame_now, self._thresholds()).T.astype(np.int64)
        return on[:, 0] if self._task == "binary" else on

    def samples_of(self, view: str = "nearest", n: int | None = 24) -> list[int]:
        """Return indices of samples at the dial's position, as the widget lists them.

        Args:
            view: "nearest" to the threshold first; or "false positives" and "false negatives",
                with task="multiclass" "wrong" and "abstained", those furthest from the threshold
                first; or "all".
            n: how many at most; None for all.

        Raises:
            ValueError: an unknown view.
        """
        one_of("view", view, self._views)
        count = None if n is None else to_whole("n", n, 0, remedy="Pass a number of samples.")
        distance = self._distance()
        if view == "all":
            return list(range(len(distance)))[:count]
        if view == "nearest":
            found = np.arange(len(distance))
        else:
            found = self._outcomes()[self._views.index(view)].nonzero()[0]
            distance = -distance
        order: list[int] = found[np.argsort(distance[found], kind="stable")].tolist()
        return order[:count]

    def image_grid(self, view: str = "nearest", n: int | None = 24) -> ImageGrid:
        """Return an `ImageGrid` of the samples that `samples_of` names, with their scores.

        Raises:
            ValueError: an unknown view, no such samples, or samples that are not pictures.
        """
        chosen = self.samples_of(view, n)
        if not len(self._images) or not chosen:
            raise refusal(
                "image_grid",
                expected="samples that are pictures, and at least one of them",
                got="no pictures" if not len(self._images) else f"no {view}",
                remedy="Pass samples=images to the preview, or choose another view.",
            )
        scores = self._frame_now.scores[self._score_row].numpy()
        pictures = [self._images[i] for i in chosen]
        return ImageGrid(pictures, captions=[f"{i + 1} · p {scores[i]:.3f}" for i in chosen])

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a matplotlib figure of the dial's curve, ROC and precision-recall curves."""
        from torchdial.figures.static.classification_picture import classification_figure

        curves, name = self._curves_of(self._frame_now), self._first_metric
        values = curves.metric(name, self.label).numpy()
        title = f"p > {self.threshold:.4g}   {name.replace('_', ' ')} {self.metrics[name]:.4g}"
        track = (self._stops.values, values, name.replace("_", " "))
        ranking = self._frame_now.tables[self._row].ranking
        return classification_figure(track, self.threshold, ranking, title, ax=ax)

    @property
    def _frame_now(self) -> ClassificationFrame:
        return self._shown[1][0]

    @property
    def _first_metric(self) -> str:
        return self._curves_of(self._frame_now).metrics(self.label)[0]

    @property
    def _row(self) -> int:
        """The table of what is shown: the last one is of all classes."""
        return -1 if self.label is None else self.label

    @property
    def _score_row(self) -> int:
        return self._row if self._task != "multilabel" or self.label is not None else 0

    def _curves_of(self, frame: ClassificationFrame) -> ClassificationCurves:
        return ClassificationCurves(frame.curves, self._average, self._costs)

    def _metrics_of(self, curves: ClassificationCurves) -> dict[str, Any]:
        numbers = curves.at(self._setting_of_classes(), self.label)
        samples = curves.counts.num_samples
        if self._task == "multilabel":
            return numbers | {"average": self._average, "num_samples": samples}
        return numbers | {"num_samples": samples}

    def _thresholds(self) -> npt.NDArray[np.float32]:
        """Return the threshold of each class as scores are compared with it, float32 (C,)."""
        stops = self._stops.tensor().numpy()
        thresholds: npt.NDArray[np.float32] = stops[
            [self._stops.nearest(own) for own in self._setting_of_classes()]
        ]
        return thresholds

    def _outcomes(self, label: int | None = None) -> Outcomes:
        chosen = self.label if label is None else label
        return outcomes(self._frame_now, self._thresholds(), chosen)

    def _distance(self) -> npt.NDArray[np.float64]:
        """Return how far each sample's score is from its threshold, the nearest label's, (N,)."""
        frame, thresholds = self._frame_now, self._thresholds().astype(float)
        scores, label = frame.scores.numpy(), self.label
        nearest: npt.NDArray[np.float64]
        if label is None and frame.argmax is not None:
            nearest = np.abs(scores[-1] - thresholds[frame.argmax.numpy()])
        else:
            rows = slice(None) if label is None else slice(label, label + 1)
            nearest = np.abs(scores[: len(thresholds)] - thresholds[:, None])[rows].min(0)
        return nearest

    # Of each sample

    def _count_cell(self, model: int, truth: int, predicted: int) -> torch.Tensor:
        frame, rest = self._shown[1][model], len(self._class_names)
        if frame.argmax is not None and frame.labels is not None and self.label is None:
            answer = answers(frame, self._thresholds())
            sides = (frame.labels.numpy(), np.where(answer < 0, rest, answer))
            known = frame.truth[-1].numpy() <= 1
        else:
            named = [side for side in (truth, predicted) if 0 <= side < rest]
            label = self.label if self.label is not None else max(named, default=0)
            yes = frame.truth[label].numpy()
            on = passed(frame, self._thresholds())[label]
            sides = (np.where(yes == 1, label, rest), np.where(on, label, rest))
            known = yes <= 1
        wanted = ((truth, sides[0]), (predicted, sides[1]))
        for side, values in wanted:
            known = known & (side == ANY or values == side)
        return torch.from_numpy(known.astype(np.int64))

    def _count_between(self, model: int, low: float, high: float) -> torch.Tensor:
        scores = self._shown[1][model].scores[self._score_row]
        return ((scores > low) & (scores <= high)).to(torch.int64)

    def _image_table(self, model: int, label: int | None) -> dict[str, torch.Tensor]:
        frame = self._shown[1][model]
        row = self._score_row if label is None else label
        scores = frame.scores[row].double()
        counts = self._outcomes(label)._asdict()
        table = {name: torch.from_numpy(flags.astype(np.int64)) for name, flags in counts.items()}
        of_target = torch.where(frame.truth[row] == 1, scores, 1 - scores)
        return table | {"score": scores, "target_score": of_target}

    # The wire

    def _nearest_first(self, frame: ClassificationFrame, threshold: float) -> torch.Tensor:
        """Return the listed samples in the order in which pictures are sent and saved."""
        distance = (frame.scores[:, frame.listed] - threshold).abs().amin(0)
        return frame.listed[distance.argsort(stable=True)]

    def _show(self, frames: Sequence[ClassificationFrame]) -> None:
        before = self._listing
        self._listing = self._nearest_first(frames[0], self.threshold)
        try:
            super()._show(frames)
        except Exception:
            self._listing = before
            raise

    def _pack_source(self, frame: ClassificationFrame) -> dict[str, Any]:
        texts = pack_texts(self._texts, self._listing)
        return pack_frame(frame, self._listing) | {"texts": texts}

    def _keys_of_image(self, image: int) -> list[str]:
        return [] if not len(self._images) else [f"image/{int(self._listing[image])}"]

    def _planes(self, keys: Sequence[str]) -> list[Bytes]:
        return [self._plane(key) for key in keys]

    def _plane(self, key: str) -> Bytes:
        """Return the picture of a key.

        Raises:
            KeyError: there is none.
        """
        kind, _, number = key.partition("/")
        if kind != "image" or not number.isdecimal() or int(number) >= len(self._images):
            raise KeyError(key)
        picture: Bytes = self._images[int(number)]
        return picture

    def _saved(self) -> SavedWidget:
        saved = super()._saved()
        saved.num_pictures = len(self._listing) if len(self._images) else 0
        return saved

    # What may be set

    def _to_traits(self, setting: Any) -> dict[str, Any]:
        return segmentation_traits(setting, self._task, len(self._class_names), connectivity=None)

    @t.validate("view")
    def _valid_view(self, proposal: Any) -> str:
        if proposal["value"] not in self._views:
            raise t.TraitError(
                f"view: expected {' | '.join(self._views)}, got {proposal['value']!r}. "
                "Choose one of these."
            )
        return str(proposal["value"])
