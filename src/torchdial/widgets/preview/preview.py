"""Common to all previews: pictures within a budget, settings, notices, a static picture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, groupby
from typing import Any, ClassVar, TypeVar

import traitlets as t

from torchdial.array_types import Bytes
from torchdial.deprecation import warn_renamed
from torchdial.inputs.arguments import to_own_thresholds
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.display_window import Window
from torchdial.models.inference import Model
from torchdial.models.predictions import at_other_images
from torchdial.report.saved_widget import SavedWidget
from torchdial.sweeps.metric_formulas import Average
from torchdial.widgets.base import Widget
from torchdial.widgets.preview.number_traits import Fraction, OwnThresholds, Threshold, Whole
from torchdial.widgets.preview.plane_coding import (
    CodedPlane,
    Pictures,
    code_planes,
    may_be_lossy,
)
from torchdial.widgets.preview.shown_images import Frame, ShownImages

ClassThresholds = Sequence[float | None] | Mapping[Any, float] | None
Display = Callable[[Any], Any] | Any
Curves = TypeVar("Curves")

PAGE_SIZE = 16
OPENING_BYTES = 4 << 20  # past the first page, planes follow when the browser asks for them
FIRST_PAGE_BYTES = 128 << 20  # and within it past the first image
FIRST_MAP_BYTES = 32 << 20  # of which the maps, of many classes, of more than one image
MESSAGE_BYTES = 32 << 20  # past this, planes come in several messages


class Preview(ShownImages[Frame], Widget):
    """Traits and messages of all previews; js/src/lib/preview/preview_shell.ts is the other end.

    A preview sets `_class_names` and `_average` before it calls this constructor.
    """

    _DIAL: ClassVar[str]
    """The trait that a class's own threshold stands in for."""

    class_thresholds: t.List[float | None] = OwnThresholds().tag(sync=True, echo_update=False)
    """A threshold for each class, None where it follows the dial; empty when all do. It may be set
    by a dict, too: for some classes by their names."""

    label: t.TraitType[int | None, int | str | None] = t.Any(None).tag(sync=True, echo_update=False)
    """The class that is shown, by its label; None shows all. It may be set by a name."""

    _config = t.Dict().tag(sync=True, echo_update=False)
    _pictures = t.Dict().tag(sync=True, echo_update=False)
    _frame = t.Dict().tag(sync=True, echo_update=False)
    _curves: t.List[dict[str, Any] | None] = t.List().tag(sync=True, echo_update=False)
    _notice = t.Unicode("").tag(sync=True, echo_update=False)

    _images: Any
    _average: Average
    _window: Window | None
    _pictures_as: Pictures = "compact"

    def __init__(self, frames: Sequence[Frame], num_images: int, **traits: Any) -> None:
        self._newest = (0, tuple(frames))  # replaced as a whole: messages may come on a thread
        self._opening = list(self._opening_keys(num_images))
        self._requested: list[str] = []
        with ThreadPoolExecutor(1) as thread:  # pictures take about as long as maps
            pictures = thread.submit(self._shown_tiles)
            frame = self._pack_frame()
        super().__init__(_pictures={"tiles": pictures.result()}, _frame=frame, **traits)

    @property
    def shown_class(self) -> int | None:
        """The position of `label` among the classes, by its old name."""
        warn_renamed("shown_class", "label")
        return None if self.label is None else self._labels.index(self.label)

    @shown_class.setter
    def shown_class(self, position: int | None) -> None:
        warn_renamed("shown_class", "label")
        self.label = None if position is None else self._labels[position]

    @property
    def notice(self) -> str:
        """The message that the widget shows, empty without one."""
        return str(self._notice)

    @property
    def average(self) -> Average:
        """How metrics are averaged."""
        return self._average

    @abstractmethod
    def _metrics_of(self, curves: Any) -> dict[str, Any]:
        """Return counts and metrics at the dial's position, for what is shown."""

    # Frames

    @property
    def _shown(self) -> tuple[int, tuple[Frame, ...]]:
        """Version and frames, of each model, that Python's values are of."""
        return self._newest

    def _show(self, frames: Sequence[Frame]) -> None:
        """Replace the models' frames and keep the user's settings; all frames or none."""
        before = self._newest
        self._newest = (before[0] + 1, tuple(frames))
        try:
            self._frame = self._pack_frame()
        except Exception:
            self._newest = before
            raise

    def _try_frame(
        self, measure: Callable[[], Frame], pictures: Callable[[], Any] | None = None
    ) -> bool:
        """Show a new frame, or new pictures with it; else keep the last good one and say why."""
        try:
            shown = None if pictures is None else pictures()
            frame = measure()
            with self.hold_sync():
                if shown is not None:
                    self._images = shown
                    self._pictures = {"tiles": self._shown_tiles()}
                self._show([frame])
        except Exception as error:  # a training loop must go on, whatever is refused
            self._notice = f"The picture is an earlier one: this frame was refused. {error}"
            return False
        self._notice = self._remark()
        return True

    def _remark(self) -> str:
        """Return the notice beside a frame that is shown."""
        return ""

    def _pack_frame(self) -> dict[str, Any]:
        version, frames = self._newest
        keys = [*self._opening, *self._recent_requests()]
        sources = [
            self._pack_source(frame) | {"tiles": self._tiles(k for k in keys if is_of(k, i))}
            for i, frame in enumerate(frames)
        ]
        return {"version": version, "sources": sources}

    @abstractmethod
    def _pack_source(self, frame: Frame) -> dict[str, Any]:
        """Return one model's part of `_frame`, without its planes."""

    # Planes: pictures, and what the models return at the same size

    @abstractmethod
    def _keys_of_image(self, image: int) -> list[str]:
        """Return the keys of the planes with which an image is shown first."""

    def _keys_in_file(self, image: int) -> list[str]:
        """Return the keys of all planes of an image that a page may request."""
        return self._keys_of_image(image)

    @abstractmethod
    def _planes(self, keys: Sequence[str]) -> list[Bytes]:
        """Return the planes of keys, of the newest frames.

        Raises:
            KeyError: there is no such plane.
        """

    def _tiles(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        keys = list(keys)
        return tiles_of(keys, self._coded(keys))

    def _shown_tiles(self) -> list[dict[str, Any]]:
        """Return the planes that are of no model: images and targets."""
        keys = [*self._opening, *self._recent_requests()]
        return self._tiles(key for key in keys if is_lasting(key))

    def _is_lossy(self) -> bool:
        is_plain = self._pictures_as == "compact" and self._window is None
        return is_plain and may_be_lossy(self._images)

    def _coded(self, keys: Sequence[str]) -> list[CodedPlane]:
        is_lossy = self._is_lossy()
        lossy = [is_lossy and key.startswith("image/") for key in keys]
        return code_planes(self._planes(keys), lossy)

    def _recent_requests(self) -> list[str]:
        """Return the keys that the browser requested last, within a budget."""
        recent = self._requested[::-1]
        sizes = accumulate(plane.nbytes for plane in self._planes(recent))
        return [key for key, size in zip(recent, sizes, strict=True) if size <= OPENING_BYTES]

    def _opening_keys(self, num_images: int) -> Iterator[str]:
        """Yield the keys of the opening state: the first page, then more within a budget."""
        size = size_of_maps = 0
        for image in range(num_images):
            keys = self._keys_of_image(image)
            for key, plane in zip(keys, self._planes(keys), strict=True):
                size += plane.nbytes
                size_of_maps += 0 if key.startswith("image/") else plane.nbytes
            most = FIRST_PAGE_BYTES if image < PAGE_SIZE else OPENING_BYTES
            if image and (size > most or size_of_maps > FIRST_MAP_BYTES):
                return
            yield from keys

    def _saved(self) -> SavedWidget:
        saved = super()._saved()
        frame = self._frame
        bare = [source | {"tiles": []} for source in frame["sources"]]
        saved.state |= {"_frame": frame | {"sources": bare}, "_pictures": {"tiles": []}}
        saved.num_pictures = int(self._config["num_images"])
        saved.picture = self._picture_in_file
        return saved

    def _picture_in_file(self, image: int) -> dict[str, Any]:
        keys = self._keys_in_file(image)
        coded = zip(keys, self._coded(keys), strict=True)
        return {key: one._asdict() if one.coding else one.data for key, one in coded}

    # Messages

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return super()._actions() | {"need": self._send_tiles}

    def _send_tiles(self, content: Mapping[str, Any]) -> None:
        keys = [str(key) for key in content["keys"]]
        new = [key for key in keys if key not in self._opening]
        self._requested = [key for key in self._requested if key not in new] + new
        sizes = accumulate(plane.nbytes for plane in self._planes(keys))
        part_of = dict(zip(keys, (size // MESSAGE_BYTES for size in sizes), strict=True))
        for _, part in groupby(keys, part_of.__getitem__):
            some = list(part)
            version, coded = self._answer(content, some)
            reply = {"type": "tiles", "id": content.get("id"), "version": version, "keys": some}
            self.send(reply | {"codings": [c for _, c in coded]}, [data for data, _ in coded])

    def _answer(
        self, _content: Mapping[str, Any], keys: Sequence[str]
    ) -> tuple[int, list[CodedPlane]]:
        """Return the version of the frame that a page asks for planes of, and the planes."""
        version = self._newest[0]
        return version, self._coded(keys)

    # What may be set

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Set traits from the page, whose sliders may have another range.

        Numbers out of range move to its end, and what was moved is sent back.
        """
        moved = {
            name: trait.nearest(self, sync_data[name])
            for name, trait in self.traits().items()
            if isinstance(trait, (Fraction, Threshold, Whole)) and name in sync_data
        }
        super().set_state(sync_data | moved)
        beyond = [name for name, value in moved.items() if value != sync_data[name]]
        if beyond:
            self.send_state(beyond)

    def apply(self, setting: str | Mapping[str, Any]) -> None:
        """Go to a setting, as the copy button or `export()` of such a preview gives it.

        Args:
            setting: the copied line of text, or the dict.

        Raises:
            ValueError: it is no such setting, or one of a preview that was made otherwise; nothing
                is changed then.
        """
        traits = self._to_traits(setting)
        before = {name: getattr(self, name) for name in traits}
        try:
            self._set_all(traits)
        except Exception:  # a value that only the trait refuses
            self._set_all(before)
            raise

    def _set_all(self, traits: Mapping[str, Any]) -> None:
        with self.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self, name, value)

    @abstractmethod
    def _to_traits(self, setting: Any) -> dict[str, Any]:
        """Return the traits of a setting."""

    @t.validate("label")
    def _valid_label(self, proposal: Any) -> int | None:
        given: Any = proposal["value"]
        return None if given is None else self._to_label(given)

    def _to_view(self, given: Any, known: Sequence[str]) -> str:
        if given in known:
            return str(given)
        remedy = "The errors view needs targets." if given == "errors" else "Choose one of these."
        raise t.TraitError(f"view: expected {' | '.join(known)}, got {given!r}. {remedy}")

    @abstractmethod
    def _to_own(self, given: float) -> float:
        """Return a class's own threshold at the nearest stop."""

    def _to_class_thresholds(self, given: ClassThresholds) -> list[float | None]:
        names = self._class_names
        if given is None or (isinstance(given, (list, tuple, dict)) and not given):
            return []
        if len(names) == 1:
            raise refusal(
                "class_thresholds",
                expected="None for a single class",
                got=describe(given),
                remedy=f"Pass {self._DIAL}=.",
            )
        each = self._listed(given) if isinstance(given, Mapping) else to_own_thresholds(given)
        if not each or all(own is None for own in each):
            return []
        if len(each) != len(names):
            raise refusal(
                "class_thresholds",
                expected=f"one number or None for each of {len(names)} classes",
                got=describe(given),
                remedy="Pass a dict by class name to set only some.",
            )
        return [None if own is None else self._to_own(own) for own in each]

    def _listed(self, given: Mapping[Any, float]) -> list[float | None]:
        classes = self._keys_of_classes()
        unknown = [key for key in given if not any(key in keys for keys in classes)]
        if unknown:
            raise refusal(
                "class_thresholds",
                expected=f"names among {', '.join(self._class_names[:8])}",
                got=repr(unknown[0]),
                remedy="Use the class_names of the preview.",
            )
        return [next((given[key] for key in keys if key in given), None) for keys in classes]


class ModelPreview(Preview[Frame]):
    """A preview that may have been made by `from_model`, and can then show other images."""

    _source: Any
    _targets: Any
    _to_pictures: Callable[[Any], Any]
    _display: Display = None

    @abstractmethod
    def _measure(self, source: Any) -> Frame:
        """Return the frame of what a source gives now."""

    def look_at(self, images: Any, model: Model | None = None) -> bool:
        """Show other images, of the same number and sizes, and what a model makes of them.

        The settings of the dial are kept. If images cannot be shown, the last ones stay, with a
        notice; `torchdial.stream` calls this for every frame.

        Args:
            images: the model's input, as for `from_model`.
            model: in place of the one the preview was made with.

        Returns:
            Whether they are shown.

        Raises:
            TypeError: the preview was made of output, with targets, or with other images as
                `display`.
            ValueError: the images are no input of a model.
        """
        if self._display is not None and not callable(self._display):
            raise TypeError(
                "look_at: expected a preview whose display= is a function of the images, got one "
                "with images. Pass from_model(..., display=lambda images: images[:, :3])."
            )
        source = at_other_images(self._source, images, model, targets=self._targets is not None)
        return self._try_frame(
            lambda: self._measure(source),
            lambda: self._to_pictures(to_display(images, self._display)),
        )


def tiles_of(keys: Sequence[str], planes: Sequence[CodedPlane]) -> list[dict[str, Any]]:
    """Return planes as a page reads them from a trait."""
    return [{"key": key, **one._asdict()} for key, one in zip(keys, planes, strict=True)]


def is_lasting(key: str) -> bool:
    """Return whether a plane is of no model, but an image or a target."""
    return key.startswith(("image/", "target/"))


def is_of(key: str, source: int) -> bool:
    """Return whether a plane is of a model."""
    return not is_lasting(key) and key.split("/")[1] == str(source)


def to_display(images: Any, display: Display) -> Any:
    """Return what is shown for a model's input."""
    if display is None:
        return images
    return display(images) if callable(display) else display


def needed(curves: Curves | None, sweep: str) -> Curves:
    """Return the curves that metrics need.

    Raises:
        ValueError: there are none.
    """
    if curves is None:
        raise ValueError(
            "metrics: expected targets or curves, got neither. Pass targets=, or curves= from "
            f"a {sweep}."
        )
    return curves
