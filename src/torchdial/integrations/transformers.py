"""Watch a run of transformers' Trainer.

from torchdial.integrations.transformers import TorchdialCallback
trainer = Trainer(..., callbacks=[TorchdialCallback()])
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from torchdial.integrations.display_monitor import show
from torchdial.training.control.control import Progress, StopTraining
from torchdial.training.history.history import History
from torchdial.training.monitor import TrainingMonitor

RECORD = "torchdial.run"
"""The record's file in a checkpoint's folder."""

OURS = {"grad_norm", "learning_rate"}
"""What the monitor records itself, at every step instead of every `logging_steps`."""


class TorchdialCallback(TrainerCallback):
    """Records each `train` into a `TrainingMonitor`, and shows its panel if in a notebook.

    Gradients and learning rates are recorded at every step of the optimizer; the loss and the
    metrics when the Trainer logs them, so set `logging_steps=1` for every step's loss. Gradient
    norms are those after the Trainer's own clipping. The panel's stop ends the run as the Trainer's
    own callbacks do. Each checkpoint carries the record, and a run resumed from one of `output_dir`
    goes on with it.

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
            self.monitor.load_state_dict(_restored(args, state.global_step))
        if state.is_world_process_zero:
            show(self.monitor)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Tell the panel how far the run is, and do what it asks for."""
        if self.monitor is None:
            return
        epochs = round(state.num_train_epochs) if state.num_train_epochs else None
        self.monitor.control.report(
            Progress(state.global_step, state.max_steps or None, int(state.epoch or 0), epochs)
        )
        try:
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
            self.monitor.history.save(_checkpoint(args, state.global_step) / RECORD)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the record."""
        self._close()

    def _close(self) -> None:
        if self.monitor is not None:
            self.monitor.control.rest()
            self.monitor.close()


def _checkpoint(args: TrainingArguments, step: int) -> Path:
    return Path(str(args.output_dir)) / f"checkpoint-{step}"


def _restored(args: TrainingArguments, step: int) -> dict[str, Any]:
    """What the run had recorded up to a checkpoint, or nothing but its step."""
    path = _checkpoint(args, step) / RECORD
    history = History.load(path) if path.exists() else History()
    return {"step": step, "history": history.state_dict()}


def _metrics(logs: Mapping[str, Any]) -> dict[str, float]:
    """The metrics among the logs: neither what is ours nor how long the run took."""
    if "train_runtime" in logs:  # the summary of the whole run
        return {}
    timings = ("_runtime", "_per_second", "_jit_compilation_time")
    return {
        name: float(value)
        for name, value in logs.items()
        if isinstance(value, (int, float)) and name not in OURS and not name.endswith(timings)
    }


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
