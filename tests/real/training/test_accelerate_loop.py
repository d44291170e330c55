"""A loop of Accelerate's comes to the same weights with and without a monitor."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader

import torchdial as td
from tests.real.cases import Cases
from tests.real.training.learning import STEPS, Net, digits, weights_of

pytestmark = pytest.mark.real("accelerate")


def train(watched: bool, accumulate: int, precision: str) -> tuple[Any, Any]:
    set_seed(0)
    AcceleratorState._reset_state()  # of the last Accelerator, with another precision
    accelerator = Accelerator(
        cpu=True, gradient_accumulation_steps=accumulate, mixed_precision=precision
    )
    model = Net()
    model, optimizer, loader, schedule = accelerator.prepare(
        model,
        optimizer := torch.optim.AdamW(model.parameters(), lr=0.01),
        DataLoader(digits(), batch_size=8, shuffle=True),
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=STEPS),
    )
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
    for images, labels in loader:
        with accelerator.accumulate(model):
            loss = nn.functional.cross_entropy(model(images), labels)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        if monitor is not None:
            monitor.log(loss=loss)
    if monitor is not None:
        monitor.close()
    return weights_of(accelerator.unwrap_model(model)), monitor


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_loop(accumulate: int, precision: str, cases: Cases) -> None:
    bare, _ = train(False, accumulate, precision)
    watched, monitor = train(True, accumulate, precision)
    cases.compare("weights", watched, bare)
    assert cases.differing == []
    assert monitor.problem == ""
    assert len(monitor.history["grad_norm"]) == STEPS // accumulate
