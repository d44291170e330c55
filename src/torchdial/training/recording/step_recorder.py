"""What a monitor does in the training thread: it records what happens and changes nothing."""

from __future__ import annotations

import functools
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchdial.inputs.numbers import flat_values, to_whole
from torchdial.training.control.control import Control, StopTraining
from torchdial.training.history.arrival import is_capturing, warn_of_fork
from torchdial.training.history.history import History
from torchdial.training.history.measured_names import AMP_SCALE, EPOCH
from torchdial.training.recording.clipped_gradients import (
    add_clip,
    clipped_ids,
    forget_old_clips,
    forget_replaced_clips,
    has_known_total,
)
from torchdial.training.recording.device_buffers import Number, Recorder
from torchdial.training.recording.gradient_reader import GradientReader
from torchdial.training.recording.measurements import amp_scale, learning_rates, logged_number
from torchdial.training.recording.optimizer_hooks import shares_parameters, with_closure
from torchdial.training.recording.overhead_budget import Clock, ReadingSchedule
from torchdial.training.recording.record_writer import RecordWriter
from torchdial.training.recording.run_axis import RunAxis
from torchdial.training.recording.step_records import GradientReading, StepRecord
from torchdial.training.recording.subscribers import Guard, Problems
from torchdial.training.recording.unseen_steps import UnseenSteps
from torchdial.training.recording.watched_parameters import Parameters, stepped_by

STEP = "Leave it out for the last completed step."


