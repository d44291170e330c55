"""Scenes of digits and candidates for their boxes.

Tests import this module, and notebooks run its source to get the same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import torchdial as td
from torchdial.demo import digit_scenes

SIZE = (96, 96)


def candidates(scene: Any, image: int, each: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return some boxes around each object of an image; nearer ones have higher scores."""
    rng = np.random.default_rng((seed, image))
    boxes, scores, labels = [], [], []
    for box, label in zip(scene.boxes[image].numpy(), scene.labels[image].numpy(), strict=True):
        side, quality = (box[2:] - box[:2]).mean(), rng.beta(4, 2)
        for _ in range(each):
            shift = rng.normal(0, 0.12 * side, 4)
            boxes.append(box + shift)
            scores.append(quality * np.exp(-6 * abs(shift).mean() / side) * rng.uniform(0.7, 1))
            labels.append(label if rng.random() < 0.9 else rng.integers(10))
    clipped = np.clip(np.array(boxes, "f4"), 0, scene.images.shape[-1])
    clipped[:, 2:] = np.maximum(clipped[:, 2:], clipped[:, :2] + 1)
    return {
        "boxes": torch.from_numpy(clipped),
        "scores": torch.tensor(np.array(scores), dtype=torch.float32),
        "labels": torch.tensor(np.array(labels)),
    }


scene = digit_scenes(3, size=SIZE[0], seed=2)
found = [candidates(scene, i, 10) for i in range(3)]
newer = [candidates(scene, i, 12, seed=1) for i in range(3)]
truth = [{"boxes": b, "labels": c} for b, c in zip(scene.boxes, scene.labels, strict=True)]


def make(found: Any = found, **options: Any) -> td.DetectionPreview:
    """Return a preview of the candidates."""
    return td.DetectionPreview(scene.images, found, truth, class_names=[*"0123456789"], **options)


def kept(preview: td.DetectionPreview, num_images: int = 3) -> list[list[int]]:
    """Return for each image the indices of the candidates that are kept."""
    return [preview.kept(image)["indices"].tolist() for image in range(num_images)]


# Clusters of two boxes, so far apart that their lines never touch; classes alternate.
_corners = np.array([[30 + 75 * c, 30 + 75 * r] for r in range(4) for c in range(4)])
_first = np.concatenate([_corners, _corners + np.array([30, 40])], 1)
apart = np.concatenate([_first, _first + 6]).astype("f4")


def make_apart() -> td.DetectionPreview:
    """Return a preview of the clusters, on one image of 330 × 330."""
    clusters = {
        "boxes": torch.from_numpy(apart),
        "scores": torch.linspace(0.9, 0.2, 32),
        "labels": torch.arange(16).repeat(2) % 4,
    }
    gray = np.full((1, 330, 330, 3), 128, np.uint8)
    names = ["a", "<b>b</b>", "c", "d"]
    return td.DetectionPreview(gray, [clusters], class_names=names, score_threshold=0.1)
