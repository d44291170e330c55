"""Watching Lightning's real Trainer."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore", module="lightning")
L = pytest.importorskip("lightning.pytorch", reason="an extra")

from torchdial.integrations.lightning import TorchdialCallback  # noqa: E402


class Automatic(L.LightningModule):
    """Least squares; keeps the losses and learning rates that really were."""

    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(4, 1)
        self.losses, self.norms = [], []

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = (self.layer(x) - y).square().mean()
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", (self.layer(x) - y).square().mean())

    def on_before_optimizer_step(self, optimizer):
        squares = [p.grad.double().square().sum() for p in self.parameters()]
        self.norms.append(math.sqrt(float(sum(squares))))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class Logging(Automatic):
    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        self.log("always", 7.0)
        return loss


class Manual(L.LightningModule):
    """Two optimizers, the second every other step."""

    def __init__(self, clip: float = 0.0) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.first, self.second = nn.Linear(4, 1), nn.Linear(4, 1)
        self.losses, self.norms, self.clip = [], [], clip

    def training_step(self, batch, batch_idx):
        x, y = batch
        first, second = self.optimizers()
        loss = (self.first(x) + self.second(x) - y).square().mean()
        self.losses.append(loss.item())
        first.zero_grad()
        second.zero_grad()
        self.manual_backward(loss)
        squares = [p.grad.double().square().sum() for p in self.first.parameters()]
        self.norms.append(math.sqrt(float(sum(squares))))
        if self.clip:
            self.clip_gradients(first, self.clip, "norm")
        first.step()
        if batch_idx % 2:
            second.step()
        self.log("loss", loss)

    def configure_optimizers(self):
        return [
            torch.optim.SGD(self.first.parameters(), lr=0.1),
            torch.optim.SGD(self.second.parameters(), lr=0.01),
        ]


def loader(batches: int = 6):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batches * 4, 4, generator=generator)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=4)


def fit(module, callback, tmp_path, resume=None, **options):
    torch.manual_seed(0)
    trainer = L.Trainer(
        accelerator="cpu",
        callbacks=[callback],
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        **{"max_epochs": 2, "enable_checkpointing": False, **options},
    )
    trainer.fit(module, loader(), loader(2), ckpt_path=resume)
    return trainer


def test_automatic_optimisation(tmp_path):
    module, callback = Automatic(), TorchdialCallback(name="least squares", budget=1.0)
    fit(module, callback, tmp_path)
    history = callback.monitor.history
    assert history.name == "least squares"
    assert history.config == {"lr": 0.1}
    assert callback.monitor.step == 12
    assert history["loss"].steps.tolist() == list(range(1, 13))
    assert history["loss"].values == pytest.approx(module.losses)
    assert history["grad_norm"].values == pytest.approx(module.norms)
    assert history["lr"].values == pytest.approx(0.1 * 0.5 ** torch.arange(12.0).numpy())
    assert history["val_loss"].steps.tolist() == [6, 12]
    epochs = zip(history["epoch"].steps, history["epoch"].values, strict=True)
    assert all(epoch == (step > 6) for step, epoch in epochs)
    assert callback.monitor.control.progress.total_steps == 12
    assert callback.monitor.control.state == "finished"


def test_logged_metrics_are_recorded_once_each(tmp_path):
    module, callback = Logging(), TorchdialCallback(budget=1.0)
    fit(module, callback, tmp_path)
    history = callback.monitor.history
    assert "loss" not in history  # the module logs its own
    assert history["train_loss_step"].values == pytest.approx(module.losses)
    assert history["train_loss_epoch"].steps.tolist() == [6, 12]
    means = [sum(part) / 6 for part in (module.losses[:6], module.losses[6:])]
    assert history["train_loss_epoch"].values == pytest.approx(means)
    assert history["always"].values.tolist() == 12 * [7.0]


def test_manual_optimisation_with_two_optimizers(tmp_path):
    module, callback = Manual(), TorchdialCallback(budget=1.0)
    fit(module, callback, tmp_path)
    history = callback.monitor.history
    assert callback.monitor.step == 12  # of the first optimizer
    assert history["loss"].values == pytest.approx(module.losses)
    norms = history.layers["grad_norm"]
    assert norms.names == ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert norms.count.sum(axis=1).tolist() == [12, 12, 6, 6]


@pytest.mark.parametrize("module", [Automatic, lambda: Manual(clip=0.01)])
def test_norms_are_those_from_before_clipping(module, tmp_path):
    module, callback = module(), TorchdialCallback(budget=1.0)
    options = {"gradient_clip_val": 0.01} if isinstance(module, Automatic) else {}
    trainer = fit(module, callback, tmp_path, **options)
    history = callback.monitor.history
    assert min(module.norms) > 0.02
    layers = history.layers["grad_norm"]
    norms = layers.max[:2, layers.count[0] > 0].astype(float)
    assert np.sqrt((norms**2).sum(0)) == pytest.approx(module.norms)
    assert "clip_grad_by_norm" not in vars(trainer.precision_plugin)


def test_weights_are_the_same_as_without_when_clipped(tmp_path):
    weights = []
    for callback in (TorchdialCallback(), L.Callback()):
        torch.manual_seed(1)
        module = Automatic()
        fit(module, callback, tmp_path, gradient_clip_val=0.01)
        weights.append(module.layer.weight)
    assert torch.equal(*weights)


@pytest.mark.filterwarnings("error:torchdial")
def test_a_damaged_record_does_not_stop_the_resumed_fit(tmp_path):
    first = TorchdialCallback()
    trainer = fit(Automatic(), first, tmp_path, enable_checkpointing=True, max_epochs=1)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    checkpoint = torch.load(tmp_path / "one.ckpt", weights_only=False)
    for state in checkpoint["callbacks"].values():
        if isinstance(state.get("monitor"), dict):
            state["monitor"]["history"]["file"] = torch.zeros(99, dtype=torch.uint8)
    torch.save(checkpoint, tmp_path / "one.ckpt")
    second = TorchdialCallback()
    fit(Automatic(), second, tmp_path, resume=tmp_path / "one.ckpt")
    assert second.monitor.step == 12
    assert second.monitor.history["loss"].steps.tolist() == list(range(7, 13))
    assert "cannot be read" in second.monitor.events[0].message


def test_gradient_accumulation(tmp_path):
    module, callback = Automatic(), TorchdialCallback(budget=1.0)
    fit(module, callback, tmp_path, accumulate_grad_batches=3)
    history = callback.monitor.history
    assert callback.monitor.step == 4
    assert history["grad_norm"].values == pytest.approx(module.norms)
    assert history["loss"].values == pytest.approx(module.losses)  # not divided by 3
    assert history["loss"].steps.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]


def test_a_resumed_run_goes_on_with_its_record(tmp_path):
    first = TorchdialCallback()
    trainer = fit(Automatic(), first, tmp_path, enable_checkpointing=True, max_epochs=1)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    second = TorchdialCallback()
    module = Automatic()
    fit(module, second, tmp_path, resume=tmp_path / "one.ckpt")
    history = second.monitor.history
    assert history.start_step == 6
    assert second.monitor.step == 12
    assert history["loss"].steps.tolist() == list(range(1, 13))
    assert history["loss"].values[6:] == pytest.approx(module.losses)


def test_stop_asked_in_the_panel_ends_the_fit(tmp_path):
    class Stopping(Automatic):
        def training_step(self, batch, batch_idx):
            if len(self.losses) == 3:
                callback.monitor.control.request_stop()
            return super().training_step(batch, batch_idx)

    module, callback = Stopping(), TorchdialCallback(budget=1.0)
    trainer = fit(module, callback, tmp_path)
    assert trainer.state.finished
    assert len(module.losses) == 4
    assert [event.kind for event in callback.monitor.events] == ["stop"]


def test_an_error_ends_the_record_and_leaves_no_hooks(tmp_path):
    class Failing(Automatic):
        def training_step(self, batch, batch_idx):
            if len(self.losses) == 3:
                raise RuntimeError("planted")
            return super().training_step(batch, batch_idx)

    module, callback = Failing(), TorchdialCallback(budget=1.0)
    with pytest.raises(RuntimeError, match="planted"):
        fit(module, callback, tmp_path)
    assert callback.monitor.history["loss"].values == pytest.approx(module.losses)
    assert callback.monitor.control.state == "failed"
    assert "planted" in callback.monitor.control.error
    optimizer = module.trainer.optimizers[0]
    assert not optimizer._optimizer_step_post_hooks
    assert not optimizer._optimizer_step_pre_hooks


def test_weights_are_the_same_as_without(tmp_path):
    torch.manual_seed(1)
    watched = Automatic()
    torch.manual_seed(1)
    alone = Automatic()
    fit(watched, TorchdialCallback(), tmp_path)
    fit(alone, L.Callback(), tmp_path)
    assert torch.equal(watched.layer.weight, alone.layer.weight)
