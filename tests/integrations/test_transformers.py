"""Watching transformers' real Trainer."""

import math

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


def train(callback, tmp_path, resume=None, **options):
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
        max_grad_norm=0.0,
        seed=0,
        **{"num_train_epochs": 2, "save_strategy": "no", **options},
    )
    model = Squares()
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
    history = callback.monitor.history
    assert callback.monitor.step == 4
    assert history["grad_norm"].values == pytest.approx(norms)


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


def test_a_checkpoint_without_a_record_keeps_its_step(tmp_path):
    train(TorchdialCallback(), tmp_path, save_strategy="steps", save_steps=6, max_steps=6)
    (tmp_path / "checkpoint-6" / RECORD).unlink()
    callback = TorchdialCallback()
    train(callback, tmp_path, resume=str(tmp_path / "checkpoint-6"))
    assert callback.monitor.history["loss"].steps.tolist() == list(range(7, 13))


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
