"""Watching transformers' real Trainer."""

import math

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("transformers", reason="an extra")

from transformers import Trainer, TrainingArguments

from torchdial.integrations.transformers import RECORD, TorchdialCallback


class Squares(nn.Module):
    """Least squares as transformers likes its models; keeps what really was."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.losses = []

    def forward(self, x, labels):
        output = self.layer(x)
        loss = (output - labels).square().mean()
        if self.training:
            self.losses.append(loss.item())
        return {"loss": loss, "logits": output}


def dataset(n: int = 24):
    x = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    return [{"x": row, "labels": row.sum()[None]} for row in x]


def train(callback, tmp_path, resume=None, model=None, **options):
    torch.manual_seed(0)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        use_cpu=True,
        per_device_train_batch_size=4,
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        optim="sgd",
        learning_rate=0.1,
        lr_scheduler_type="linear",
        seed=0,
        **{"num_train_epochs": 2, "save_strategy": "no", "max_grad_norm": 0.0, **options},
    )
    model = model or Squares()
    trainer = Trainer(
        model,
        arguments,
        train_dataset=dataset(),
        eval_dataset=dataset(8),
        callbacks=[callback],
    )
    trainer.train(resume_from_checkpoint=resume)
    return model, trainer


def test_a_run_is_recorded(tmp_path):
    callback = TorchdialCallback()
    model, trainer = train(callback, tmp_path, eval_strategy="epoch", run_name="squares")
    history = callback.monitor.history
    assert history.name == "squares"
    assert history.config["learning_rate"] == 0.1
    assert callback.monitor.step == trainer.state.global_step == 12
    assert history["loss"].steps.tolist() == list(range(1, 13))
    assert history["loss"].values == pytest.approx(model.losses, rel=1e-3)
    assert history["optim/lr"].values == pytest.approx([0.1 * (1 - k / 12) for k in range(12)])
    assert history["eval_loss"].steps.tolist() == [6, 12]
    assert set(history.names) >= {"loss", "optim/lr", "optim/grad_norm", "eval_loss", "epoch"}
    assert not any(
        "runtime" in name or "per_second" in name
        for name in history.names
        if not name.startswith("system/")
    )
    assert callback.monitor.control.progress.total_steps == 12
    assert callback.monitor.control.state == "finished"


def test_gradients_are_the_optimizers(tmp_path):
    norms = []

    class Reading(TorchdialCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
            squares = [p.grad.double().square().sum() for p in model.parameters()]
            norms.append(math.sqrt(float(sum(squares))))

    callback = Reading(budget=1.0)
    train(callback, tmp_path, gradient_accumulation_steps=3)
    assert callback.monitor.step == 4
    layers = callback.monitor.history.layers["grad_norm"].max.astype(float)
    assert np.sqrt((layers**2).sum(0)) == pytest.approx(norms)


def test_a_resumed_run_goes_on_with_its_record(tmp_path):
    train(TorchdialCallback(), tmp_path, save_strategy="steps", save_steps=6, max_steps=6)
    checkpoint = tmp_path / "checkpoint-6"
    assert (checkpoint / RECORD).exists()
    callback = TorchdialCallback()
    model, _ = train(callback, tmp_path, resume=str(checkpoint))
    history = callback.monitor.history
    assert history.start_step == 6
    assert callback.monitor.step == 12
    assert history["loss"].steps.tolist() == list(range(1, 13))
    assert history["loss"].values[6:] == pytest.approx(model.losses, rel=1e-3)


def to_step_6(tmp_path):
    """Train to a checkpoint at step 6, and return its folder and the record's id."""
    callback = TorchdialCallback()
    train(callback, tmp_path, save_strategy="steps", save_steps=6, max_steps=6)
    return tmp_path / "checkpoint-6", callback.monitor.history.id


def test_a_checkpoint_without_a_record_keeps_its_step_and_says_so(tmp_path):
    checkpoint, _ = to_step_6(tmp_path)
    (checkpoint / RECORD).unlink()
    callback = TorchdialCallback()
    with pytest.warns(UserWarning, match="has no record. The run is recorded from step 6 on"):
        train(callback, tmp_path, resume=str(checkpoint))
    assert callback.monitor.history["loss"].steps.tolist() == list(range(7, 13))
    assert "no_record" in [event.kind for event in callback.monitor.events]


