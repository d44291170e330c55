"""Pictures of any tensor as a widget."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
import traitlets as t
from torch import nn

from torchdial.array_types import Bytes
from torchdial.inputs.arguments import to_list
from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.boxes.class_names import ClassNames, to_classes
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.image_sources import to_source
from torchdial.inputs.images.overlays import NO_OVERLAY, Overlay, to_overlays
from torchdial.inputs.images.preview_images import Numbers
from torchdial.inputs.images.reduced_pictures import reduced, reduction_of
from torchdial.inputs.images.tensor_images import Normalize, Picture, PictureReader, category_colors
from torchdial.report.saved_widget import SavedWidget
from torchdial.structure.feature_maps import feature_maps
from torchdial.training.history.arrival import is_capturing
from torchdial.widgets.base import Widget
from torchdial.widgets.preview.plane_coding import plane_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID_PAGE_SIZE = 64
WATCH_SECONDS = 0.5


class ImageGrid(Widget):
    """Shows pictures of any tensor, zoomed and moved together, with values on hover.

    A picture whose values are not shown from 0 to 1 or from 0 to 255 has the range that black and
    white stand for in its caption, and a mask that has not the picture's size is named there.
    Pages are read when they are shown; of a dataset the last 128 pictures are kept, of a loader,
    which cannot go back, all that were read. A picture that cannot be read leaves a message on the
    widget.

    Args:
        images: what `torchdial.inputs.images.tensor_images.to_pictures` reads, a dataset, or a
            DataLoader. Of items that are tuples the first part is shown.
        captions: a text for each picture.
        targets: for each image masks or boxes to lay over it: a label map or bool mask (H, W), or
            torchvision's dict of boxes, labels and masks.
        mean: what was subtracted from the images, to undo it.
        std: what they were divided by.
        cmap: a matplotlib colour map for pictures of one channel.
        normalize: what is black and what is white: (low, high), "image", "batch", or None for 0
            and 1 of floats where all values lie between, else as "image". Integers that are no
            labels have one window, the same after a refresh; see `to_pictures`.
        box_format: of boxes in `targets`.
        class_names: a name for each label of `targets`, as a list of those of 0 … C - 1 or a dict
            by label; they stand at boxes and come on hover.

    Raises:
        ValueError: input that cannot be shown as it is, with the reason and a remedy.

    Example:
        >>> grid = ImageGrid(torch.rand(8, 3, 32, 32), captions=list("abcdefgh"))
        >>> grid.selected = [2]
        >>> grid
        ImageGrid(8 pictures)
    """

    _STEM = "image_grid"
    _SETTABLE = ("selected",)

    selected = t.List(t.Int()).tag(sync=True, echo_update=False)
    """Indices of the chosen pictures, in the order they were chosen."""

    _config = t.Dict().tag(sync=True, echo_update=False)
    _frame = t.Dict().tag(sync=True, echo_update=False)
    _notice = t.Unicode("").tag(sync=True, echo_update=False)

    def __init__(
        self,
        images: Any,
        *,
        captions: Sequence[str] | None = None,
        targets: Any = None,
        mean: Numbers = None,
        std: Numbers = None,
        cmap: str | None = None,
        normalize: Normalize = None,
        box_format: BoxFormat | None = None,
        class_names: ClassNames = None,
    ) -> None:
        self._reader = PictureReader(mean, std, cmap, normalize)
        self._source = to_source(images, self._reader)
        self._captions = _to_captions(captions, len(self._source))
        self._class_names = to_classes(class_names, [])
        self._overlays = None
        if targets is not None:
            self._overlays = to_overlays(targets, len(self._source), box_format, class_names)
        self._hooks: list[Any] = []
        self._version = 0
        super().__init__(_config=self._pack_config(), _frame=self._pack_frame())

    def __repr__(self) -> str:
        """Return a line of text, where the widget cannot be displayed."""
        return f"ImageGrid({len(self._source):,} pictures)"

    def picture(self, index: int) -> Picture:
        """Return one picture: its pixels as they are shown, and the values behind them.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= index < len(self._source):
            raise IndexError(f"picture: expected 0 … {len(self._source) - 1}, got {index}.")
        return self._source[index]

    def refresh(self, images: Any) -> bool:
        """Show other images in place of these.

        Captions and targets belong to the indices they were given for, and chosen pictures stay
        chosen while there are as many. Images that cannot be shown leave the last ones and a
        notice on the widget; nothing is raised into a training loop.

        Returns:
            Whether they are shown.
        """
        return self._try_to_show(lambda: images)

    def _try_to_show(self, read: Callable[[], Any]) -> bool:
        before = self._source, self._version
        try:
            self._source = to_source(read(), self._reader)
            self._version += 1
            config, frame = self._pack_config(), self._pack_frame()
        except Exception as error:  # the training must go on
            self._source, self._version = before
            self._notice = f"The pictures are earlier ones: these were refused. {error}"
            return False
        with self.hold_sync():
            self._config, self._frame, self._notice = config, frame, self._what_is_missing()
            self.selected = [i for i in self.selected if i < len(self._source)]
        return True

    def _what_is_missing(self) -> str:
        """Return what to say where there are more pictures than captions or targets."""
        given = {"captions": self._captions, "targets": self._overlays}
        few = [f"{len(g)} {name}" for name, g in given.items() if g and len(g) < len(self._source)]
        if not few:
            return ""
        pictures = f"{len(self._source):,} pictures"
        return f"There are {pictures}, but {' and '.join(few)}: later pictures have none."

    def watch(self, module: nn.Module, channel: int | Sequence[int] | None = None) -> None:
        """Show what a module returns for the first image, live, at most twice a second.

        Each channel becomes a picture. Copying them waits for the device; otherwise a forward
        pass only reads a clock. An output that cannot be shown leaves a notice on the widget and
        raises nothing. `close()` removes the hook.

        Args:
            module: one whose output is a tensor (N, C, H, W), or a tuple or dict that begins with
                one.
            channel: which channels; None shows the first 64.

        Raises:
            ValueError: it is no module.
        """
        if not isinstance(module, nn.Module):
            raise refusal(
                "module",
                expected="a torch.nn.Module",
                got=describe(module),
                remedy="Pass a part of the model, such as model.layer1.",
            )
        chosen = slice(GRID_PAGE_SIZE) if channel is None else np.atleast_1d(channel).tolist()
        last = -WATCH_SECONDS

        def look(_module: Any, _args: Any, output: Any) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < WATCH_SECONDS or torch.compiler.is_compiling() or is_capturing():
                return
            last = now
            self._try_to_show(lambda: list(feature_maps(output)[chosen].detach().float().cpu()))

        self._hooks.append(module.register_forward_hook(look))

    def close(self) -> None:
        """Close the widget and remove its hooks from watched modules."""
        for hook in self.__dict__.pop("_hooks", []):
            hook.remove()
        super().close()

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of the first page, with captions."""
        from torchdial.figures.static.image_sheet import image_figure

        return image_figure(
            [self._laid_over(i) for i in self._first_page()],
            [self._caption(i) for i in self._first_page()],
            ax,
        )

    def _static_picture(self) -> bytes:
        from torchdial.figures.static.png_picture import sheet_png

        page = self._first_page()
        return sheet_png([self._laid_over(i) for i in page], [self._caption(i) for i in page])

    def _laid_over(self, index: int) -> Bytes:
        picture = self._source[index]
        mask = self._overlay(index).mask_for(picture.pixels)
        if mask is None:
            return picture.pixels
        pixels = picture.pixels[..., :3] if picture.pixels.shape[2] > 1 else picture.pixels
        mixed = (pixels.astype(float) + category_colors(mask)) / 2
        return np.where(mask[..., None] > 0, mixed, pixels).astype(np.uint8)

    # The wire

    def _first_page(self) -> range:
        return range(min(GRID_PAGE_SIZE, len(self._source)))

    def _pack_config(self) -> dict[str, Any]:
        shapes = [self._source[i].pixels.shape for i in self._first_page()]
        return {
            "num_images": len(self._source),
            "height": max(shape[0] for shape in shapes),
            "width": max(shape[1] for shape in shapes),
            "page_size": GRID_PAGE_SIZE,
            "has_overlays": self._overlays is not None,
            "class_names": {str(label): name for label, name in self._class_names.items()},
            "color_bar": None if self._reader.color_bar is None else asdict(self._reader.color_bar),
        }

    def _pack_frame(self) -> dict[str, Any]:
        keys = [key for i in self._first_page() for key in self._opening_keys(i)]
        tiles = [{"key": key, "data": plane_bytes(self._tile(key))} for key in keys]
        return {"version": self._version, "tiles": tiles}

    def _opening_keys(self, index: int) -> Iterator[str]:
        yield f"about/{index}"
        factor = reduction_of(self._source[index].pixels)
        yield f"{'small' if factor > 1 else 'picture'}/{index}"

    def _tile(self, key: str) -> Bytes:
        """Return the bytes of a key.

        Raises:
            KeyError: there is none.
            ValueError: its picture cannot be shown.
        """
        kind, _, number = key.partition("/")
        if not number.isdecimal() or int(number) >= len(self._source):
            raise KeyError(key)
        index = int(number)
        picture = self.picture(index)
        if kind == "about":
            return np.frombuffer(json.dumps(self._about(index, picture)).encode(), np.uint8)
        if kind == "picture":
            return picture.pixels
        if kind == "small":
            return reduced(picture.pixels)
        overlay = self._overlay(index)
        found = {"mask": overlay.mask_for(picture.pixels), "boxes": overlay.box_bytes()}.get(kind)
        if found is None:
            raise KeyError(key)
        return found

    def _saved(self) -> SavedWidget:
        saved = super()._saved()
        saved.state["_frame"] = {"version": self._version, "tiles": []}
        saved.num_pictures = len(self._source)
        saved.picture = self._picture_in_file
        return saved

    def _picture_in_file(self, index: int) -> dict[str, Any]:
        """Return all tiles of a picture that a page may request, and its values."""
        tiles = {}
        for kind in ("about", "small", "picture", "mask", "boxes"):
            with suppress(KeyError):
                tiles[f"{kind}/{index}"] = plane_bytes(self._tile(f"{kind}/{index}"))
        return tiles | {f"values/{index}": _pack_values(self.picture(index).values)}

    def _about(self, index: int, picture: Picture) -> dict[str, Any]:
        height, width, channels = picture.pixels.shape
        overlay = self._overlay(index)
        return {
            "height": height,
            "width": width,
            "channels": channels,
            "reduced": reduction_of(picture.pixels),
            "caption": self._name(index),
            "range": self._remarks(index),
            "has_mask": overlay.mask_for(picture.pixels) is not None,
            "has_boxes": overlay.box_bytes() is not None,
            "instances": overlay.instances,
        }

    def _caption(self, index: int) -> str:
        return "  ".join(filter(None, (self._name(index), self._remarks(index))))

    def _remarks(self, index: int) -> str:
        """Return what black and white stand for, and why a mask is not drawn."""
        picture, mask = self._source[index], self._overlay(index).mask
        words = [] if picture.range is None else ["[{:.3g}, {:.3g}]".format(*picture.range)]
        if mask is not None and mask.shape != picture.pixels.shape[:2]:
            words.append(f"mask of {mask.shape[0]} × {mask.shape[1]} not drawn")
        return "  ".join(words)

    def _name(self, index: int) -> str:
        if self._captions is not None and index < len(self._captions):
            return self._captions[index]
        channel = self._source[index].channel
        if len(self._source) == 1:
            return ""
        return str(index + 1) if channel is None else f"channel {channel}"

    def _overlay(self, index: int) -> Overlay:
        overlays = self._overlays or []
        return overlays[index] if index < len(overlays) else NO_OVERLAY

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return super()._actions() | {"need": self._send_tiles, "pixel": self._send_pixel}

    def _send_tiles(self, content: Mapping[str, Any]) -> None:
        version, tiles = self._version, {}
        failure: Exception | None = None
        for key in map(str, content["keys"]):
            try:
                tiles[key] = plane_bytes(self._tile(key))
            except Exception as error:  # of one picture; the others are shown
                failure = failure or ValueError(_cannot_be_shown(key, error))
        if tiles:
            reply = {"type": "tiles", "id": content.get("id"), "version": version}
            self.send(reply | {"keys": list(tiles)}, list(tiles.values()))
        if failure is not None:
            raise failure

    def _send_pixel(self, content: Mapping[str, Any]) -> None:
        index, x, y = (int(content[name]) for name in ("image", "x", "y"))
        values = self.picture(index).values
        if not (0 <= y < values.shape[0] and 0 <= x < values.shape[1]):
            raise ValueError(f"no pixel ({x}, {y}) in a picture of shape {values.shape}")
        numbers = np.atleast_1d(values[y, x]).tolist()
        words = [f"{n:.4g}" if isinstance(n, float) else str(n) for n in numbers]
        reply = {"type": "pixel", "id": content.get("id"), "image": index, "x": x, "y": y}
        self.send(reply | {"values": ", ".join(words)})

    @t.validate("selected")
    def _valid_selected(self, proposal: Any) -> list[int]:
        chosen: list[int] = list(dict.fromkeys(proposal["value"]))
        count = len(self._source)
        wrong = [i for i in chosen if not 0 <= i < count]
        if wrong:
            raise t.TraitError(f"selected: expected indices 0 … {count - 1}, got {wrong[0]}.")
        return chosen


def _pack_values(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Return the values of pixels for js/src/lib/report/kernel_answers.ts."""
    kinds = ("b1", "u1", "i4", "f4", "f8")
    dtype = next(kind for kind in kinds if np.can_cast(values.dtype, kind))
    return {
        "dtype": dtype,
        "width": values.shape[1],
        "channels": math.prod(values.shape[2:]),
        "data": values.astype(f"<{dtype}").tobytes(),
    }


def _to_captions(captions: Sequence[str] | None, count: int) -> list[str] | None:
    if captions is None:
        return None
    expected, remedy = f"a text for each of {count} pictures", "Pass a list of strings."
    listed = to_list("captions", captions, expected=expected, remedy=remedy)
    if len(listed) != count:
        raise refusal("captions", expected=expected, got=describe(captions), remedy=remedy)
    return [str(caption) for caption in listed]


def _cannot_be_shown(key: str, error: Exception) -> str:
    words = f"{key.replace('/', ' ')} cannot be shown: {type(error).__name__}: {error}"
    return words.removeprefix("about ").removesuffix(": ")
