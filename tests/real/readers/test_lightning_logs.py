"""What Lightning's own loggers write comes back as it was logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader

import torchdial as td
from tests.real.cases import Cases
from tests.real.training.learning import STEPS, Net, digits

pytestmark = pytest.mark.real("lightning")


class Logged(pl.LightningModule):
    """Keeps what it logs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.losses: list[float] = []
        self.held_out: list[float] = []

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train/loss", loss)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        accuracy = (self.net(batch[0]).argmax(1) == batch[1]).float().mean()
        self.log("val/acc", accuracy, batch_size=len(batch[0]))

    def on_validation_epoch_end(self) -> None:
        self.held_out.append(float(self.trainer.callback_metrics["val/acc"]))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Logged]:
    folder = tmp_path_factory.mktemp("logs")
    pl.seed_everything(0, verbose=False)
    module = Logged()
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=[CSVLogger(folder, name="csv"), TensorBoardLogger(folder, name="tb")],
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(digits(), batch_size=8)
    trainer.fit(module, loader, DataLoader(digits(1), batch_size=8))
    return folder, module


@pytest.mark.parametrize("logger", ["csv", "tb"])
def test_metrics_and_steps(logger: str, trained: tuple[Path, Logged], cases: Cases) -> None:
    folder, module = trained
    (history,) = td.read_runs(folder / logger)
    assert history.name == "version_0"
    losses, held_out = history["train/loss"], history["val/acc"]
    float32 = torch.float32 if logger == "tb" else torch.float64
    cases.compare("losses", losses.values, torch.tensor(module.losses).to(float32))
    cases.compare("steps", losses.steps, range(2 * STEPS))
    cases.compare("held out", held_out.values, torch.tensor(module.held_out).to(float32))
    cases.compare("their steps", held_out.steps, [STEPS - 1, 2 * STEPS - 1])
    cases.compare("epochs", sorted(set(history["epoch"].values)), [0, 1])
    assert cases.differing == []


def test_both_are_found_in_the_folder_of_logs(trained: tuple[Path, Logged]) -> None:
    names = [history.name for history in td.read_runs(trained[0])]
    assert names == ["csv/version_0", "tb/version_0"]
