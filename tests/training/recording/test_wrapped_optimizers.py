"""Optimizers that others have wrapped: what really steps is watched."""

import torch
from accelerate import Accelerator
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import nn

import torchdial as td
from torchdial.training.recording.watched_parameters import to_optimizers


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[3.0, 4.0]]))

    def forward(self, x):
        return (self.w * x).sum()


def points(history, name):
    series = history[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_an_accelerated_optimizer_with_accumulation():
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = Weight()
    model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with td.TrainingMonitor(model, optimizer, budget=1) as monitor:
        for _ in range(4):
            with accelerator.accumulate(model):
                loss = model(torch.tensor([[3.0, 4.0]]))
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            monitor.log(loss=loss)
    assert monitor.problem == ""
    assert points(monitor.history, "grad_norm") == [(1, 5.0), (2, 5.0)]


class Module(LightningModule):
    """Steps with a closure, as Lightning does; every gradient is (3, 4)."""

    def __init__(self):
        super().__init__()
        self.inner = Weight()

    def training_step(self, batch, index):
        loss = self.inner(torch.tensor([[3.0, 4.0]]))
        self.monitor.log(loss=loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        self.monitor = td.TrainingMonitor(self, optimizer, budget=1)
        return optimizer


def test_lightnings_closures(tmp_path):
    module = Module()
    trainer = Trainer(
        max_steps=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, torch.utils.data.DataLoader(torch.zeros(3), batch_size=1))
    module.monitor.close()
    assert module.monitor.problem == ""
    history = module.monitor.history
    assert points(history, "grad_norm") == [(1, 5.0), (2, 5.0), (3, 5.0)]
    assert history["loss"].steps.tolist() == [0, 1, 2]  # Lightning steps after `training_step`


def test_a_lightning_optimizer_is_taken_out_of_its_wrapping():
    optimizer = torch.optim.SGD(Weight().parameters(), lr=0.1)
    assert to_optimizers(LightningOptimizer(optimizer)) == [optimizer]


def test_anything_that_holds_an_optimizer_is_taken_out_of_its_wrapping():
    class Wrapper:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    optimizer = torch.optim.SGD(Weight().parameters(), lr=0.1)
    assert to_optimizers([Wrapper(Wrapper(optimizer)), optimizer]) == [optimizer]