class StepRecorder:
    """Makes a `StepRecord` of each attempt of each optimizer, and of each log.

    Errors never reach the training, except a requested `StopTraining`.

    Args:
        history: the run.
        control: does at step boundaries what was asked for.
        problems: takes errors.
        parameters: which are watched.
        optimizers: the optimizers; kept weakly.
        scaler: the GradScaler, or None.
        budget: fraction of a step that watching may take.

    Attributes:
        clock: measures the steps.
        recorder: the records on their way.
        writer: writes them.
        is_closed: whether nothing is recorded any more.
        on_news: called when there are new records.
    """

    def __init__(
        self,
        history: History,
        control: Control,
        problems: Problems,
        parameters: Parameters,
        optimizers: Sequence[Optimizer],
        scaler: Any,
        budget: float,
    ) -> None:
        self.clock = Clock(budget)
        self.recorder: Recorder[StepRecord] = Recorder()
        self.writer = RecordWriter(history, max(len(optimizers), 1), shares_parameters(optimizers))
        self.is_closed = False
        self.on_news: Callable[[], object] = lambda: None
        self._history, self._control, self._problems = history, control, problems
        self._parameters, self._scaler = parameters, scaler
        self._optimizers = [weakref.ref(optimizer) for optimizer in optimizers]
        self._reader = GradientReader(parameters, self.recorder)
        self._schedule = ReadingSchedule(self.clock, len(optimizers))
        self._open: dict[int, StepRecord] = {}
        self._leads: dict[int, bool] = {0: False}  # which step before the first one does
        self._count = self._attempts = self._serial = 0
        self._has_read = self._has_logged = False
        self._unseen = UnseenSteps(len(optimizers))
        self._axis = RunAxis()
        self._may_shift = True
        self._process = os.getpid()
        self._ours = Guard(self.clock, problems)

    @property
    def step(self) -> int:
        """Completed steps."""
        return self._count - self.writer.skipped

    def go_on_at(self, step: int) -> None:
        """Count on from a step that was completed elsewhere."""
        self._count, self._may_shift = step + self.writer.skipped, False

    def notes(self) -> list[str]:
        """Return what to know about the record, a sentence each."""
        found = [self._schedule.note(), self._unseen.note()]
        if self._parameters.has_shards:
            found.append("Sharded gradients: what is shown is this rank's shard.")
        return [note for note in found if note]

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        """Record scalars, and do what was asked for between two steps."""
        if self._is_off():
            return
        self._problems.raise_pending()
        with self._ours:
            given = None if step is None else to_whole("step", step, remedy=STEP)
            record = StepRecord(None, logged=self._scalars(values), given_step=given)
            if self._optimizers:
                self._place_log(record)
            else:
                self._count_log(given)
            if not record.is_own_axis:
                record.measured = self._surroundings()
            self._close(record, self._count)
            self._has_logged = True
            self._send()
        self._control.boundary()

    def record_gradients(self) -> None:
        """Record the gradients that the models hold now."""
        if self._is_off():
            return
        with self._ours:
            record = self._opened(0)
            del self._open[0]
            self._read(record, 0, None)
            if not self._optimizers:
                self._count_step()
                self._has_read = True
            self._close(record, self._count)
            self._send()
        self._control.boundary()

    def clip(self, tensors: Sequence[Tensor], max_norm: float, norm_type: float) -> Tensor:
        """Clip gradients, and record what they were before."""
        is_off, clipped = self._is_off(), []
        if not is_off:
            with self._ours:
                clipped = list(self._read_before_clip(tensors))
        total = torch.nn.utils.clip_grad_norm_(tensors, max_norm, norm_type)
        if not is_off:
            with self._ours, torch.no_grad():
                count = sum(tensor.grad is not None for tensor in tensors)
                for record, mine, reading in clipped:
                    is_total = norm_type == 2 and len(mine) == count
                    add_clip(record, mine, total, max_norm, self.recorder, reading, is_total)
        return total

    def before_step(
        self, index: int, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Read the gradients that an optimizer is about to use.

        Returns:
            Its arguments with the closure, if there is one, wrapped: the gradients of its last
            call are those that count.
        """
        with self._ours:
            self._control.before_step(optimizer)
            if self._is_off():
                return None
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
            record = self._begun(index, optimizer)
            if not callable(closure):
                self._read(record, index, optimizer)
                return None
            return with_closure(args, kwargs, self._reading(record, index, optimizer, closure))
        return None

    def after_step(self, index: int, optimizer: Optimizer) -> None:
        """Close the record of an attempt."""
        if not self._is_off():
            with self._ours:
                self._finish(index, optimizer)
        try:
            self._control.after_step(optimizer)
        except StopTraining:
            raise
        except Exception:
            if self._problems.strict:
                raise
            self._problems.add()

    def _opened(self, index: int) -> StepRecord:
        """Return the record of an optimizer's next attempt."""
        record = self._open.get(index)
        if record is None or record.has_begun:
            depth = self._schedule.due(index, self._attempts)
            record = self._open[index] = StepRecord(index, depth)
        return record

    def _begun(self, index: int, optimizer: Optimizer) -> StepRecord:
        """Return the record of an attempt that begins, maybe with calls of a closure."""
        record = self._opened(index)
        record.has_begun = True
        self._leads.setdefault(index, self._attempts == 0)
        if record.depth == "sample":
            began = time.perf_counter()
            record.before = self._reader.copies(self._reader.named(index, optimizer))
            self._schedule.spend(index, time.perf_counter() - began)
        return record

    def _finish(self, index: int, optimizer: Optimizer) -> None:
        record = self._open.pop(index, None) or StepRecord(index)
        if record.before and record.readings():
            began = time.perf_counter()
            named = self._reader.named(index, optimizer)
            record.update = self._reader.compare(record.before, named)
            self._schedule.spend(index, time.perf_counter() - began)
        which = index if len(self._optimizers) > 1 else None
        measured = learning_rates(optimizer, which, self.recorder)
        self._unseen.step(index)
        if index == 0:
            self._count_step()
            if not self._has_logged:
                measured |= amp_scale(self._scaler, self.recorder)
        record.measured = measured
        overflow = getattr(optimizer, "found_inf", None)
        if overflow is not None:
            record.overflow = self.recorder.number(overflow)
        self._close(record, self._count + self._leads.get(index, False))
        if not self._has_logged:
            self._send()
        self._has_logged = False

    def _reading(
        self, record: StepRecord, index: int, optimizer: Optimizer, closure: Callable[[], Any]
    ) -> Callable[[], Any]:
        @functools.wraps(closure, updated=())
        def read_after() -> Any:
            result = closure()
            with self._ours:
                if not self._is_off():
                    self._read(record, index, optimizer)
            return result

        return read_after

    def _read(self, record: StepRecord, index: int, optimizer: Optimizer | None) -> None:
        """Read the gradients that an attempt uses, but for those that were clipped before."""
        if record.depth == "nothing" and not record.clips:
            record.scale = self._scale(optimizer)
            return
        began = time.perf_counter()
        stepped, named = self._parameters_of(index, optimizer)
        if record.clips:
            forget_replaced_clips(record, stepped)
            ids = clipped_ids(record)
            named = {name: p for name, p in named.items() if id(p) not in ids}
            record.is_total_known = bool(record.clips) and has_known_total(record, stepped)
        scale = getattr(optimizer, "grad_scale", None)
        record.reading = self._reader.read(named, record.depth, scale)
        record.scale = self._scale(optimizer)
        if record.depth != "nothing":
            self._schedule.spend(index, time.perf_counter() - began)

    def _read_before_clip(
        self, tensors: Sequence[Tensor]
    ) -> Iterator[tuple[StepRecord, list[Tensor], GradientReading | None]]:
        """Read gradients about to be clipped, for each optimizer that steps some of them."""
        clipped = [tensor for tensor in tensors if tensor.grad is not None]
        optimizers = [(k, reference()) for k, reference in enumerate(self._optimizers)]
        for index, optimizer in optimizers or [(0, None)]:
            if self._optimizers and optimizer is None:
                continue
            stepped, named = self._parameters_of(index, optimizer)
            ids = {id(p) for p in stepped}
            mine = [tensor for tensor in clipped if id(tensor) in ids]
            if not mine:
                continue
            record = self._opened(index)
            forget_old_clips(record, stepped)
            new = {id(tensor) for tensor in mine} - clipped_ids(record)
            began = time.perf_counter()
            named = {name: p for name, p in named.items() if id(p) in new}
            reading = self._reader.read(named, record.depth)
            if reading is not None:
                self._schedule.spend(index, time.perf_counter() - began)
            yield record, mine, reading

    def _parameters_of(
        self, index: int, optimizer: Optimizer | None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Return the parameters of an optimizer, or of the models, and the watched by name."""
        if optimizer is not None:
            return list(stepped_by(optimizer)), self._reader.named(index, optimizer)
        tensors = list(self._parameters.of_models())
        names = [self._parameters.name(tensor) for tensor in tensors]
        return tensors, {n: p for n, p in zip(names, tensors, strict=True) if n is not None}

    def _scale(self, optimizer: Optimizer | None) -> Number | None:
        scale = getattr(optimizer, "grad_scale", None)
        return None if scale is None else self.recorder.number(scale)

    def _close(self, record: StepRecord, step: int) -> None:
        self._serial += 1
        record.close(self._serial, step, self._history.now)
        if AMP_SCALE in record.measured:
            record.backoff = self._scaler.get_backoff_factor()
        self.recorder.add(record)

    def _send(self) -> None:
        self.recorder.send()
        self.on_news()

    def _place_log(self, record: StepRecord) -> None:
        """Count logs while no optimizer steps, and find what a step given by the user is."""
        self._unseen.log(any(optimizer() is None for optimizer in self._optimizers))
        if self._unseen.is_counted_by_logs:
            self._count_step()
        if record.given_step is None:
            return
        shift = self._axis.place(record.logged, record.given_step, self.step)
        record.is_own_axis = shift is None
        if shift:
            self._count += shift
            self._axis.moved(shift)
            record.shift = shift if self._may_shift else 0
            self._may_shift = False

    def _count_log(self, given: int | None) -> None:
        """Count a log as a step where there is no optimizer."""
        if 0 in self._open:
            record = self._open.pop(0)
            self._count_step()
            self._read(record, 0, None)
            self._close(record, self._count)
            self._has_read = True
        if given is not None:
            self.clock.lap(self._control.waited)
            self._count = given + self.writer.skipped
        elif not self._has_read:
            self._count_step()
        self._has_read = False

    def _count_step(self) -> None:
        self._count += 1
        self._attempts += 1
        self.clock.lap(self._control.waited)

    def _scalars(self, values: Mapping[str, Any]) -> dict[str, Number]:
        scalars: dict[str, Number] = {}
        for name, value in flat_values(values).items():
            try:
                scalars[name] = logged_number(name, value, self.recorder)
            except Exception:
                if self._problems.strict:
                    raise
                self._problems.add()  # the other values are still recorded
        return scalars

    def _surroundings(self) -> dict[str, Number]:
        """Return what a log records besides its values."""
        found = amp_scale(self._scaler, self.recorder)
        progress = self._control.progress
        if progress is not None:
            found[EPOCH] = float(progress.epoch)
        return found

    def _is_off(self) -> bool:
        if os.getpid() != self._process:
            warn_of_fork()
            return True
        return self.is_closed or is_capturing()
