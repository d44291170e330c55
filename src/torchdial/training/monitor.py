"""Two lines in a training loop, and the run is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from torchdial.training.control import Control
from torchdial.training.dials import Setter
from torchdial.training.history import Event, History
from torchdial.training.loop import loop
from torchdial.training.runs import begin
from torchdial.training.worker import Handle, start

Batch = TypeVar("Batch")


class TrainingMonitor:
    """Records a run while it goes on, at next to no cost, and changes nothing in it.

    Args:
        model: the module, or a list or dict of them.
        optimizer: the optimizer, or a list of them; None for loops without one. A step is a
            completed step of the first.
        scaler: the GradScaler, if one is in use: its scale and the steps it skips are recorded.
        include: which parameters to watch: globs, regular expressions or a callable on the name.
        exclude: which of them not to watch, in the same forms.
        budget: fraction of a step's time that watching may take, in (0, 1].
        config: the run's settings, for people to compare; plain values.
        name: what to call the run; None is "run 3" for the third of this process.
        on_event: called with each new `Event`, from the publishing thread.
        autosave: a file that the run is written to as it grows.

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
        on_event: Callable[[Event], object] | None = None,
        autosave: Any = None,
    ) -> None:
        self.history: History = begin(name, config)
        self.control = Control(lambda: self.step)
        self.parameter_names: list[str] = (
            [n for n, _ in model.named_parameters()] if isinstance(model, nn.Module) else []
        )
        self.problem = ""
        self.notes: list[str] = []
        self._step = 0
        _ = scaler, include, exclude, budget, on_event, autosave
        self._subscribers: list[Callable[[], object]] = []
        self._handles: list[Any] = []
        if optimizer is not None:
            self._handles.append(optimizer.register_step_post_hook(self._stepped))

    @property
    def step(self) -> int:
        """Completed steps, those before a resume included."""
        return self._step

    @property
    def events(self) -> list[Event]:
        """What happened, in order."""
        return list(self.history.events)

    @property
    def overhead(self) -> float:
        """Measured fraction of the steps' time that watching takes."""
        return 0.0

    def log(
        self, values: Mapping[str, Any] | None = None, step: int | None = None, **more: Any
    ) -> None:
        """Record scalars; nothing waits for a device.

        Args:
            values: numbers, numpy scalars or tensors of one element, by name.
            step: the step they belong to; None is the last completed one.
            **more: further values by name.
        """
        named = {**(values or {}), **more}
        if not self._handles and step is None:
            self._step += 1
        self.history.record(
            self._step if step is None else step, {k: float(v) for k, v in named.items()}
        )
        for callback in self._subscribers:
            callback()
        self.control.boundary()

    def record_gradients(self) -> None:
        """Record the gradients the models hold now, for loops without an optimizer."""

    def clip_grad_norm_(self, max_norm: float, norm_type: float = 2.0) -> Tensor:
        """Clip as `torch.nn.utils.clip_grad_norm_` does, and record norm and coefficient."""
        raise NotImplementedError(max_norm, norm_type)

    def loop(
        self, loader: Iterable[Batch], epochs: int = 1, total: int | None = None
    ) -> Iterator[Batch]:
        """Hand out a loader's batches, with progress, pause and stop: see `loop`."""
        return loop(self.control, loader, epochs, total)

    def start(self, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
        """Run `train(*args, **kwargs)` in a thread of its own: see `worker.start`."""
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
        """Add a dial: see `Control.dial`."""
        self.control.dial(name, setter, min, max, log, value)

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back from the publishing thread, at most 10 times a second, when there is news.

        Returns:
            What to call to end it.
        """
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def flush(self) -> None:
        """Wait until everything recorded so far is in the history and was looked at."""

    def close(self) -> None:
        """Take the hooks away and end the publishing thread; what was recorded stays."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> TrainingMonitor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def state_dict(self) -> dict[str, Any]:
        """Return the run, for a checkpoint."""
        return {"step": self.step, "history": self.history.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a run where its checkpoint left it."""
        self.history.load_state_dict(state["history"])
        self._step = self.history.start_step = state["step"]

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        del optimizer, args, kwargs
        self._step += 1
