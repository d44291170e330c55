"""What a monitor does in the training thread: it takes down what happens and changes nothing."""

from __future__ import annotations

import functools
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.training.control.control import Control, StopTraining
from torchdial.training.history.history import History
from torchdial.training.recording.device_buffers import Number, Recorder, is_capturing
from torchdial.training.recording.optimizer_hooks import Watch
from torchdial.training.recording.overhead_budget import Clock, Reading as Depth
from torchdial.training.recording.publisher_thread import Audience, Publisher
from torchdial.training.recording.step_records import Reading, Record, Writer
from torchdial.training.recording.watched_parameters import Parameters

STEP = "Leave it out for the last completed step."
LAST_WORDS = 10  # logs after an optimizer is gone, at most, that may be about what it has done


@dataclass
class Clipping:
    """What is known of the gradients from before they were clipped."""

    total: Number | None
    coefficient: Number
    reading: Reading | None
    depth: Depth

    def unscale(self, optimizer: Optimizer, recorder: Recorder[Record]) -> None:
        """Divide by the scale that a fused optimizer takes out of the gradients only now."""
        scale = getattr(optimizer, "grad_scale", None)
        if scale is not None:
            self.total = None  # what the reading says instead is divided
            if self.reading is not None:
                self.reading.scale = recorder.number(scale)


