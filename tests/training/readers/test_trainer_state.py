"""The states that the Trainer of transformers saves in its checkpoints."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.training.readers.points import points
from torchdial.training.readers import trainer_state
from torchdial.training.readers.trainer_state import TrainerState

LOGS: list[dict[str, Any]] = [
    {"epoch": 0.5, "grad_norm": 1.5, "learning_rate": 0.1, "loss": 0.7, "step": 10},
    {"epoch": 0.5, "eval_loss": 0.6, "eval_runtime": 3.0, "eval_samples_per_second": 9, "step": 10},
    {"epoch": 1.0, "loss": float("nan"), "step": 20},
    {"epoch": 1.0, "train_runtime": 9.0, "train_loss": 0.5, "total_flos": 1e9, "step": 20},
]
POINTS = {
    "epoch": [(10, 0.5), (10, 0.5), (20, 1.0)],
    "grad_norm": [(10, 1.5)],
    "learning_rate": [(10, 0.1)],
    "loss": [(10, 0.7), (20, "nan")],
    "eval_loss": [(10, 0.6)],
}


def save(path: Path, logs: Any, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"log_history": logs, "max_steps": 20, **more}))


def read(path: Path) -> TrainerState:
    reader = TrainerState(path, "run")
    reader.read()
    return reader


def test_metrics_without_timings_and_the_summary(tmp_path: Path) -> None:
    save(tmp_path / "trainer_state.json", LOGS, best_metric=None)
    history = read(tmp_path / "trainer_state.json").history
    assert points(history) == POINTS
    assert history.config == {"max_steps": 20}
    assert [event.kind for event in history.events] == ["nonfinite_loss"] * bool(history.events)


def test_the_state_that_was_written_last_counts(tmp_path: Path) -> None:
    for step in (500, 1500, 1000):
        path = tmp_path / f"checkpoint-{step}" / "trainer_state.json"
        save(path, [{"loss": float(step), "step": step}])
        os.utime(path, (step, step))
    reader = read(tmp_path)
    assert points(reader.history) == {"loss": [(1500, 1500.0)]}
    again = tmp_path / "checkpoint-500" / "trainer_state.json"
    os.utime(again, (1700, 1700))  # trained once more into the same folder
    reader.read()
    assert points(reader.history) == {"loss": [(500, 500.0)]}
    save(tmp_path / "checkpoint-2000" / "trainer_state.json", LOGS)
    reader.read()
    assert points(reader.history) == POINTS
    save(tmp_path / "trainer_state.json", LOGS[:1])
    reader.read()
    assert points(reader.history)["loss"] == [(10, 0.7)]
    save(tmp_path / "other-3000" / "trainer_state.json", LOGS)
    reader.read()
    assert points(reader.history)["loss"] == [(10, 0.7)]


JUNK: dict[str, Any] = {
    "no JSON": "{",
    "no list": '{"log_history": 3}',
    "a list": "[]",
    "half of it": json.dumps({"log_history": LOGS})[:-5],
    "very deep": "[" * 100_000,
    "nothing": "",
}


@pytest.mark.parametrize("text", JUNK.values(), ids=JUNK)
def test_what_is_no_state_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(ValueError, match=r"(?s)trainer_state.json': expected a state.*save_state"):
        read(tmp_path)


def test_entries_that_are_none_are_passed_over(tmp_path: Path) -> None:
    odd = [None, 3, {}, {"step": "1"}, {"step": 1.5}, {"step": 1, "a": "x", "b": [1], "c": 10**400}]
    save(tmp_path / "trainer_state.json", [*odd, {"step": 2, "loss": 0.5}])
    assert points(read(tmp_path).history) == {"loss": [(2, 0.5)]}


def test_a_file_of_unreasonable_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_state, "MOST_BYTES", 100)
    save(tmp_path / "trainer_state.json", LOGS)
    with pytest.raises(ValueError, match=r"at most .* GB, got .* GB\. Write every tenth step"):
        read(tmp_path)
