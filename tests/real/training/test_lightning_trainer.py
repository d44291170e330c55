"""Lightning's Trainer comes to the same weights with and without the callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from tests.real.cases import Cases
from tests.real.training.learning import STEPS, Net, digits, weights_of
from torchdial.integrations.lightning import TorchdialCallback

pytestmark = pytest.mark.real("lightning")


class Automatic(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=STEPS + 1)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class Manual(Automatic):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, index: int) -> None:
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(super().training_step(batch, index))
        optimizer.step()


TRAINERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipping": {"gradient_clip_val": 0.1},
    "accumulation": {"accumulate_grad_batches": 3},
    "bfloat16": {"precision": "bf16-mixed"},
}


def train(module: type, folder: Path, callbacks: list[Any], **options: Any) -> Any:
    pl.seed_everything(0, verbose=False)
    model = module()
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=callbacks,
        **options,
    )
    trainer.fit(model, DataLoader(digits(), batch_size=8, shuffle=True))
    return weights_of(model)


@pytest.mark.parametrize("options", TRAINERS.values(), ids=TRAINERS)
def test_automatic_optimisation(options: dict[str, Any], cases: Cases, tmp_path: Path) -> None:
    check(Automatic, options, cases, tmp_path)


def test_manual_optimisation(cases: Cases, tmp_path: Path) -> None:
    check(Manual, {}, cases, tmp_path)


def check(module: type, options: dict[str, Any], cases: Cases, folder: Path) -> None:
    callback = TorchdialCallback(budget=1)
    watched = train(module, folder, [callback], **options)
    cases.compare("weights", watched, train(module, folder, [], **options))
    assert cases.differing == []
    assert callback.monitor is not None
    assert callback.monitor.problem == ""
    steps = STEPS // options.get("accumulate_grad_batches", 1)
    assert len(callback.monitor.history["grad_norm"]) == steps
