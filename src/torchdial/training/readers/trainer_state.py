"""What the Trainer of transformers logged: `trainer_state.json`, in its checkpoints."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchdial.training.readers.run_reader import (
    GrowingFile,
    RunReader,
    file_refusal,
    refuse_size,
)

FILE = "trainer_state.json"
MOST_BYTES = 2**28  # JSON takes some ten times its size while it is read
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
SETTINGS = ("max_steps", "num_train_epochs", "train_batch_size")
SUMMARY = "train_runtime"
TIMINGS = ("_runtime", "_per_second", "_jit_compilation_time")


class TrainerState(RunReader):
    """Reads the newest state of a run, which holds all that was logged up to it.

    Args:
        path: the file, or the Trainer's output folder, with a state in it or in its checkpoints.
        name: what to call the run.
    """

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self._file = GrowingFile(path)

    def files(self) -> list[Path]:
        """Return the newest state."""
        newest = newest_state(self.path) if self.path.is_dir() else self.path
        return [] if newest is None else [newest]

    def _read_new(self) -> None:
        newest = next(iter(self.files()), None)
        if newest is None:
            return
        if newest != self._file.path:
            self._file = GrowingFile(newest)
        if self._file.look() is None:
            return
        refuse_size(newest, newest.stat().st_size, MOST_BYTES)
        state = _state(newest)
        history = self._blank()
        history.config = {name: state[name] for name in SETTINGS if is_number(state.get(name))}
        for row, logged in enumerate(state["log_history"]):
            if isinstance(logged, dict) and isinstance(logged.get("step"), int):
                values = {name: v for name, v in metrics_of(logged).items() if name != "step"}
                history.record(logged["step"], values, time=float(row))
        self.history.replace_by(history)


def metrics_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of what the Trainer logs, but for how long something took.

    The summary of the whole run, which comes last, has none.

    Example:
        >>> metrics_of({"loss": 0.5, "eval_runtime": 3.2, "step": 10})
        {'loss': 0.5, 'step': 10.0}
    """
    if SUMMARY in logs:
        return {}
    return {
        name: float(value)
        for name, value in logs.items()
        if is_number(value) and not name.endswith(TIMINGS)
    }


def is_number(value: Any) -> bool:
    """Return whether a value is a number that float64 can hold; NaN and infinity are."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def newest_state(folder: Path) -> Path | None:
    """Return the state in a folder or in its checkpoints that was written last, or None."""
    found = {folder / FILE: math.inf} if (folder / FILE).is_file() else {}
    for path in folder.glob(f"*/{FILE}"):
        match = CHECKPOINT.fullmatch(path.parent.name)
        if match:
            found[path] = int(match[1])
    return max(found, key=lambda path: (path.stat().st_mtime_ns, found[path]), default=None)


def _state(path: Path) -> dict[str, Any]:
    """Return a state's JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        state = json.loads(path.read_bytes())
        if isinstance(state, dict) and isinstance(state.get("log_history"), list):
            return state
        got = "other JSON"
    except (ValueError, RecursionError) as error:
        got = f"{error!s:.80}"
    raise file_refusal(
        path,
        expected='a state of the Trainer, with a list "log_history"',
        got=got,
        remedy="Call trainer.save_state(), or take that of an earlier checkpoint.",
    )
