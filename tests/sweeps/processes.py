"""What each of two processes does; both processes and test_torchmetrics.py import it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from tests.sweeps.boxes import coco
from torchdial.sweeps.torchmetrics import DetectionSweepMetric, ThresholdSweepMetric

CLASSES = {"binary": None, "multilabel": 3, "multiclass": 3}
PATIENCE = 240  # seconds; a busy machine takes long to import torch twice
SHARES = {"uneven": [3, 1], "one has none": [4, 0]}


def metric_of(task: Any, **kwargs: Any) -> ThresholdSweepMetric:
    return ThresholdSweepMetric(
        task=task, num_classes=CLASSES[task], thresholds=11, ignore_index=7, **kwargs
    )


def batch_of(task: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return four images, some pixels ignored, the same in every process."""
    generator = torch.Generator().manual_seed(len(task))
    shape = (4, CLASSES[task] or 1, 6, 5)
    probs = torch.rand(shape, generator=generator)
    labels = torch.tensor([0, 1, 2, 7] if task == "multiclass" else [0, 1, 7])
    shape = (4, 6, 5) if task == "multiclass" else shape
    return probs, labels[torch.randint(0, len(labels), shape, generator=generator)]


def detections_of() -> tuple[list[Any], list[Any]]:
    """Return four images with boxes, the same in every process."""
    return coco.scenes(4, seed=3)


def run(rank: int, folder: str) -> None:
    """Count this process's share of each case, and save the curves over both shares."""
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=PATIENCE),
    )
    try:
        for task in CLASSES:
            for name, share in SHARES.items():
                _count_share(task, share, rank, Path(folder) / f"{task}, {name}, {rank}.npz")
        for name, share in SHARES.items():
            _detect_share(share, rank, Path(folder) / f"boxes, {name}, {rank}.npz")
        refused = _try_other_settings(rank)
        on_step = _forward_on_step(rank)
        received = {"refused": refused, "images on step": on_step}
        Path(folder, f"received by {rank}.json").write_text(json.dumps(received))
    finally:
        dist.destroy_process_group()


def _count_share(task: str, share: list[int], rank: int, path: Path) -> None:
    probs, target = (t.split(share)[rank] for t in batch_of(task))
    metric = metric_of(task)
    for p, t in zip(probs.split(1), target.split(1), strict=True):
        if len(p):
            metric.update(p, t)
    metric.compute().save(path)
    metric.compute()  # and is not gathered twice
    assert sum(map(len, metric.tp)) == share[rank]  # this process has its own counts again


def _detect_share(share: list[int], rank: int, path: Path) -> None:
    metric = DetectionSweepMetric(num_classes=coco.CLASSES)
    start = share[0] * rank
    for found, true in list(zip(*detections_of(), strict=True))[start : start + share[rank]]:
        metric.update([found], [true])
    metric.compute().save(path)
    metric.compute()  # and is not gathered twice
    assert sum(map(len, metric.images)) == share[rank]  # this process has its own again


def _try_other_settings(rank: int) -> str:
    metric = ThresholdSweepMetric(thresholds=[0.5, 0.6 + rank / 10], ignore_index=7)
    metric.update(*batch_of("binary"))
    try:
        metric.compute()
    except ValueError as error:
        return str(error)
    return ""


def _forward_on_step(rank: int) -> int:
    metric = metric_of("binary", dist_sync_on_step=True)
    probs, target = batch_of("binary")
    return int(metric(probs[: rank + 1], target[: rank + 1].clamp(max=1)).num_images)
