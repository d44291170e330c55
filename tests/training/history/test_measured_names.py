"""Names of what torchdial measures, and runs from before they had a prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchdial.training import History


def earlier_run() -> History:
    """A run as monitors recorded it before: measured scalars beside those that were logged."""
    history = History("earlier")
    for step in range(3):
        values = {"loss": 1.0, "lr/0": 0.1, "grad_norm": 5.0, "clip_coefficient": 0.5}
        history.record(step, values | {"skipped": 1.0, "amp_scale": 8.0, "system/memory": 1.0})
        history.record_layers("grad_norm", ["w"], step, [5.0])
    return history


@pytest.mark.parametrize("way", ["file", "checkpoint"])
def test_a_run_from_before_the_prefixes_loads_with_the_names_of_now(
    way: str, tmp_path: Path
) -> None:
    history = earlier_run()
    if way == "file":
        history.save(tmp_path / "run.td")
        loaded = History.load(tmp_path / "run.td")
    else:
        loaded = History()
        loaded.load_state_dict(history.state_dict())
    assert loaded.names == [
        "loss",
        "optim/lr/0",
        "optim/grad_norm",
        "optim/clip_coefficient",
        "optim/skipped",
        "optim/amp_scale",
        "system/memory",
    ]
    assert loaded["grad_norm"].name == "optim/grad_norm"
    assert loaded["lr/0"].values.tolist() == [0.1] * 3


def test_what_a_user_recorded_without_a_monitor_keeps_its_names(tmp_path: Path) -> None:
    history = History()
    history.record(1, {"lr": 0.1, "grad_norm": 5.0})
    history.record_layers("grad_norm", ["w"], 1, [5.0])
    history.save(tmp_path / "run.td")
    assert History.load(tmp_path / "run.td").names == ["lr", "grad_norm"]


def test_a_short_name_stands_for_what_is_measured_until_it_is_logged() -> None:
    history = History()
    history.record(1, {"optim/lr": 0.1, "time/epoch": 2.0, "system/memory": 3.0})
    found = [history[name].last for name in ("lr", "epoch", "memory")]
    assert found == [(1, 0.1), (1, 2.0), (1, 3.0)]
    assert "lr" in history
    assert list(history) == ["optim/lr", "time/epoch", "system/memory"]
    history.record(1, {"lr": 7.0})
    assert history["lr"].last == (1, 7.0)
    assert history["optim/lr"].last == (1, 0.1)


def test_a_shift_moves_all_that_is_on_the_axis_of_the_run() -> None:
    history = History()
    for step in (1, 3, 2):
        history.record(step, {"loss": float(step), "val/loss": 1.0})
        history.record_layers("grad_norm", ["w"], step, [1.0])
        history.record_histograms(["w"], step, [[1, 2]], exponents=[0])
    kept, before = history["loss"].steps, history.version
    history.shift_steps(10, besides={"val/loss"})
    assert history["loss"].steps.tolist() == [11, 13, 12]
    assert history["loss"].picture(100).y.tolist() == [1.0, 2.0, 3.0]
    assert history["val/loss"].steps.tolist() == [1, 3, 2]
    assert history.layers["grad_norm"].steps.tolist() == [11, 13, 12]
    assert history.histograms is not None
    assert history.histograms.steps.tolist() == [11, 13, 12]
    assert kept.tolist() == [1, 3, 2]
    assert history.version > before


def test_layers_of_one_step_that_come_apart_are_one_column_and_one_sample(tmp_path: Path) -> None:
    history = History()
    history.record_layers("grad_norm", ["a", "b"], 0, [1.0, 1.0])
    history.record_histograms(["a", "b"], 0, [[1, 1], [1, 1]], exponents=[0])
    for step in (1, 2):
        history.record_layers("grad_norm", ["a"], step, [2.0])
        history.record_histograms(["a"], step, [[3, 4]], exponents=[0])
        history.save(tmp_path / "run.td")
        history.record_layers("grad_norm", ["b"], step, [5.0])
        history.record_histograms(["b"], step, [[6, 7]], exponents=[0])
    history.record_layers("grad_norm", ["b"], 2, [9.0])  # once more in the same step
    matrix = history.layers["grad_norm"]
    assert matrix.steps.tolist() == [0, 1, 2, 2]
    assert matrix.count.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert history.histograms is not None
    assert history.histograms.steps.tolist() == [0, 1, 2]
    found = history.histograms.at(2)
    assert found is not None
    assert found[1].tolist() == [[3, 4], [6, 7]]