@pytest.mark.parametrize("damage", [b"", b"no record", b"TDIALRUN" + bytes(200)])
@pytest.mark.filterwarnings("error:torchdial")
def test_a_damaged_record_does_not_stop_the_resumed_run(damage, tmp_path):
    checkpoint, _ = to_step_6(tmp_path)
    (checkpoint / RECORD).write_bytes(damage)
    callback = TorchdialCallback()
    _, trainer = train(callback, tmp_path, resume=str(checkpoint))
    assert trainer.state.global_step == callback.monitor.step == 12
    assert callback.monitor.history["loss"].steps.tolist() == list(range(7, 13))
    (event,) = [event for event in callback.monitor.events if event.kind == "no_record"]
    assert "cannot be read" in event.message


def test_a_record_that_cannot_be_saved_does_not_stop_the_run(tmp_path, monkeypatch):
    def fail(self, path):
        raise OSError("disk full")

    monkeypatch.setattr("torchdial.training.history.history.History.save", fail)
    with pytest.warns(UserWarning, match="no record in this checkpoint: disk full"):
        to_step_6(tmp_path)


@pytest.mark.parametrize("moved", [False, True])
def test_another_output_folder_finds_the_checkpoints_own_record(moved, tmp_path):
    checkpoint, own = to_step_6(tmp_path / "first")
    to_step_6(tmp_path / "second")  # another run's record, in the folder where one would look
    options = {}
    if moved:
        checkpoint = checkpoint.rename(tmp_path / "moved")
        options = {"resume_from_checkpoint": str(checkpoint)}
    callback = TorchdialCallback()
    train(callback, tmp_path / "second", resume=str(checkpoint), **options)
    history = callback.monitor.history
    assert history.id == own
    assert history["loss"].steps.tolist() == list(range(1, 13))


def test_another_runs_record_is_not_taken_for_the_checkpoints(tmp_path):
    checkpoint, _ = to_step_6(tmp_path / "first")
    to_step_6(tmp_path / "second")
    checkpoint = checkpoint.rename(tmp_path / "moved")
    callback = TorchdialCallback()
    with pytest.warns(UserWarning, match="The checkpoint has no record"):
        train(callback, tmp_path / "second", resume=str(checkpoint))
    assert callback.monitor.history["loss"].steps.tolist() == list(range(7, 13))


def test_the_trainers_norm_from_before_clipping_is_recorded(tmp_path):
    callback = TorchdialCallback(budget=1.0)
    _, trainer = train(callback, tmp_path, max_grad_norm=0.01)
    norms = [log["grad_norm"] for log in trainer.state.log_history if "grad_norm" in log]
    assert len(norms) == 12
    assert min(norms) > 0.02
    assert set(norms) <= set(callback.monitor.history["grad_norm"].values)


class Breaking(Squares):
    """Its loss is NaN from the fourth batch on."""

    def forward(self, x, labels):
        output = super().forward(x, labels)
        if len(self.losses) > 3:
            output["loss"] = output["loss"] * float("nan")
        return output


@pytest.mark.parametrize("hides", [True, False])
def test_the_loss_is_named_first_where_the_trainer_hides_that_it_is_nan(hides, tmp_path):
    callback = TorchdialCallback(budget=1.0)
    train(callback, tmp_path, model=Breaking(), logging_nan_inf_filter=hides)
    loss = callback.monitor.history["loss"]
    assert [math.isnan(value) for value in loss.values] == [False] * 3 + [True] * 9
    assert loss.steps.tolist() == list(range(1, 13))
    event = callback.monitor.events[0]
    assert (event.step, event.kind, event.where) == (4, "nonfinite_loss", "loss")
    assert "went first" in event.message


def test_a_model_keeps_no_hook(tmp_path):
    model, _ = train(TorchdialCallback(), tmp_path)
    assert not model._forward_hooks


def test_stop_asked_in_the_panel_ends_the_run(tmp_path):
    class Stopping(TorchdialCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 3:
                self.monitor.control.request_stop()

    callback = Stopping()
    model, trainer = train(callback, tmp_path)
    assert trainer.state.global_step == 4
    assert len(model.losses) == 4
    assert [event.kind for event in callback.monitor.events] == ["stop"]


def test_weights_are_the_same_as_without(tmp_path):
    from transformers import TrainerCallback

    watched, _ = train(TorchdialCallback(), tmp_path)
    alone, _ = train(TrainerCallback(), tmp_path)
    assert torch.equal(watched.layer.weight, alone.layer.weight)
