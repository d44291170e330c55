"""What the Trainer of transformers logs comes back from its checkpoints and its event files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from transformers.integrations import TensorBoardCallback

import torchdial as td
from tests.real.cases import Cases
from tests.real.training.learning import STEPS
from tests.real.training.test_transformers_trainer import sentences

pytestmark = pytest.mark.real("transformers")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Train with a checkpoint every four steps, and return the folder and what was logged."""
    folder = tmp_path_factory.mktemp("trainer")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=50, intermediate_size=16, num_labels=3, **small)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=8,
        logging_steps=1,
        save_steps=4,
        eval_strategy="steps",
        eval_steps=6,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    data = sentences()
    model = BertForSequenceClassification(config)
    board = TensorBoardCallback(SummaryWriter(folder / "board"))
    trainer = Trainer(
        model, arguments, train_dataset=data, eval_dataset=data[:16], callbacks=[board]
    )
    trainer.train()
    return folder, trainer.state.log_history


def logged(logs: list[dict[str, Any]], name: str) -> list[tuple[int, float]]:
    return [(entry["step"], entry[name]) for entry in logs if name in entry]


def points(history: td.History, name: str) -> list[tuple[int, float]]:
    series = history[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_the_newest_checkpoint(trained: tuple[Path, list[dict[str, Any]]], cases: Cases) -> None:
    folder, logs = trained
    found = {history.name: history for history in td.read_runs(folder)}
    history = found[folder.name]
    for name in ("loss", "eval_loss", "learning_rate", "grad_norm"):
        cases.compare(name, points(history, name), logged(logs, name))
    assert len(history["loss"]) == STEPS
    assert not any(name.endswith(("_runtime", "_per_second")) for name in history.names)
    assert history.config["max_steps"] == STEPS
    assert cases.differing == []


def test_one_checkpoint_alone(trained: tuple[Path, list[dict[str, Any]]], cases: Cases) -> None:
    folder, logs = trained
    (history,) = td.read_runs(folder / "checkpoint-8" / "trainer_state.json")
    cases.compare("loss", points(history, "loss"), logged(logs, "loss")[:8])
    assert cases.differing == []


def test_its_event_files(trained: tuple[Path, list[dict[str, Any]]], cases: Cases) -> None:
    folder, logs = trained
    (history,) = td.read_runs(folder / "board")
    for name, theirs in (("train/loss", "loss"), ("eval/loss", "eval_loss")):
        rounded = [(step, float(torch.tensor(value))) for step, value in logged(logs, theirs)]
        cases.compare(name, points(history, name), rounded)
    assert cases.differing == []
