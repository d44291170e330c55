"""Watch a run of Lightning's Trainer.

from torchdial.integrations.lightning import TorchdialCallback
trainer = L.Trainer(callbacks=[TorchdialCallback()])
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins.precision import Precision
from torch.optim import Optimizer

from torchdial.integrations.checkpoint_record import continue_record
from torchdial.integrations.display_monitor import show
from torchdial.training.control.control import Progress, StopTraining
from torchdial.training.history.scalar_names import is_loss
from torchdial.training.monitor import TrainingMonitor


class TorchdialCallback(Callback):
    """Records each `fit` into a `TrainingMonitor`, and shows its panel if in a notebook.

    The loss of `training_step` and all that the module logs are recorded as they come, gradients
    and learning rates by the optimizers' steps, in automatic and manual optimisation. The panel's
    stop ends the run as `trainer.should_stop` does. A checkpoint carries the record, and a resumed
    run goes on with it. Gradient norms are those from before Lightning clips them by their norm;
    where it clips by value, or under FSDP or DeepSpeed, they are those from after.

    Args:
        name: What to call the run.
        **options: More arguments for `TrainingMonitor`, such as `include` or `budget`.

    Attributes:
        monitor: That of the last `fit`; None before the first.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        self.monitor: TrainingMonitor | None = None
        self._name = name
        self._options = options
        self._restored: Mapping[str, Any] | None = None
        self._stop_recording_clips: Callable[[], None] | None = None
        self._seen: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to watch: the optimizers are there, and a checkpoint has been loaded."""
        self._close()
        self._seen = {}
        self.monitor = TrainingMonitor(
            pl_module,
            trainer.optimizers or None,
            getattr(trainer.precision_plugin, "scaler", None),
            config=_plain(pl_module.hparams),
            name=self._name,
            **self._options,
        )
        if self._restored is not None:
            continue_record(self.monitor, self._restored, trainer.global_step)
            self._restored = None
        self._stop_recording_clips = record_clips(trainer.precision_plugin, self.monitor)
        if trainer.is_global_zero:
            show(self.monitor)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the loss and what was logged in this step; do what the panel asks for."""
        values = self._fresh(trainer)
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, torch.Tensor) and not any(map(is_loss, values)):
            values["loss"] = loss.detach() * trainer.accumulate_grad_batches
        self._report(trainer)
        if self.monitor is not None:
            self.monitor.control.report_batch(0.0, batch)
        self._log(trainer, values)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what validation logged."""
        self._log_fresh(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what was logged of the epoch."""
        self._log_fresh(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the record."""
        self._close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """End the record of a run that failed or was interrupted."""
        failed = isinstance(exception, Exception)
        self._close("".join(traceback.format_exception(exception)) if failed else "")

    def state_dict(self) -> dict[str, Any]:
        """Return the record, for the checkpoint."""
        return {} if self.monitor is None else {"monitor": self.monitor.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep a checkpoint's record for the run that begins."""
        self._restored = state_dict.get("monitor")

    def _fresh(self, trainer: Trainer) -> dict[str, torch.Tensor]:
        """The metrics logged since the last look: each value has memory of its own."""
        metrics = trainer.callback_metrics
        fresh = {k: v for k, v in metrics.items() if not _same(v, self._seen.get(k))}
        self._seen.update(fresh)
        return fresh

    def _log_fresh(self, trainer: Trainer) -> None:
        values = self._fresh(trainer)
        if values:
            self._log(trainer, values)

    def _log(self, trainer: Trainer, values: Mapping[str, Any]) -> None:
        if self.monitor is None or trainer.sanity_checking:
            return
        try:
            self.monitor.log(values)
        except StopTraining:
            trainer.should_stop = True

    def _report(self, trainer: Trainer) -> None:
        """Tell the panel how far the run is."""
        if self.monitor is None:
            return
        batches, epochs = trainer.num_training_batches, trainer.max_epochs
        total = None
        if isinstance(batches, int) and epochs is not None and epochs > 0:
            total = batches * epochs
        step = trainer.fit_loop.total_batch_idx + 1
        self.monitor.control.report(Progress(step, total, trainer.current_epoch, epochs))

    def _close(self, error: str = "") -> None:
        if self._stop_recording_clips is not None:
            self._stop_recording_clips()
            self._stop_recording_clips = None
        if self.monitor is not None:
            self.monitor.control.rest(error)
            self.monitor.close()


def record_clips(precision: Precision, monitor: TrainingMonitor) -> Callable[[], None]:
    """Record the norms from before Lightning clips gradients by their norm.

    Args:
        precision: the plugin that clips; those that clip in a way of their own are left alone.
        monitor: clips in its place, by the same call of torch.

    Returns:
        What to call to end it.
    """
    if type(precision).clip_grad_by_norm is not Precision.clip_grad_by_norm:
        return lambda: None

    def clip(optimizer: Optimizer, clip_val: float) -> None:
        monitor.clip_grad_norm_(precision.main_params(optimizer), clip_val)

    precision.clip_grad_by_norm = clip  # type: ignore[method-assign]
    return lambda: vars(precision).pop("clip_grad_by_norm", None)


def _same(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    """Whether both are views of one value: that of the other is held, so none is in its place."""
    return other is not None and one.data_ptr() == other.data_ptr()


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters that can be shown and saved."""
    return {k: v for k, v in values.items() if isinstance(v, (str, int, float, bool, type(None)))}
