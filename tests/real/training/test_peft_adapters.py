"""Adapters of peft come to the same weights with and without a monitor."""

from __future__ import annotations

from typing import Any

import peft
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import torchdial as td
from tests.real.cases import Cases
from tests.real.training.learning import STEPS, Net, digits, weights_of

pytestmark = pytest.mark.real("peft")

PLACES = {"target_modules": ["conv", "head"]}
ADAPTERS: dict[str, Any] = {
    "LoRA": peft.LoraConfig(r=2, lora_dropout=0.2, **PLACES),
    "DoRA": peft.LoraConfig(r=2, use_dora=True, **PLACES),
    "LoHa": peft.LoHaConfig(r=2, **PLACES),
    "LoKr": peft.LoKrConfig(r=2, **PLACES),
    "IA³": peft.IA3Config(feedforward_modules=["head"], **PLACES),
}


def train(config: Any, watched: bool) -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = peft.get_peft_model(Net(), config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
    for images, labels in DataLoader(digits(), batch_size=8, shuffle=True):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=loss)
    if monitor is not None:
        monitor.close()
    return weights_of(model), monitor


@pytest.mark.parametrize("kind", ADAPTERS)
def test_adapters(kind: str, cases: Cases) -> None:
    bare, _ = train(ADAPTERS[kind], False)
    watched, monitor = train(ADAPTERS[kind], True)
    cases.compare("weights", watched, bare)
    assert cases.differing == []
    assert monitor.problem == ""
    assert len(monitor.history["grad_norm"]) == STEPS
    trained = {name for name in bare if name != "random state" and "base_layer" not in name}
    assert 0 < len(monitor.parameter_names) <= len(trained)
