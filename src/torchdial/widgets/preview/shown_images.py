"""From a number of a preview to the images that it counts, at the dial's position.

The widgets do the same when a number is clicked: js/src/lib/segmentation/pixel_choices.ts and
js/src/lib/detection/box_choices.ts.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.arguments import one_of
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_float, to_number, to_whole
from torchdial.sweeps.image_choice import ANY, most_first, worst_first

if TYPE_CHECKING:
    import pandas as pd

ClassChoice = str | int | None
Counts = TypeVar("Counts")
Frame = TypeVar("Frame")


class ShownImages(Generic[Frame]):
    """The images of a preview that a number counts."""

    _BEST: ClassVar[str]
    """The metric by which an image is the worst."""

    _images: Any
    _targets: Any
    _class_names: tuple[str, ...]
    _labels: tuple[int, ...]

    def images_of(
        self, truth: ClassChoice = "any", predicted: ClassChoice = "any", *, model: int = 0
    ) -> dict[int, int]:
        """Return the images that a cell of the confusion matrix counts, at the dial's position.

        Args:
            truth: the class of the target, by its name or label; None for the
                background, where there is no target; or "any" of these.
            predicted: the same for what the model finds; None for what it misses. Segmentation of
                one class, or of a multilabel task, counts its map against the rest, which is None.
            model: which model, where two are compared.

        Returns:
            The count of pixels, or of boxes and missed targets, by the index of the image; the
            highest count comes first, images without any are left out.

        Raises:
            ValueError: an unknown class, or there are no targets and `truth` is given.
        """
        truth, predicted = self._to_cell(truth, predicted)
        return most_first(self._count_cell(self._to_model(model), truth, predicted))

    def images_between(self, low: float, high: float, *, model: int = 0) -> dict[int, int]:
        """Return the images that a bin of the histogram counts.

        Args:
            low: what the probability or score is above; below the first stop, for all.
            high: what it is not above. Of pixels both move to the nearest stop.
            model: which model, where two are compared.

        Returns:
            The count of pixels, or of candidates, by the index of the image, the highest first; of
            the shown class where one is shown.

        Raises:
            ValueError: these are not two increasing numbers.
        """
        remedy = "Pass for example images_between(0.4, 0.5)."
        bounds = [to_number(n, v, remedy=remedy) for n, v in (("low", low), ("high", high))]
        if not bounds[0] < bounds[1]:
            raise refusal("low", expected=f"less than high, {high!r}", got=repr(low), remedy=remedy)
        return most_first(self._count_between(self._to_model(model), *bounds))

    @renamed_arguments(class_name="label")
    def worst(
        self,
        n: int | None = None,
        label: int | str | None = None,
        *,
        metric: str | None = None,
        model: int = 0,
    ) -> list[int]:
        """Return the images where a metric is lowest at the dial's position, the worst first.

        Images with neither targets nor predictions of the class are left out, and those where the
        metric is undefined come last.

        Args:
            n: how many at most; None for all.
            label: of which class, by its label or name; None for what is shown.
            metric: its name; None is Dice, for boxes F1.
            model: which model, where two are compared.

        Returns:
            Indices of images.

        Raises:
            ValueError: an unknown class or metric, or there are no targets.
        """
        if n is not None:
            n = to_whole("n", n, 0, remedy="Pass a number of images, or None for all.")
        chosen = None if label is None else self._to_label(label)
        table = self._image_table(self._to_model(model), chosen)
        metric = self._BEST if metric is None else metric
        one_of("metric", metric, [name for name in table if table[name].is_floating_point()])
        counted = table["tp"] + table["fp"] + table["fn"]
        return worst_first(table[metric].to(torch.float64), counted)[:n]

    def to_pandas(self, *, model: int = 0) -> pd.DataFrame:
        """Return a row for each image with its counts and metrics at the dial's position.

        They are of what is shown: of one class, or of all pooled. The index is the image's.

        Raises:
            ValueError: there are no targets.
        """
        import pandas as pd

        table = self._image_table(self._to_model(model), None)
        frame: pd.DataFrame = pd.DataFrame({name: v.numpy() for name, v in table.items()})
        frame.index.name = "image"
        return frame

    @property
    @abstractmethod
    def _shown(self) -> tuple[int, tuple[Frame, ...]]:
        """Version and frames, of each model, that the values are of."""

    @abstractmethod
    def _count_cell(self, model: int, truth: int, predicted: int) -> torch.Tensor:
        """Return what a cell counts in each image, int64 (N,); see sweeps/image_choice.py."""

    @abstractmethod
    def _count_between(self, model: int, low: float, high: float) -> torch.Tensor:
        """Return how many pixels or candidates of each image are in an interval, int64 (N,)."""

    @abstractmethod
    def _image_table(self, model: int, label: int | None) -> dict[str, torch.Tensor]:
        """Return counts and metrics of each image, of one class or of what is shown, (N,)."""

    def _keys_of_classes(self) -> list[tuple[str, int]]:
        """Return what each class may be called."""
        return list(zip(self._class_names, self._labels, strict=True))

    def _to_model(self, model: int) -> int:
        last = len(self._shown[1]) - 1
        return to_whole("model", model, 0, last, remedy="Models count from 0.")

    def _to_image(self, image: int) -> int:
        last = len(self._images) - 1
        image = to_whole("image", image, -last - 1, last, remedy="Images count from 0.")
        return range(len(self._images))[image]

    def _to_cell(self, truth: ClassChoice, predicted: ClassChoice) -> tuple[int, int]:
        if self._targets is None and not _is_any(truth):
            raise refusal(
                "truth",
                expected='"any", since there are no targets',
                got=describe(truth),
                remedy="Pass targets= to the preview.",
            )
        return self._side("truth", truth), self._side("predicted", predicted)

    def _side(self, name: str, choice: ClassChoice) -> int:
        if choice is None:
            return len(self._class_names)
        return ANY if _is_any(choice) else self._class_index(name, choice)

    def _to_label(self, choice: int | str) -> int:
        return self._labels[self._class_index("label", choice)]

    def _class_index(self, name: str, choice: Any) -> int:
        key = choice if isinstance(choice, str) else to_float(choice)
        for index, keys in enumerate(self._keys_of_classes()):
            if key in keys:
                return index
        known = ", ".join(repr(n) for n in self._class_names[:8])
        raise refusal(
            name,
            expected=f"a class among {known}",
            got=describe(choice),
            remedy="Use the class_names of the preview.",
        )


def _is_any(choice: Any) -> bool:
    return isinstance(choice, str) and choice == "any"


def needed_counts(counts: Counts | None) -> Counts:
    """Return what images are counted by.

    Raises:
        ValueError: there are no targets.
    """
    if counts is None:
        raise refusal(
            "targets",
            expected="targets of the shown images",
            got="none",
            remedy="Pass targets= to the preview.",
        )
    return counts