class Recording:
    """Takes down scalars and gradients of one run.

    Errors never leave it, but for the `StopTraining` that a person asked for.

    Attributes:
        clock: measures the steps.
        recorder: where the records wait.
        writer: writes them.
    """

    def __init__(
        self,
        history: History,
        control: Control,
        audience: Audience,
        parameters: Parameters,
        optimizers: Sequence[Optimizer],
        scaler: Any,
        budget: float,
    ) -> None:
        self.clock = Clock(budget)
        self.recorder: Recorder[Record] = Recorder()
        self.writer = Writer(history)
        self.publisher: Publisher | None = None
        self.watch = Watch(parameters, self.recorder, self.clock, len(optimizers))
        self._history, self._control, self._audience = history, control, audience
        self._parameters = parameters
        self._optimizers = [weakref.ref(optimizer) for optimizer in optimizers]
        self._scaler = scaler
        self._count = self._orphans = 0
        self._has_read = self._has_logged = False
        self._clipping: Clipping | None = None
        self._process = os.getpid()
        self.is_closed = False

    @property
    def step(self) -> int:
        """Completed steps."""
        return self._count - self.writer.skipped

    @step.setter
    def step(self, step: int) -> None:
        self._count = step + self.writer.skipped

    def notes(self) -> list[str]:
        """Return what to know about the record, a sentence each."""
        found = [pace.note(k) for k, pace in enumerate(self.watch.paces)]
        if self.watch.has_shards:
            found.append("Sharded gradients: what is shown is this rank's shard.")
        if self._orphans > LAST_WORDS:
            found.append(
                "An optimizer that was watched is gone, so its steps are no longer seen: make a "
                "new TrainingMonitor with the one that steps now."
            )
        if self.publisher is not None:
            found.append(self.publisher.note)
        return [note for note in found if note]

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        """Take down scalars, and do what was asked for between two steps."""
        if self._is_off():
            return
        with self._ours():
            step = None if step is None else to_whole("step", step, remedy=STEP)
            if not self._optimizers:
                self._count_log(step)
            self._orphans += any(optimizer() is None for optimizer in self._optimizers)
            scalars = self._scalars(values)
            if step is None:
                scalars.update(self._context(scalars))
            reading = None
            if self._clipping is not None and not self._optimizers:
                reading = self._unclip(scalars, 0)
            self._add(scalars, step, reading)
            self._has_logged = True
            self._send()
        self._control.boundary()

    def record_gradients(self) -> None:
        """Take down the gradients that the models hold now."""
        if self._is_off():
            return
        with self._ours(), torch.no_grad():
            if not self._optimizers:
                self._count_step()
                self._has_read = True
            scalars: dict[str, Number] = {}
            if self._clipping is not None:
                reading = self._unclip(scalars, 0)
            else:
                reading = self._timed(self._parameters.of_models(), self.watch.paces[0].due())
            self._add(scalars, None, reading)
            self._send()
        self._control.boundary()

    def clip(self, tensors: Sequence[Tensor], max_norm: float, norm_type: float) -> Tensor:
        """Clip gradients, and take down what they were before."""
        is_off, reading = self._is_off(), None
        depth: Depth = "nothing"
        if not is_off:
            with self._ours(), torch.no_grad():
                depth = self.watch.depth or self.watch.paces[0].due()
                reading = self._timed(tensors, depth)
        total = torch.nn.utils.clip_grad_norm_(tensors, max_norm, norm_type)
        if not is_off:
            with self._ours(), torch.no_grad():
                # Torch's own formula; what it multiplied by is not to be had.
                coefficient = torch.clamp(max_norm / (total + 1e-6), max=1.0)
                number = self.recorder.number
                self._clipping = Clipping(
                    number(total) if norm_type == 2 else None, number(coefficient), reading, depth
                )
        return total

    def before_step(
        self, index: int, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Read the gradients that an optimizer is about to use.

        Returns:
            Its arguments with the closure, if there is one, wrapped: the gradients of its last
            call are those that count.
        """
        with self._ours():
            self._control.before_step(optimizer)
            if self._is_off():
                return None
            depth = None if self._clipping is None else self._clipping.depth
            with torch.no_grad():
                self.watch.begin(index, optimizer, depth)
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
            if callable(closure):
                return _with_closure(args, kwargs, self._reading(index, optimizer, closure))
            self._read(index, optimizer)
        return None

    def after_step(self, index: int, optimizer: Optimizer) -> None:
        """Take down a step that is done."""
        if not self._is_off():
            with self._ours(), torch.no_grad():
                self._finish(index, optimizer)
        try:
            self._control.after_step(optimizer)
        except StopTraining:
            raise
        except Exception:
            self._audience.trouble()

    def _finish(self, index: int, optimizer: Optimizer) -> None:
        reading = self.watch.end(index, optimizer)
        scalars = self._rates(index, optimizer)
        if self._clipping is not None:
            self._unclip(scalars, index)
        if index == 0:
            self._count_step()
            if not self._has_logged:
                scalars.update(self._amp_scale())
        overflow = getattr(optimizer, "found_inf", None)
        if overflow is not None:
            overflow = self.recorder.number(overflow)
        self._add(scalars, None, reading, overflow, is_step=index == 0)
        if not self._has_logged:
            self._send()
        self._has_logged = False

    def _reading(
        self, index: int, optimizer: Optimizer, closure: Callable[[], Any]
    ) -> Callable[[], Any]:
        @functools.wraps(closure, updated=())
        def read_after() -> Any:
            result = closure()
            with self._ours():
                if not self._is_off():
                    self._read(index, optimizer)
            return result

        return read_after

    def _read(self, index: int, optimizer: Optimizer) -> None:
        with torch.no_grad():
            if self._clipping is not None:
                self._clipping.unscale(optimizer, self.recorder)
                self.watch.give(index, self._clipping.reading)
            else:
                self.watch.read(index, optimizer)

    def _timed(self, tensors: Any, depth: Depth) -> Reading | None:
        if depth == "nothing":
            return None
        began = time.perf_counter()
        named = {self._parameters.name(tensor): tensor for tensor in tensors}
        reading = self.watch.take({n: p for n, p in named.items() if n is not None}, depth)
        seconds = time.perf_counter() - began
        self.clock.reading += seconds
        self.watch.paces[0].took(depth, seconds)
        return reading

    def _unclip(self, scalars: dict[str, Number], index: int) -> Reading | None:
        """Add what was known before clipping to a step's scalars; return its reading."""
        clipping, self._clipping = self._clipping, None
        if clipping is None:
            return None
        scalars["clip_coefficient"] = clipping.coefficient
        if clipping.total is not None:
            scalars[f"grad_norm/{index}" if index else "grad_norm"] = clipping.total
            if clipping.reading is not None:
                clipping.reading.total = ""
        return clipping.reading

    def _add(
        self,
        scalars: Mapping[str, Number],
        step: int | None,
        reading: Reading | None = None,
        overflow: Number | None = None,
        is_step: bool = False,
    ) -> None:
        record = Record(
            self._count if step is None else step,
            step is None,
            self._history.now,
            scalars,
            reading,
            overflow,
            is_step,
        )
        if "amp_scale" in scalars and self._scaler is not None:
            record.backoff = self._scaler.get_backoff_factor()
        self.recorder.add(record)

    def _send(self) -> None:
        self.recorder.send()
        if self.publisher is not None:
            self.publisher.wake()

    def _count_log(self, step: int | None) -> None:
        if step is not None:
            self.step = step
            self.clock.lap(self._control.waited)
        elif not self._has_read:
            self._count_step()
        self._has_read = False

    def _count_step(self) -> None:
        self._count += 1
        self.clock.lap(self._control.waited)

    def _scalars(self, values: Mapping[str, Any]) -> dict[str, Number]:
        scalars: dict[str, Number] = {}
        for name, value in values.items():
            try:
                scalars[str(name)] = self._number(str(name), value)
            except Exception:
                self._audience.trouble()  # the other values are still worth having
        return scalars

    def _number(self, name: str, value: Any) -> Number:
        if isinstance(value, Tensor):
            if value.numel() == 1:
                return self.recorder.number(value)
        elif not isinstance(value, (str, bytes)):
            try:
                return float(value)
            except (TypeError, ValueError):
                pass
        raise refusal(
            name,
            expected="a number, or a tensor of one element",
            got=describe(value),
            remedy="Log for instance its mean.",
        )

    def _context(self, scalars: Mapping[str, Number]) -> dict[str, Number]:
        found = self._amp_scale()
        progress = self._control.progress
        if progress is not None and "epoch" not in scalars:
            found["epoch"] = float(progress.epoch)
        return found

    def _amp_scale(self) -> dict[str, Number]:
        """Return a GradScaler's scale, without waiting for it as `get_scale` does."""
        scale = getattr(self._scaler, "_scale", None)
        return {"amp_scale": self.recorder.number(scale)} if isinstance(scale, Tensor) else {}

    def _rates(self, index: int, optimizer: Optimizer) -> dict[str, Number]:
        """Return the learning rates of an optimizer's groups, as they are at this step."""
        known = [reference() for reference in self._optimizers]
        counts = [0 if one is None else len(one.param_groups) for one in known]
        first, several = sum(counts[:index]), sum(counts) > 1
        rates: dict[str, Number] = {}
        for k, group in enumerate(optimizer.param_groups, first):
            rate = group.get("lr")
            if isinstance(rate, Tensor):
                rate = self.recorder.number(rate)
            if rate is not None:
                rates[f"lr/{k}" if several else "lr"] = (
                    rate if not isinstance(rate, int) else float(rate)
                )
        return rates

    def _is_off(self) -> bool:
        return self.is_closed or is_capturing() or os.getpid() != self._process

    def _ours(self) -> _Ours:
        return _Ours(self.clock, self._audience)


class _Ours:
    """Time that is ours, and errors that are."""

    __slots__ = ("_audience", "_began", "_clock")

    def __init__(self, clock: Clock, audience: Audience) -> None:
        self._clock, self._audience = clock, audience

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._clock.ours += time.perf_counter() - self._began
        if not isinstance(error, Exception):
            return False
        self._audience.trouble()
        return True


def _with_closure(
    args: tuple[Any, ...], kwargs: dict[str, Any], closure: Callable[[], Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if "closure" in kwargs:
        return args, {**kwargs, "closure": closure}
    return (args[0], closure, *args[2:]), kwargs
