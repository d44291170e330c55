"""What every segmentation widget shares: one dial over the maps of one model or two."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets as t

from torchdial.inputs.maps import Task
from torchdial.inputs.refusal import describe, refusal
from torchdial.inputs.stops import Stops
from torchdial.sweeps.curves import ThresholdCurves
from torchdial.sweeps.formulas import Average
from torchdial.sweeps.frames import SegmentationFrame
from torchdial.widgets.bundle import bundle
from torchdial.widgets.wire import pack_floats, pack_tally, pack_tile, plane_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bytes = npt.NDArray[np.uint8]
ClassThresholds = Sequence[float | None] | Mapping[str, float] | None

PAGE_SIZE = 16
SETTABLE = ("threshold", "class_thresholds", "shown_class", "view")
OPENING_BYTES = 48 << 20  # past the first page, planes follow when the browser asks for them


class SegmentationDial(anywidget.AnyWidget):
    """Traits and messages of the dial; made by `SegmentationPreview` and `compare`."""

    _esm = bundle("segmentation.js")
    _css = bundle("segmentation.css")
    # ipywidgets 7 would display without the static picture.
    _ipython_display_ = None

    threshold = t.Float(0.5).tag(sync=True, echo_update=False)
    """A pixel is on where p > threshold. Moves to the nearest stop, in [0, 1]."""

    class_thresholds = t.List(t.Float(allow_none=True)).tag(sync=True, echo_update=False)
    """A threshold for each class, None where it follows `threshold`; empty when all do."""

    shown_class = t.Int(None, allow_none=True).tag(sync=True, echo_update=False)
    """Index of the class that is shown, None for all of them."""

    view = t.Unicode("overlay").tag(sync=True, echo_update=False)
    """How maps are drawn: "mask", "overlay", "heat", "outline" or, with targets, "errors"."""

    _config = t.Dict().tag(sync=True, echo_update=False)
    _pictures = t.Dict().tag(sync=True, echo_update=False)
    _frame = t.Dict().tag(sync=True, echo_update=False)
    _curves: t.List[dict[str, Any] | None] = t.List().tag(sync=True, echo_update=False)
    _notice = t.Unicode("").tag(sync=True, echo_update=False)

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
        threshold: float,
        class_thresholds: ClassThresholds,
        average: Average,
        zero_division: float,
    ) -> None:
        self._stops = stops
        self._class_names = tuple(class_names)
        self._images = pictures
        self._targets = targets
        self._average: Average = average
        self._zero_division = zero_division
        self._given_curves = list(curves)
        self._shown = (0, tuple(frames))  # replaced as a whole: messages may come on a thread
        own = self._to_class_thresholds(class_thresholds)
        start = stops.values[stops.nearest(threshold)]
        self._opening = list(self._opening_keys(task))
        self._requested: list[str] = []
        super().__init__(
            threshold=start,
            class_thresholds=own,
            _config={
                "task": task,
                "class_names": list(self._class_names),
                "stops": list(stops.values),
                "num_images": len(pictures),
                "height": pictures.shape[1],
                "width": pictures.shape[2],
                "channels": pictures.shape[3],
                "average": average,
                "zero_division": None if math.isnan(zero_division) else zero_division,
                "has_targets": targets is not None,
                "page_size": PAGE_SIZE,
                "initial_threshold": start,
                "initial_class_thresholds": own,
                "sources": list(names),
            },
            _pictures={"tiles": self._tiles(lambda key: key.startswith(("image/", "target/")))},
            _frame=self._pack_frame(),
            _curves=[
                None if c is None else pack_tally(c, average, per_image=False) for c in curves
            ],
        )
        self.on_msg(self._on_message)

    def __repr__(self) -> str:
        """Say what is shown, for places that cannot show it."""
        return (
            f"{type(self).__name__}({len(self.pictures):,} images, {self.task}, "
            f"threshold={self.threshold:.4g})"
        )

    # What a dial says of its position

    @property
    def task(self) -> Task:
        """The task: "binary", "multilabel" or "multiclass"."""
        task: Task = self._config["task"]
        return task

    @property
    def notice(self) -> str:
        """What the widget says is wrong, empty when nothing is."""
        return str(self._notice)

    @property
    def average(self) -> Average:
        """How metrics are averaged."""
        return self._average

    @property
    def pictures(self) -> Bytes:
        """The images as they are shown, uint8 (N, H, W, C)."""
        return self._images

    @property
    def track(self) -> ThresholdCurves | None:
        """The curves under the dial, of the first model, for what is shown."""
        curves = self._given_curves[0] or self._shown[1][0].curves
        return None if curves is None else self._in_scope(curves)

    def mask(self, image: int, class_index: int | None = None, *, model: int = 0) -> Bytes:
        """Return an image's mask at the dial's position, as the mask view shows it.

        Args:
            image: its index.
            class_index: a class; None takes the shown one, or where all are shown, the pixels
                that any class passes (for multiclass, that the argmax passes).
            model: which model, where two are compared.

        Returns:
            uint8 (H, W): 255 where p > threshold, 0 elsewhere.
        """
        frame = self._shown[1][model]
        at = self._stops_of_classes()
        chosen = self.shown_class if class_index is None else class_index
        if chosen is not None:
            on = frame.levels[image, chosen] > at[chosen]
        elif frame.argmax is not None and frame.maximum is not None:
            on = frame.maximum[image] > at[frame.argmax[image]]
        else:
            on = (frame.levels[image] > at[:, None, None]).any(axis=0)
        mask: Bytes = np.where(on, np.uint8(255), np.uint8(0))
        return mask

    def classes(self, image: int) -> npt.NDArray[np.uint8]:
        """Return the number of the overlay's colour at each pixel of an image, uint8 (H, W).

        For multiclass it is the class of the highest probability, otherwise 1.
        """
        argmax: npt.NDArray[np.uint8] | None = self._shown[1][0].argmax
        if argmax is None or self.shown_class is not None:
            number = self.shown_class if self.task == "multiclass" else 1
            return np.full(self.pictures.shape[1:3], number, np.uint8)
        found: npt.NDArray[np.uint8] = argmax[image]
        return found

    def _setting(self) -> float | list[float]:
        """Return the threshold, or one for each class where any has its own."""
        if not self.class_thresholds:
            return float(self.threshold)
        return [self.threshold if own is None else own for own in self.class_thresholds]

    def _stops_of_classes(self) -> npt.NDArray[np.int64]:
        setting = self._setting()
        each = setting if isinstance(setting, list) else [setting] * len(self._class_names)
        return np.array([self._stops.nearest(own) for own in each])

    def _in_scope(self, curves: ThresholdCurves) -> ThresholdCurves:
        if self.shown_class is not None:
            return curves.for_class(self.shown_class)
        return curves.argmax or curves

    def _metrics_of(self, curves: ThresholdCurves) -> dict[str, Any]:
        setting = self._setting()
        if isinstance(setting, list) and self.shown_class is not None:
            setting = setting[self.shown_class]
        return self._in_scope(curves).at(setting, self._average)

    # The static picture

    def to_matplotlib(self) -> Figure:
        """Return a matplotlib figure of the first pictures and the curve, as they stand now."""
        from torchdial.figures.segmentation import segmentation_figure

        return segmentation_figure(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        try:
            png = io.BytesIO()
            self.to_matplotlib().savefig(png, format="png")
            data["image/png"] = png.getvalue()
        except Exception as error:  # the widget itself can still be shown
            warnings.warn(f"torchdial: no static picture: {error}", stacklevel=2)
        return data, metadata

    # The wire

    def _show(self, frames: Sequence[SegmentationFrame]) -> None:
        """Replace what the models said, keeping what the person set."""
        self._shown = (self._shown[0] + 1, tuple(frames))
        self._frame = self._pack_frame()

    def _pack_frame(self) -> dict[str, Any]:
        version, frames = self._shown
        return {
            "version": version,
            "sources": [
                {
                    "tiles": self._tiles(_of_source(i)),
                    "histogram": pack_floats(frame.histogram),
                    "tally": self._pack_shown(frame.curves),
                }
                for i, frame in enumerate(frames)
            ],
        }

    def _pack_shown(self, curves: ThresholdCurves | None) -> dict[str, Any] | None:
        return None if curves is None else pack_tally(curves, self._average, per_image=True)

    def _tiles(self, chosen: Any) -> list[dict[str, Any]]:
        keys = [*self._opening, *self._recent_requests()]
        return [pack_tile(key, self._plane(key)) for key in keys if chosen(key)]

    def _recent_requests(self) -> list[str]:
        """Return what the browser asked for last, as far as a frame should grow by it."""
        size, recent = 0, []
        for key in reversed(self._requested):
            size += self._plane(key).nbytes
            if size > OPENING_BYTES:
                break
            recent.append(key)
        return recent

    def _opening_keys(self, task: Task) -> Iterator[str]:
        """Yield what the browser gets unasked: the first page, then more while it is cheap."""
        size = 0
        for image in range(len(self._images)):
            for key in self._keys_of_image(image, task):
                size += self._plane(key).nbytes
                if image >= PAGE_SIZE and size > OPENING_BYTES:
                    return
                yield key

    def _keys_of_image(self, image: int, task: Task) -> Iterator[str]:
        yield f"image/{image}"
        classes = range(len(self._class_names))
        if self._targets is not None and task == "multilabel":
            yield from (f"target/{image}/{c}" for c in classes)
        elif self._targets is not None:
            yield f"target/{image}"
        for source in range(len(self._shown[1])):
            if task == "multiclass":
                yield f"argmax/{source}/{image}"
                yield f"maximum/{source}/{image}"
            else:
                yield from (f"level/{source}/{image}/{c}" for c in classes)

    def _plane(self, key: str) -> Bytes:
        """Return the plane of a key.

        Raises:
            KeyError: there is none.
        """
        kind, *numbers = key.split("/")
        planes = {"image": self._images, "target": self._targets}
        try:
            index = [int(n) for n in numbers]
            if kind not in planes:
                frame = self._shown[1][index.pop(0)]
                planes = {"level": frame.levels, "argmax": frame.argmax, "maximum": frame.maximum}
            plane = planes[kind]
            if plane is None or min(index) < 0:
                raise IndexError
            found: Bytes = plane[tuple(index)]
        except (IndexError, ValueError, KeyError) as error:
            raise KeyError(key) from error
        # A binary target has a channel of its own.
        return found[0] if kind == "target" and found.ndim == 3 else found

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Do what the browser asks; an error travels back with the request's id."""
        actions = {"need": self._send_tiles, "settle": self._settle}
        kind, request = content.get("type"), content.get("id")
        try:
            if kind not in actions:
                raise ValueError(f"unknown message type {kind!r:.60}")
            actions[kind](content)
        except (KeyError, TypeError, ValueError, t.TraitError) as error:
            self.send({"type": "error", "id": request, "message": f"torchdial: {error}"})

    def _settle(self, content: Mapping[str, Any]) -> None:
        """Take what the person has set, in case the traits' own update was held back."""
        state = {name: content["state"][name] for name in SETTABLE}
        self.set_state(state)

    def _send_tiles(self, content: Mapping[str, Any]) -> None:
        keys = [str(key) for key in content["keys"]]
        version = self._shown[0]
        planes = [plane_bytes(self._plane(key)) for key in keys]
        new = [key for key in keys if key not in self._opening]
        self._requested = [key for key in self._requested if key not in new] + new
        reply = {"type": "tiles", "id": content.get("id"), "version": version, "keys": keys}
        self.send(reply, planes)

    # What may be set

    @t.validate("threshold")
    def _valid_threshold(self, proposal: Any) -> float:
        return self._stops.values[self._stops.nearest(proposal["value"])]

    @t.validate("class_thresholds")
    def _valid_class_thresholds(self, proposal: Any) -> list[float | None]:
        return self._to_class_thresholds(proposal["value"])

    @t.validate("shown_class")
    def _valid_shown_class(self, proposal: Any) -> int | None:
        chosen: int | None = proposal["value"]
        if chosen is not None and not 0 <= chosen < len(self._class_names):
            raise t.TraitError(
                f"shown_class: expected None or 0 … {len(self._class_names) - 1}, got {chosen}. "
                f"Classes are {', '.join(self._class_names[:8])}."
            )
        return chosen

    @t.validate("view")
    def _valid_view(self, proposal: Any) -> str:
        known = ["mask", "overlay", "heat", "outline"]
        known += ["errors"] * (self._targets is not None)
        known += ["difference"] * (len(self._shown[1]) > 1)
        if proposal["value"] not in known:
            raise t.TraitError(
                f"view: expected {' | '.join(known)}, got {proposal['value']!r}. "
                "The errors view needs targets."
            )
        return str(proposal["value"])

    def _to_class_thresholds(self, given: ClassThresholds) -> list[float | None]:
        names = self._class_names
        if given and len(names) == 1:
            raise refusal(
                "class_thresholds",
                expected="None for a single class",
                got=describe(given),
                remedy="Pass threshold=.",
            )
        if isinstance(given, Mapping):
            unknown = [name for name in given if name not in names]
            if unknown:
                raise refusal(
                    "class_thresholds",
                    expected=f"names among {', '.join(names[:8])}",
                    got=repr(unknown[0]),
                    remedy="Use the class_names of the preview.",
                )
            given = [given.get(name) for name in names]
        if not given or all(own is None for own in given):
            return []
        if len(given) != len(names):
            raise refusal(
                "class_thresholds",
                expected=f"one number or None for each of {len(names)} classes",
                got=describe(given),
                remedy="Pass a dict by class name to set only some.",
            )
        return [
            None if own is None else self._stops.values[self._stops.nearest(own)] for own in given
        ]


def _of_source(source: int) -> Any:
    prefixes = tuple(f"{kind}/{source}/" for kind in ("level", "argmax", "maximum"))
    return lambda key: key.startswith(prefixes)
