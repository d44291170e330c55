"""Files that version 0.1.0 wrote still load, with the values they had.

The run is 20 steps of SGD at lr 0.1, the curves are of three 8 × 8 maps whose targets are p > 0.4,
and of three boxes with two targets: the files never change, a later version gets files of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import torchdial as td
from torchdial.training import History

HERE = Path(__file__).parent


def test_a_run() -> None:
    history = History.load(HERE / "run.td")
    assert (history.name, history.config) == ("before", {"lr": 0.1})
    loss = history["loss"]
    assert loss.steps.tolist() == list(range(1, 21))
    np.testing.assert_allclose(loss.values[:3], [6.80205774, 5.81862879, 4.8559494], rtol=1e-8)
    assert loss.values[-1] == 0.2159769982099533
    assert (np.diff(loss.times) > 0).all()
    assert history["lr"].values.tolist() == [0.1] * 20
    assert history["grad_norm"].values[0] == pytest.approx(3.20062342)
    layers = history.layers["grad_norm"]
    assert layers.names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    first = [1.068652, 0.40917423, 0.77936447, 2.8856785]
    np.testing.assert_allclose(layers.max[:, 0], first, rtol=1e-6)
    # The norm over all parameters is that of the norms of each.
    assert np.linalg.norm(first) == pytest.approx(3.20062342)
    assert history.histograms.steps.tolist() == [1, 11]
    assert list(history.events) == []


def test_a_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    history = History.load(HERE / "run.td")
    history.record(21, {"loss": 0.125})
    history.save(tmp_path / "run.td")
    again = History.load(tmp_path / "run.td")["loss"]
    assert again.last == (21, 0.125)
    assert len(again) == 21


def test_threshold_curves() -> None:
    curves = td.ThresholdCurves.load(HERE / "threshold_curves.npz")
    assert curves.num_images == 3
    assert curves.best("dice") == (0.4, 1.0)
    at = curves.at(0.4)
    assert [at[name] for name in ("tp", "fp", "fn", "tn")] == [107, 0, 0, 85]  # of 3 × 64 pixels
    at = curves.at(0.0)
    assert [at[name] for name in ("tp", "fp", "fn", "tn")] == [107, 85, 0, 0]
    assert at["dice"] == pytest.approx(2 * 107 / (2 * 107 + 85))
    assert curves.at(1.0)["tp"] == 0


def test_detection_curves() -> None:
    """Boxes 0 and 1 overlap by 81/119 = 0.681; 0 and 2 are the targets."""
    curves = td.DetectionCurves.load(HERE / "detection_curves.npz")
    assert curves.num_images == 1
    assert curves.best("f1") == (0.34, 0.34, 1.0)
    for score, nms_iou, tp, fp, fn in [
        (0.1, 0.68, 2, 0, 0),
        (0.1, 0.69, 2, 1, 0),
        (0.75, 0.69, 1, 1, 1),
        (0.85, 0.69, 1, 0, 1),
        (0.9, 0.69, 0, 0, 2),
    ]:
        at = curves.at(score, nms_iou)
        assert (at["tp"], at["fp"], at["fn"]) == (tp, fp, fn), (score, nms_iou)
    assert curves.average_precision().tolist() == pytest.approx([1.0] * 101)
