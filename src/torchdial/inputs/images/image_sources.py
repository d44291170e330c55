"""Where pictures come from: tensors, a dataset, or a loader that is read as far as needed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.tensor_images import Picture, PictureReader


class PictureSource:
    """Pictures by index, read when they are asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many pictures there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Picture:
        """Return one picture.

        Raises:
            ValueError: it cannot be shown, with the reason.
        """


def to_source(images: Any, reader: PictureReader) -> PictureSource:
    """Return a source of what `to_pictures` takes, of a dataset, or of a loader.

    Of a dataset's items and a loader's batches that are tuples the first part is shown, of dicts
    "image", "pixel_values" or the first tensor.

    Args:
        images: the pictures.
        reader: reads them.

    Raises:
        ValueError: neither of these.
    """
    if isinstance(images, DataLoader):
        return _FromLoader(images, reader)
    if _is_plain(images):
        return _Given(reader.read(images))
    if hasattr(images, "__getitem__") and hasattr(images, "__len__") and not _is_text(images):
        return _FromDataset(images, reader)
    raise refusal(
        "images",
        expected="tensors, arrays, Pillow images, a dataset with a length, or a DataLoader",
        got=describe(images),
        remedy="Make a list of what an iterator yields.",
    )


class _Given(PictureSource):
    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:
        return self._pictures[index]


class _FromDataset(PictureSource):
    """Each item as one picture; the last ones are kept, since hovering asks for their values."""

    KEPT = 128

    def __init__(self, dataset: Any, reader: PictureReader) -> None:
        self._dataset, self._reader = dataset, reader
        self._last: dict[int, Picture] = {}
        if len(dataset) == 0:
            raise _refuse_empty()

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Picture:
        if index not in self._last:
            shown = self._reader.read([_image_in(self._dataset[index])])
            if len(shown) != 1:
                raise refusal(
                    f"images[{index}]",
                    expected="one picture for each item, of 1 or 3 channels, or 4 in uint8",
                    got=f"{len(shown)}",
                    remedy="Show feature maps of one image at a time: ImageGrid(maps[0]).",
                )
            if len(self._last) >= self.KEPT:
                self._last.pop(next(iter(self._last)))
            self._last[index] = shown[0]
        return self._last[index]


class _FromLoader(PictureSource):
    """Batches in the order of the loader, read up to the picture that is asked for, and kept."""

    def __init__(self, loader: DataLoader[Any], reader: PictureReader) -> None:
        try:
            self._count = len(loader.dataset)  # type: ignore[arg-type]
        except TypeError:
            raise refusal(
                "images",
                expected="a loader of a dataset with a length",
                got=f"one of {type(loader.dataset).__name__}",
                remedy="Pass a list of the batches that you want to see.",
            ) from None
        if self._count == 0:
            raise _refuse_empty()
        self._reader = reader
        self._read: list[Picture] = []
        self._batches: Iterator[Any] = iter(loader)
        self._failure: Exception | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Picture:
        while len(self._read) <= index:
            batch = self._next_batch()
            if batch is None:
                self._count = len(self._read)  # drop_last, or a sampler of fewer
                raise IndexError(index)
            self._read.extend(self._reader.read(_image_in(batch)))
        return self._read[index]

    def _next_batch(self) -> Any:
        if self._failure is not None:
            raise self._failure  # the loader would go on with the batch after the failed one
        try:
            return next(self._batches, None)
        except Exception as error:
            self._failure = error
            raise


def _is_plain(images: Any) -> bool:
    if isinstance(images, (torch.Tensor, np.ndarray)) or hasattr(images, "__array_interface__"):
        return True
    if not isinstance(images, (list, tuple)):
        return False
    return all(_is_plain(image) for image in images)


def _is_text(images: Any) -> bool:
    return isinstance(images, (str, bytes))


def _image_in(item: Any) -> Any:
    if isinstance(item, Mapping):
        names: Iterable[Any] = [n for n in ("image", "pixel_values") if n in item]
        parts = [item[name] for name in names] or [v for v in item.values() if _is_plain(v)]
        return parts[0] if parts else item
    if isinstance(item, (tuple, list)) and len(item) > 0:
        return item[0]
    return item


def _refuse_empty() -> ValueError:
    return refusal("images", expected="images", got="none", remedy="Pass at least one.")
