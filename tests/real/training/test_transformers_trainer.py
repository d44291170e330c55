"""The Trainer of transformers comes to the same weights with and without the callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from tests.real.cases import Cases
from tests.real.training.learning import STEPS, weights_of
from torchdial.integrations.transformers import TorchdialCallback

pytestmark = pytest.mark.real("transformers")

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipping": {"max_grad_norm": 0.05},
    "accumulation": {"gradient_accumulation_steps": 3},
    "bfloat16": {"bf16": True},
}


def sentences() -> list[dict[str, torch.Tensor]]:
    rng = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 50, (8 * STEPS, 12), generator=rng)
    return [{"input_ids": one, "labels": one[0] % 3} for one in tokens]


def train(folder: Path, callbacks: list[Any], **options: Any) -> Any:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=3,
    )
    model = BertForSequenceClassification(config)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=8,
        learning_rate=0.01,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **options,
    )
    Trainer(model, arguments, train_dataset=sentences(), callbacks=callbacks).train()
    return weights_of(model)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_trainer(options: dict[str, Any], cases: Cases, tmp_path: Path) -> None:
    callback = TorchdialCallback(budget=1)
    watched = train(tmp_path, [callback], **options)
    cases.compare("weights", watched, train(tmp_path, [], **options))
    assert cases.differing == []
    assert callback.monitor is not None
    assert callback.monitor.problem == ""
    steps = STEPS // options.get("gradient_accumulation_steps", 1)
    assert len(callback.monitor.history["grad_norm"]) == steps
