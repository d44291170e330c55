"""The step dial of a preview: the counts of every refresh, and the frames of some of them.

The page holds the frames that it has received, and asks for others by their step; see
js/src/lib/steps/step_frames.ts.
"""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import traitlets as t

from torchdial.inputs.arguments import one_of
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.report.packed_bytes import Joined, without_bytes
from torchdial.report.saved_widget import SavedWidget
from torchdial.sweeps.kept_steps import by_importance, check_keep
from torchdial.sweeps.refresh_records import KeptFrame, NewestFrame, RefreshRecord, RefreshRecords
from torchdial.widgets.preview.plane_coding import CodedPlane
from torchdial.widgets.preview.preview import ModelPreview, is_lasting, tiles_of
from torchdial.widgets.preview.shown_images import Frame

KEEP_BYTES = 64 << 20
OPENING_COUNTS = 8 << 20  # bytes of counts that a page opens with, besides those with a picture
Best = TypeVar("Best", bound=tuple[float, ...])


class StepPreview(ModelPreview[Frame]):
    """A preview that can look back at earlier steps of a training.

    A preview calls `_set_keeping` before it calls this constructor.
    """

    step: t.TraitType[int | None, Any] = t.Any(None).tag(sync=True, echo_update=False)
    """The training step that is looked at; None follows the newest. Moves to the nearest one."""

    _steps = t.Dict().tag(sync=True, echo_update=False)  # made when a page opens

    _keep: int
    _keep_bytes: int
    _monitor: Callable[[], Any]
    """Returns the monitor, None where there is none any more: it is not kept alive."""

    def __init__(self, frames: Sequence[Frame], num_images: int, **traits: Any) -> None:
        self._records: RefreshRecords[Frame] = RefreshRecords(self._keep, self._keep_bytes)
        self._next_step: int | None = None
        self._is_anew = False
        self._restored: tuple[KeptFrame[Frame], Frame] | None = None
        self._record(0, frames[0])
        if self._keep > 1:
            monitor = self._monitor()
            run = None if monitor is None else monitor.history.id
            traits["_config"] = {**traits["_config"], "keep": self._keep, "run": run}
        super().__init__(frames, num_images, **traits)

    def _set_keeping(self, keep: Any, keep_bytes: Any, monitor: Any) -> None:
        """Set what is kept, and whose steps are counted.

        Raises:
            ValueError: `keep` or `keep_bytes` is no such number, or the monitor is none.
        """
        if monitor is not None:
            from torchdial.widgets.live.plot_sources import is_monitor

            if not is_monitor(monitor):
                remedy = "Pass monitor=td.TrainingMonitor(model, optimizer), or refresh(step=...)."
                raise refusal(
                    "monitor",
                    expected="a TrainingMonitor",
                    got=describe(monitor),
                    remedy=remedy,
                )
        remedy = "Pass a number of bytes, such as 64 << 20."
        self._keep = check_keep(keep)
        self._keep_bytes = to_whole("keep_bytes", keep_bytes, 1, remedy=remedy)
        self._monitor = (lambda: None) if monitor is None else weakref.ref(monitor)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of all refreshes, which `keep=` counts."""
        return self._records.steps

    @property
    def shown_step(self) -> int:
        """The step whose picture is shown: the kept one nearest to `step`, or the newest."""
        return self._looked_at().step

    @abstractmethod
    def _count_step(self, frame: Frame) -> tuple[Any, float]:
        """Return the counts of a frame at every stop, and its metric at the best one."""

    @abstractmethod
    def _pack_step(self, counts: Any) -> dict[str, Any]:
        """Return the counts of a step for the page."""

    @abstractmethod
    def _compress(self, frame: Frame) -> KeptFrame[Frame]:
        """Return what is kept of a frame that is no longer the newest."""

    @abstractmethod
    def _code_kept(self, kept: Any, keys: Sequence[str]) -> list[CodedPlane]:
        """Return planes of a kept frame, as they are sent."""

    def _at_step(self, step: int) -> tuple[int, Frame]:
        """Return the kept step nearest to a step, and its frame; for `torchdial.compare`."""
        record = self._records.nearest(step, kept=True)
        if record.frame is None or record is self._records.all[-1]:
            return record.step, self._newest[1][0]
        return record.step, record.frame.restore()

    # Frames

    @property
    def _shown(self) -> tuple[int, tuple[Frame, ...]]:
        record = self._looked_at()
        if record.frame is None or record is self._records.all[-1]:
            return self._newest
        return record.version, (self._restore(record.frame),)

    def _restore(self, kept: KeptFrame[Frame]) -> Frame:
        """Return a kept frame; the last one is held, since a page asks for its parts in turn."""
        restored = self._restored
        if restored is None or restored[0] is not kept:
            restored = self._restored = (kept, kept.restore())
        return restored[1]

    def _looked_at(self) -> RefreshRecord[Frame]:
        if self.step is None:
            return self._records.all[-1]
        return self._records.nearest(self.step, kept=True)

    def _refresh_at(self, step: int | None, measure: Callable[[], Frame]) -> bool:
        """Show a new frame of a step, None for the monitor's or the next."""
        if step is not None:
            step = to_whole("step", step, 0, remedy="Pass the number of the training step.")
        self._next_step = step
        try:
            return self._try_frame(measure)
        finally:
            self._next_step = None

    def _try_frame(
        self, measure: Callable[[], Frame], pictures: Callable[[], Any] | None = None
    ) -> bool:
        self._is_anew = pictures is not None  # frames of other images count no longer
        try:
            return super()._try_frame(measure, pictures)
        finally:
            self._is_anew = False

    def _show(self, frames: Sequence[Frame]) -> None:
        before = self._records
        self._record(self._newest[0] + 1, frames[0])
        try:
            super()._show(frames)
        except Exception:
            self._records = before
            raise
        if self.step is not None and self.step not in self.steps:  # a rewind
            self.step = None

    def _record(self, version: int, frame: Frame) -> None:
        if self._keep == 1:  # counts of the newest alone are made when they are asked for
            counts, value = None, float("nan")
        else:
            counts, value = self._count_step(frame)
        record = RefreshRecord(self._step_now(), version, counts, value, NewestFrame(frame))
        earlier = self._records
        if self._keep == 1 or self._is_anew:
            earlier = RefreshRecords(self._keep, self._keep_bytes)
        self._records = earlier.added(record, self._compress)

    def _step_now(self) -> int:
        if self._next_step is not None:
            return self._next_step
        monitor = self._monitor()
        if monitor is not None:
            return int(monitor.step)
        return self._records.steps[-1] + 1 if self._records.all else 0

    def _remark(self) -> str:
        if not self._records.is_limited:
            return ""
        return (
            f"Pictures of {len(self._records.kept)} steps are kept, not of {self._keep}: these "
            f"would take more than keep_bytes={self._keep_bytes:,}."
        )

    def _best_step(
        self, over: str, best_of: Callable[[Any], Best]
    ) -> tuple[RefreshRecord[Frame], Best]:
        """Return the record whose best is highest, the earliest of equals, and that best.

        Args:
            over: "steps".
            best_of: returns the best of the counts of a step, its value last, or raises ValueError.
        """
        one_of("over", over, ["steps"])
        if self._keep == 1:
            raise refusal(
                "over",
                expected="None, since keep=1 counts the newest step alone",
                got=repr(over),
                remedy="Make the preview with keep=24.",
            )
        found: list[tuple[RefreshRecord[Frame], Best]] = []
        refused: ValueError | None = None
        for record in self._records.all:
            try:
                found.append((record, best_of(record.counts)))
            except ValueError as error:
                refused = error
        if not found and refused is not None:
            raise refused
        return max(found, key=lambda one: one[1][-1])

    # What is sent to the page

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state that a page opens with, with the counts of the steps."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if self._keep > 1 and (key is None or "_steps" in state):
            state["_steps"] = {"steps": [self._pack_record(one) for one in self._opening_records()]}
        return state

    def _opening_records(self) -> list[RefreshRecord[Frame]]:
        """Return all records, or those with a picture and as many evenly spaced ones as fit."""
        records, counts = self._records.all, Joined()
        without_bytes(self._pack_record(records[-1]), counts.add)
        stride = -(-len(records) * len(counts.bytes()) // OPENING_COUNTS)
        return [one for i, one in enumerate(records) if one.frame or i % stride == 0]

    def _pack_frame(self) -> dict[str, Any]:
        frame = super()._pack_frame()
        if self._keep == 1:
            return frame
        records = self._records
        about = {
            **self._pack_record(records.all[-1]),
            "first": records.all[0].version,
            "kept": [one.step for one in records.kept],
        }
        return frame | {"about": about}

    def _pack_record(self, record: RefreshRecord[Frame]) -> dict[str, Any]:
        counts = self._pack_step(record.counts)
        return {"step": record.step, "version": record.version, "counts": counts}

    def _pack_kept(self, step: int, keys: Sequence[str]) -> dict[str, Any]:
        """Return a kept frame as `_frame` has it.

        Raises:
            KeyError: it is not kept any more.
        """
        version, kept = self._kept(step)
        keys = [key for key in keys if not is_lasting(key)]
        tiles = tiles_of(keys, self._code_kept(kept, keys))
        return {
            "version": version,
            "sources": [self._pack_source(self._restore(kept)) | {"tiles": tiles}],
        }

    def _kept(self, step: int) -> tuple[int, KeptFrame[Frame]]:
        for record in self._records.all:
            if record.step == step and record.frame is not None:
                return record.version, record.frame
        raise KeyError(f"no picture of step {step}")

    def _answer(
        self, content: Mapping[str, Any], keys: Sequence[str]
    ) -> tuple[int, list[CodedPlane]]:
        step = content.get("step")
        newest = self._records.all[-1]
        if step is None or step == newest.step or all(map(is_lasting, keys)):
            return super()._answer(content, keys)
        version, kept = self._kept(step)
        lasting = [key for key in keys if is_lasting(key)]
        others = [key for key in keys if not is_lasting(key)]
        coded = dict(zip(lasting, self._coded(lasting), strict=True))
        coded |= zip(others, self._code_kept(kept, others), strict=True)
        return version, [coded[key] for key in keys]

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return super()._actions() | {"frame": self._send_kept}

    def _send_kept(self, content: Mapping[str, Any]) -> None:
        step = int(content["step"])
        joined = Joined()
        frame = without_bytes(self._pack_kept(step, self._opening), joined.add)
        reply = {"type": "frame", "id": content.get("id"), "step": step, "frame": frame}
        self.send(reply, [joined.bytes()])

    def _saved(self) -> SavedWidget:
        saved = super()._saved()
        if self._keep > 1:
            records = self._records
            steps = [one.step for one in records.kept]
            saved.frames = by_importance(steps, records.best)[1:]  # the newest is in the state
            saved.frame = self._frame_in_file
        return saved

    def _frame_in_file(self, step: int) -> dict[str, Any]:
        images = range(self._config["num_images"])
        keys = [key for image in images for key in self._keys_in_file(image)]
        return self._pack_kept(step, keys)

    # What may be set

    @t.validate("step")
    def _valid_step(self, proposal: Any) -> int | None:
        if proposal["value"] is None:
            return None
        step = to_whole("step", proposal["value"], remedy="Pass the number of the training step.")
        if self._keep == 1:
            raise t.TraitError(
                f"step: expected None, since keep=1 keeps the newest frame alone, got {step}. "
                "Make the preview with keep=24."
            )
        return self._records.nearest(step).step
