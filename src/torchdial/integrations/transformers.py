"""Watch a run of transformers' Trainer.

from torchdial.integrations.transformers import TorchdialCallback
trainer = Trainer(..., callbacks=[TorchdialCallback()])
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from torchdial.integrations.checkpoint_record import continue_without_record
from torchdial.integrations.display_monitor import show
from torchdial.integrations.model_losses import ModelLosses
from torchdial.training.control.control import Progress, StopTraining
from torchdial.training.history.history import History
from torchdial.training.monitor import TrainingMonitor
from torchdial.training.readers.trainer_state import metrics_of

RECORD = "torchdial.run"
"""The record's file in a checkpoint's folder."""

STATE_KEY = "torchdial"
"""Where a checkpoint's `trainer_state.json` says which record is its own."""


class TorchdialCallback(TrainerCallback):
    """Records each `train` into a `TrainingMonitor`, and shows its panel if in a notebook.

    Gradients and learning rates are recorded at every step of the optimizer; the loss and the
    metrics when the Trainer logs them, so set `logging_steps=1` for every step's loss. `grad_norm`
    is the Trainer's, from before clipping; what the monitor reads itself is from after. A loss that
    is not finite is recorded at its step, also where the Trainer's `logging_nan_inf_filter` hides
    it, if the model itself returns its loss. The panel's stop ends the run as the Trainer's own
    callbacks do. Each checkpoint carries the record, and a run resumed from it goes on with it.

    Args:
        name: What to call the run; None is the Trainer's `run_name`.
        **options: More arguments for `TrainingMonitor`, such as `include` or `budget`.

    Attributes:
        monitor: That of the last `train`; None before the first.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        self.monitor: TrainingMonitor | None = None
        self._name = name
        self._options = options
        self._losses: ModelLosses | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        optimizer: Any = None,
        **kwargs: Any,
    ) -> None:
        """Begin to watch: the optimizer is there, and a checkpoint has been loaded."""
        self._close()
        self.monitor = TrainingMonitor(
            model,
            optimizer,
            config=_plain(args),
            name=self._name or args.run_name,
            **self._options,
        )
        if state.global_step:
            _continue(self.monitor, args, state)
        callbacks: Any = state.stateful_callbacks
        callbacks[STATE_KEY] = {"args": {}, "attributes": _whereabouts(self.monitor, args)}
        if args.logging_nan_inf_filter:
            self._losses = ModelLosses(model)
        if state.is_world_process_zero:
            show(self.monitor)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Report how far the run is, record a loss that is not finite, stop if asked to."""
        if self.monitor is None:
            return
        epochs = round(state.num_train_epochs) if state.num_train_epochs else None
        self.monitor.control.report(
            Progress(state.global_step, state.max_steps or None, int(state.epoch or 0), epochs)
        )
        nonfinite = [] if self._losses is None else self._losses.take_nonfinite()
        try:
            if nonfinite:
                self.monitor.log({"loss": nonfinite[0]})
            self.monitor.control.boundary()
        except StopTraining:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record what the Trainer logs."""
        values = _metrics(logs or {})
        if self._losses is not None and self._losses.has_only_nonfinite():
            values.pop("loss", None)  # what the Trainer logs instead is made up
        if self.monitor is None or not values:
            return
        try:
            self.monitor.log(values)
        except StopTraining:
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Put the record into the checkpoint."""
        if self.monitor is not None and state.is_world_process_zero:
            self.monitor.flush()
            try:
                self.monitor.history.save(_checkpoint(args.output_dir, state.global_step) / RECORD)
            except OSError as error:
                with suppress(Warning):  # under `-W error` training goes on, too
                    warnings.warn(f"torchdial: no record in this checkpoint: {error}", stacklevel=2)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the record."""
        self._close()

    def _close(self) -> None:
        if self._losses is not None:
            self._losses.close()
            self._losses = None
        if self.monitor is not None:
            self.monitor.control.rest()
            self.monitor.close()


def _checkpoint(output_dir: Any, step: int) -> Path:
    return Path(str(output_dir)) / f"checkpoint-{step}"


def _whereabouts(monitor: TrainingMonitor, args: TrainingArguments) -> dict[str, str]:
    """Return what tells a checkpoint's record from others, and where its folder was written."""
    output_dir = Path(str(args.output_dir)).absolute()
    return {"id": monitor.history.id, "output_dir": str(output_dir)}


def _continue(monitor: TrainingMonitor, args: TrainingArguments, state: TrainerState) -> None:
    """Continue the record of the checkpoint that the Trainer has loaded, wherever it is."""
    step = state.global_step
    callbacks: Any = state.stateful_callbacks or {}
    attributes = callbacks.get(STATE_KEY, {}).get("attributes", {})
    problem = "The checkpoint has no record."
    for path in _places(args, attributes, step):
        try:
            history = History.load(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            problem = f"The checkpoint's record cannot be read: {error}"
            continue
        if attributes.get("id", history.id) == history.id:
            monitor.load_state_dict({"step": step, "history": history.state_dict()})
            return
    continue_without_record(monitor, step, problem)


def _places(args: TrainingArguments, attributes: Mapping[str, Any], step: int) -> Iterator[Path]:
    """Where the record may be: in the folder named, where it was saved, in this output folder."""
    if isinstance(args.resume_from_checkpoint, str):
        yield Path(args.resume_from_checkpoint) / RECORD
    for output_dir in (attributes.get("output_dir"), args.output_dir):
        if output_dir:
            yield _checkpoint(output_dir, step) / RECORD


def _metrics(logs: Mapping[str, Any]) -> dict[str, float]:
    """The metrics among the logs, without the learning rate: it is recorded at every step."""
    return {name: value for name, value in metrics_of(logs).items() if name != "learning_rate"}


def _plain(args: TrainingArguments) -> dict[str, Any]:
    """The settings that people compare runs by."""
    names = (
        "learning_rate",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "num_train_epochs",
        "max_steps",
        "weight_decay",
        "warmup_steps",
        "lr_scheduler_type",
        "optim",
        "max_grad_norm",
        "seed",
    )
    found = {name: getattr(args, name, None) for name in names}
    return {k: v if isinstance(v, (int, float)) else str(v) for k, v in found.items()}
