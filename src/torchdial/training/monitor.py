"""`TrainingMonitor`: records a training run with two lines in its loop."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from traceback import format_exception
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torchdial.inputs.arguments import of_kind, refuse_no_path
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_float, to_value, to_whole
from torchdial.training.control.control import Control, StopTraining
from torchdial.training.control.loop import Loop, loop
from torchdial.training.control.training_dials import Setter
from torchdial.training.control.worker_thread import Handle, refuse_beside_worker, start
from torchdial.training.history.autosave import autosave_of
from torchdial.training.history.history import Event, History
from torchdial.training.recording.optimizer_hooks import Hooks, untraced
from torchdial.training.recording.publisher_thread import Publisher
from torchdial.training.recording.step_recorder import StepRecorder
from torchdial.training.recording.subscribers import Problems, Subscribers
from torchdial.training.recording.watched_parameters import (
    Parameters,
    chooser,
    to_models,
    to_optimizers,
)
from torchdial.training.runs import begin

Batch = TypeVar("Batch")


class TrainingMonitor:
    """Records a run while it goes on, at next to no cost, and changes nothing in it.

    What it measures is recorded as "optim/grad_norm", "optim/lr" and so on, apart from what is
    logged.

    Args:
        model: the module, or a list or dict of them.
        optimizer: the optimizer, or a list of them; None for loops without one. A step is a
            completed step of the first.
        scaler: the GradScaler, if one is in use: its scale and the steps it skips are recorded.
        include: which parameters to watch: globs, regular expressions or a callable on the name.
        exclude: which of them not to watch, in the same forms.
        budget: fraction of a step's time that watching may take, in (0, 1]; above it gradients are
            read less often, and `notes` says so. At 1 they are read at every step.
        config: the run's settings, to compare runs by; plain values.
        name: what to call the run; None is "run 3" for the third of this process.
        start_step: the step a resumed run goes on at, where no checkpoint of the monitor is loaded.
        strict: whether a value that cannot be recorded, or an error in torchdial's own code, is
            raised in the training loop; else there is a warning for the first, and `problem`.
        on_event: called with each new `Event`, from the publishing thread.
        autosave: a file that the run is saved to as it grows. An earlier run's file is kept, with
            a number: see `Autosave`. Of several processes rank 0 saves, or each one with `{rank}`
            in the path.

    Raises:
        ValueError: A model is no module, an optimizer none and holds none, the budget is not in
            (0, 1], the start step is no whole number from 0 on, or no trainable parameter is left
            to watch.

    Attributes:
        history: what was recorded.
        control: stop, pause, resume and dials.

    Example:
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with TrainingMonitor(model, optimizer) as monitor:
        ...     for x in torch.ones(3, 4, 2):
        ...         loss = model(x).square().mean()
        ...         optimizer.zero_grad(); loss.backward(); optimizer.step()
        ...         monitor.log(loss=loss)
        >>> monitor.step, len(monitor.history["loss"])
        (3, 3)
    """

    def __init__(
        self,
        model: nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module],
        optimizer: Any = None,
        scaler: Any = None,
        include: Any = None,
        exclude: Any = None,
        budget: float = 0.01,
        config: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        start_step: int = 0,
        strict: bool = False,
        on_event: Callable[[Event], object] | None = None,
        autosave: Any = None,
    ) -> None:
        if not 0 < to_float(budget) <= 1:
            raise refusal(
                "budget",
                expected="a fraction of a step's time, above 0 and at most 1",
                got=describe(budget),
                remedy="0.01 is one percent.",
            )
        start_step = to_whole("start_step", start_step, 0, remedy="Pass the global step.")
        of_kind("strict", strict, bool, expected="True or False", remedy="Pass strict=True.")
        if autosave is not None:
            refuse_no_path("autosave", autosave)
        models, optimizers = to_models(model), to_optimizers(optimizer)
        for one in optimizers:
            _take_over(one)
        parameters = Parameters(models, chooser(include, exclude), optimizers)
        if not parameters.names and not parameters.has_lazy:
            raise refusal(
                "include",
                expected="at least one trainable parameter to watch",
                got=f"none of {len(list(parameters.of_models()))}",
                remedy="Names look like those of model.named_parameters().",
            )
        self.history: History = begin(name, config)
        self.control = Control(_stepper(self))
        self._problems = Problems(strict)
        self._subscribers = Subscribers(self.control, self._problems, on_event)
        self._parameters = parameters
        self._recorder = StepRecorder(
            self.history, self.control, self._problems, parameters, optimizers, scaler, budget
        )
        self._publisher = Publisher(
            self._recorder.recorder,
            self._recorder.writer,
            self._recorder.clock,
            self._subscribers,
            {tensor.device for tensor in parameters.of_models()},
            None if autosave is None else autosave_of(self.history, autosave, _rank()),
        )
        self._recorder.on_news = self._publisher.wake
        self.control.on_change = self._publisher.wake_if_begun
        self.history.arrival.source = self._publisher
        if start_step:
            self._go_on_at(start_step)
        weakref.finalize(self, self._publisher.end).atexit = False  # it is closed at exit instead
        self._hooks = Hooks(optimizers, self._recorder)
        # Called, not traced, where a whole step is compiled; an optimizer has torch's compiler
        # imported already.
        self._log = untraced(self._recorder.log) if optimizers else None
        self._panel: Any = None
        _record_control(self.control, self._recorder, self.history, self._subscribers)
        for one in optimizers:
            _watching[one] = weakref.ref(self)

    @property
    def parameter_names(self) -> list[str]:
        """The watched parameters that can be trained, in the order of the network."""
        return list(self._parameters.names)

    def name_of(self, parameter: Tensor) -> str | None:
        """Return the name a parameter is recorded by, None if it is not watched."""
        return self._parameters.name(parameter)

    def spent(self, seconds: float) -> None:
        """Count time that something else spent on watching, in the training thread, as ours."""
        self._recorder.clock.ours += seconds

    @property
    def is_closed(self) -> bool:
        """Whether it records no more."""
        return self._recorder.is_closed

    @property
    def step(self) -> int:
        """Completed steps, those before a resume included.

        Whether AMP had a fused optimizer skip its last step is known a moment later.
        """
        return self._recorder.step

    @property
    def events(self) -> list[Event]:
        """What happened, in order."""
        events = self.history.events
        with self.history.lock:
            return list(events)

    @property
    def overhead(self) -> float:
        """Measured fraction of the steps' time that watching takes, over some hundred steps.

        Counted are the time in the training thread and the processor time of the publishing
        thread, subscribers included; not counted are the first three steps.
        """
        return self._recorder.clock.overhead

    @property
    def problem(self) -> str:
        """The traceback of the first error that was kept from the training loop, else empty."""
        return self._problems.first

    @property
    def notes(self) -> list[str]:
        """What to know about what is recorded, a sentence each."""
        found = [*self._recorder.notes(), self._publisher.note]
        return [note for note in found if note]

    def log(
        self, values: Mapping[str, Any] | None = None, step: int | None = None, **more: Any
    ) -> None:
        """Record scalars; nothing waits for a device, and tensors may be overwritten after.

        Args:
            values: numbers, numpy scalars or tensors of one element, by name.
            step: None for the last completed step. Any whole numbers else: if they advance as the
                optimizer's steps do, as a resumed global step does, the whole run counts by them;
                others, such as epochs, are these values' own x. Without an optimizer each call is a
                step, this one if given, unless `record_gradients` came before.
            **more: further values by name.
        """
        if not (values is None or isinstance(values, Mapping)):
            self._problems.refuse(_no_values(values))
            values = None
        if torch.compiler.is_compiling() and self._log is not None:
            self._log({**(values or {}), **more}, step)
        else:
            self._recorder.log({**(values or {}), **more}, step)

    def record_gradients(self) -> None:
        """Record the gradients the models hold now, for loops without an optimizer.

        Call it before `log`, once a step; the two count one step together.
        """
        self._recorder.record_gradients()

    def clip_grad_norm_(
        self,
        parameters: Tensor | Iterable[Tensor] | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
    ) -> Tensor:
        """Clip as `torch.nn.utils.clip_grad_norm_` does, and record norm and coefficient.

        The gradients that the next step is recorded with are those from before.

        Args:
            parameters: those to clip together; None is all of the models.
            max_norm: what the norm of all gradients is at most afterwards.
            norm_type: 2 for the Euclidean norm, or any that torch knows.

        Returns:
            The norm before, on its device, shape ().

        Raises:
            ValueError: `max_norm` is missing or no number, or `parameters` are no tensors.
        """
        remedy = (
            "Pass clip_grad_norm_(model.parameters(), 1.0), or max_norm=1.0 for all parameters."
        )
        most = to_value("max_norm", max_norm, remedy=remedy)
        if parameters is None:
            parameters = self._parameters.of_models()
        chosen = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        return self._recorder.clip(chosen, most, norm_type)

    def loop(
        self, loader: Iterable[Batch], epochs: int = 1, total: int | None = None
    ) -> Loop[Batch]:
        """Yield a loader's batches, with progress, pause and stop.

        See `torchdial.training.control.loop.loop`.

        Example:
            >>> monitor = TrainingMonitor(torch.nn.Linear(2, 1))
            >>> [batch for batch in monitor.loop("ab", epochs=2)]
            ['a', 'b', 'a', 'b']
        """
        return loop(self.control, loader, epochs, total)

    def start(self, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
        """Run `train(*args, **kwargs)` in a thread of its own.

        See `torchdial.training.control.worker_thread.start`.
        """
        return start(self.control, train, *args, **kwargs)

    def dial(
        self,
        name: str,
        setter: Setter | None = None,
        min: float = 0.0,
        max: float = 1.0,
        log: bool = False,
        value: float | None = None,
    ) -> None:
        """Add a dial: see `torchdial.training.control.control.Control.dial`."""
        self.control.dial(name, setter, min, max, log, value)

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back from the publishing thread, at most 10 times a second, when there is news.

        Returns:
            What to call to end it.
        """
        remove = self._subscribers.add(callback)
        self._publisher.wake()
        return remove

    def flush(self) -> None:
        """Wait until everything recorded so far is in the history and was looked at."""
        self._recorder.recorder.send_if_here()
        self._publisher.flush()

    def close(self) -> None:
        """Take the hooks away and end the publishing thread; what was recorded stays."""
        self._hooks.remove()
        self._recorder.recorder.send_if_here()
        self._recorder.is_closed = True
        self.control.close()
        self._publisher.close()
        self._problems.raise_pending()

    def __enter__(self) -> TrainingMonitor:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StopTraining):
            self.control.rest("".join(format_exception(error)))
        self.close()

    def __repr__(self) -> str:
        return f"TrainingMonitor({self.history.name!r}, step {self.step:,})"

    def state_dict(self) -> dict[str, Any]:
        """Return the run, for a checkpoint."""
        self.flush()
        return {"step": self.step, "history": self.history.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a run from its checkpoint: its points come back, its steps are counted on.

        Raises:
            ValueError: the state is not what `state_dict` returned.
        """
        if not isinstance(state, Mapping) or not {"history", "step"} <= state.keys():
            raise refusal(
                "load_state_dict",
                expected="what the monitor's state_dict() returned",
                got=describe(state),
                remedy="Save monitor.state_dict() in the checkpoint and load that.",
            )
        self.flush()
        self.history.load_state_dict(state["history"])
        self._go_on_at(to_whole("step", state["step"], remedy="Load what state_dict() returned."))

    def _go_on_at(self, step: int) -> None:
        self._recorder.go_on_at(step)
        self.history.start_step = step

    def _ipython_display_(self) -> None:
        """Show the panel, with a picture that the run's last one can replace."""
        if _rank() == 0:
            self._shown()._ipython_display_()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the panel for hosts without IPython; nothing on ranks other than the first."""
        return self._shown()._repr_mimebundle_(**kwargs) if _rank() == 0 else {}

    def _shown(self) -> Any:
        if self._panel is None:
            self._panel = import_module("torchdial.widgets.live.training_panel").TrainingPanel(self)
        return self._panel


_watching: weakref.WeakKeyDictionary[Optimizer, weakref.ref[TrainingMonitor]]
_watching = weakref.WeakKeyDictionary()


def _take_over(optimizer: Optimizer) -> None:
    """Close the monitor that watches an optimizer: a cell was run again."""
    reference = _watching.get(optimizer)
    earlier = reference() if reference is not None else None
    if earlier is not None:
        refuse_beside_worker(earlier.control, "optimizer")
        earlier.close()
        del _watching[optimizer]


def _no_values(values: Any) -> ValueError:
    """Return the error of values without names; it is not to end a training loop."""
    return refusal(
        "values",
        expected="numbers by name",
        got=describe(values),
        remedy="Call for example log(loss=loss).",
    )


def _rank() -> int:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    return int(os.environ.get("RANK", "0"))


def _stepper(monitor: TrainingMonitor) -> Callable[[], int]:
    reference = weakref.ref(monitor)

    def step() -> int:
        alive = reference()
        return 0 if alive is None else alive.step

    return step


def _record_control(
    control: Control, recorder: StepRecorder, history: History, subscribers: Subscribers
) -> None:
    """Record what the control does as events."""

    def on_event(event: Event) -> None:
        event = replace(event, time=history.now)
        history.add_event(event)
        subscribers.call_with_event(event)

    control.on_event = on_event
    control.on_batch = recorder.clock.take_batch
    control.on_problem = subscribers.problems.add
