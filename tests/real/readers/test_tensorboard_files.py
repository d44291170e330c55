"""Event files beside TensorBoard's own accumulator of scalars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

import torchdial as td
from tests.real.cases import Cases

pytestmark = pytest.mark.real("tensorboard")


@pytest.mark.parametrize("new_style", [False, True], ids=["simple values", "tensors"])
def test_every_scalar(new_style: bool, cases: Cases, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with SummaryWriter(tmp_path) as writer:
        for step in range(500):
            writer.add_scalar("train/loss", rng.normal(), step, new_style=new_style)
            if step % 50 == 0:
                writer.add_scalar("val/acc", rng.random(), step, new_style=new_style)
                writer.add_histogram("weights", rng.normal(size=9), step)
                writer.add_image("picture", rng.random((3, 8, 8)), step)
        writer.add_scalar("train/loss", float("inf"), 500, new_style=new_style)
    (history,) = td.read_runs(tmp_path)
    theirs = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    scalars = {tag: theirs.Scalars(tag) for tag in theirs.Tags()["scalars"]} or {
        tag: theirs.Tensors(tag) for tag in ("train/loss", "val/acc")
    }
    cases.compare("names", sorted(history.names), sorted(scalars))
    for name, events in scalars.items():
        series = history[name]
        values = [e.value if hasattr(e, "value") else e.tensor_proto.float_val[0] for e in events]
        cases.compare(f"{name}, steps", series.steps, [e.step for e in events])
        cases.compare(f"{name}, values", series.values, values)
        seconds = series.times + history.started - [e.wall_time for e in events]
        cases.compare(f"{name}, times", np.abs(seconds).max() < 1e-5, True)
    assert cases.differing == []
