"""What Ultralytics' trainer writes comes back as it measured it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ultralytics import YOLO

import torchdial as td
from tests.real.cases import Cases

pytestmark = pytest.mark.real("ultralytics")

EPOCHS = 3


def squares(folder: Path, count: int = 8) -> Path:
    """Write pictures with a white square each, and their labels; return the description."""
    rng = np.random.default_rng(0)
    for number in range(count):
        picture = rng.integers(0, 60, (64, 64, 3), np.uint8)
        x, y = rng.integers(8, 40, 2)
        picture[y : y + 16, x : x + 16] = 255
        image, label = (folder / kind / f"{number}.png" for kind in ("images", "labels"))
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(image)
        label.with_suffix(".txt").write_text(f"0 {(x + 8) / 64} {(y + 8) / 64} 0.25 0.25\n")
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: [square]\n")
    return data


def test_results_by_epoch(cases: Cases, tmp_path: Path) -> None:
    model = YOLO("yolov8n.yaml", verbose=False)
    measured: list[dict[str, float]] = []

    def keep(trainer: Any) -> None:
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        measured.append({**losses, **trainer.metrics, **trainer.lr})

    model.add_callback("on_fit_epoch_end", keep)
    model.train(
        data=str(squares(tmp_path / "data")),
        epochs=EPOCHS,
        imgsz=64,
        batch=4,
        device="cpu",
        workers=0,
        project=str(tmp_path / "runs"),
        name="exp",
        plots=False,
        verbose=False,
        amp=False,
        pretrained=False,
    )
    (history,) = td.read_runs(tmp_path / "runs")
    assert history.name == "exp"
    cases.compare("epochs", history["epoch"].values, range(1, EPOCHS + 1))
    names = [name for name in history.names if name != "epoch"]
    assert {"train/box_loss", "val/cls_loss", "metrics/mAP50(B)", "lr/pg0"} <= set(names)
    for name in names:
        assert history[name].steps.tolist() == list(range(1, EPOCHS + 1))
        theirs = np.array([float(epoch[name]) for epoch in measured[:EPOCHS]])
        rounded = np.allclose(history[name].values, theirs, rtol=1e-4, atol=1e-5)
        cases.compare(name, rounded, True)  # the file has five digits
    assert (np.diff(history["epoch"].times) > 0).all()
    assert cases.differing == []
