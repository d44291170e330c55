"""Random scenes, pycocotools as the oracle, and the rules of the dials once more, slow and obvious.

A scene is torchvision's pair of dicts: detections with boxes, scores, labels and targets with
boxes, labels, iscrowd, area.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Scene = tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]
CLASSES = 4  # labels 1 … 3 occur; 0 is torchvision's background


def scene(
    seed: int, num_boxes: int = 25, num_targets: int = 6, whole: bool = False, size: int = 200
) -> Scene:
    """Draw boxes around targets of all sizes, with crowds, ties and classes without targets.

    Args:
        seed: of the generator.
        num_boxes: at most this many detections; now and then none.
        num_targets: at most this many targets; now and then none.
        whole: whether coordinates are small whole numbers, so that IoUs tie and lie on stops.
        size: of the image.
    """
    rng = np.random.default_rng(seed)
    n, g = (
        int(rng.integers(0, m + 1)) * bool(rng.random() > 0.1) for m in (num_boxes, num_targets)
    )
    sides = np.exp(rng.uniform(np.log(6), np.log(160), (g, 2)))
    corner = rng.uniform(0, size, (g, 2))
    boxes = np.concatenate([corner, corner + sides], 1)
    near = boxes[rng.integers(0, g, n)] if g else np.full((n, 4), [5.0, 5.0, 40.0, 40.0])
    spread = np.tile(near[:, 2:] - near[:, :2], 2) * rng.choice([0.03, 0.12, 0.5], (n, 1))
    found = near + rng.normal(size=(n, 4)) * spread
    ends = np.stack([found[:, :2], found[:, 2:]])
    found = np.concatenate([ends.min(0), ends.max(0)], 1)
    if whole:
        boxes, found = np.round(boxes / 20) * 20, np.round(found / 10) * 10
    labels = rng.integers(1, 3, g)  # class 3 is never true
    guesses = rng.integers(1, CLASSES, n)
    if whole and g > 1 and n:
        boxes[1] = boxes[0] + [20, 0, 20, 0]
        found[0] = boxes[0] + [10, 0, 10, 0]  # between the two: equal IoUs
        labels[1] = guesses[0] = labels[0]
    scores = rng.random(n) if rng.random() < 0.5 else rng.integers(0, 11, n) / 10
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) * rng.uniform(0.3, 1.0, g)
    return (
        {
            "boxes": torch.from_numpy(found.astype(np.float32)),
            "scores": torch.from_numpy(scores.astype(np.float32)),
            "labels": torch.from_numpy(guesses),
        },
        {
            "boxes": torch.from_numpy(boxes.astype(np.float32)),
            "labels": torch.from_numpy(labels),
            "iscrowd": torch.from_numpy((rng.random(g) < 0.2).astype(np.int64)),
            "area": torch.from_numpy(area),
        },
    )


def scenes(number: int, seed: int = 0, **how: Any) -> tuple[list[Any], list[Any]]:
    """Draw scenes as two lists, detections and targets."""
    pairs = [scene(1000 * seed + i, **how, whole=i % 2 == 1) for i in range(number)]
    return [d for d, _ in pairs], [t for _, t in pairs]


def xywh(boxes: torch.Tensor) -> list[list[float]]:
    return [[x, y, right - x, below - y] for x, y, right, below in boxes.double().tolist()]


def coco_eval(detections: Sequence[Any], targets: Sequence[Any], **params: Any) -> COCOeval:
    """Run pycocotools; `params` are its own (iouThrs, maxDets, …)."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for i, (found, true) in enumerate(zip(detections, targets, strict=True)):
        for j, box in enumerate(xywh(true["boxes"])):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": int(true["labels"][j]),
                    "bbox": box,
                    "area": float(true["area"][j]) if "area" in true else box[2] * box[3],
                    "iscrowd": int(true["iscrowd"][j]) if "iscrowd" in true else 0,
                }
            )
        for j, box in enumerate(xywh(found["boxes"])):
            results.append(
                {
                    "id": len(results) + 1,
                    "image_id": i,
                    "category_id": int(found["labels"][j]),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "score": float(found["scores"][j]),
                    "iscrowd": 0,
                }
            )
    top = max([*(a["category_id"] for a in annotations + results), 0])
    about = {
        "images": [{"id": i} for i in range(len(targets))],
        "categories": [{"id": c} for c in range(top + 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for entries in (annotations, results):
            side = COCO()
            side.dataset = {**about, "annotations": entries}
            side.createIndex()
            sides.append(side)
        evaluation = COCOeval(*sides, "bbox")
        for name, value in params.items():
            setattr(evaluation.params, name, value)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def kept_of(found: dict[str, torch.Tensor], stop: float, class_agnostic: bool = False) -> list[int]:
    """Return what greedy NMS keeps, in descending score: from the definition, box by box."""
    boxes, labels = found["boxes"].numpy(), found["labels"].tolist()
    kept: list[int] = []
    for i in by_score(found["scores"]):
        rivals = [j for j in kept if class_agnostic or labels[i] == labels[j]]
        if not any(float(nms_iou(boxes[j], boxes[i])) > stop for j in rivals):
            kept.append(i)
    return kept


def by_score(scores: torch.Tensor) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: -float(scores[i]))  # stable


def nms_iou(one: np.ndarray, other: np.ndarray) -> np.float32:
    """Return the IoU in float32, rounded as torchvision's CPU kernel rounds it."""
    zero = np.float32(0)
    width = max(zero, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(zero, min(one[3], other[3]) - max(one[1], other[1]))
    common = width * height
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    with np.errstate(invalid="ignore"):
        return np.float32(common / (areas[0] + areas[1] - common))


def match_iou(box: list[float], target: list[float], crowd: bool) -> float:
    (x, y, w, h), (gx, gy, gw, gh) = box, target
    width, height = min(w + x, gw + gx) - max(x, gx), min(h + y, gh + gy) - max(y, gy)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (w * h if crowd else w * h + gw * gh - width * height)


def ignored(true: dict[str, torch.Tensor]) -> list[bool]:
    flags = [true[name].bool() for name in ("iscrowd", "ignore") if name in true]
    return torch.stack(flags).any(0).tolist() if flags else [False] * len(true["labels"])


def take(
    found: dict[str, torch.Tensor],
    order: Sequence[int],
    true: dict[str, torch.Tensor],
    least: float,
) -> dict[int, int | None]:
    """Return the target that each of the detections in this order takes, by the definition."""
    boxes, targets = xywh(found["boxes"]), xywh(true["boxes"])
    crowd, dropped = [bool(c) for c in true["iscrowd"]], ignored(true)
    free = set(range(len(targets)))
    outcome: dict[int, int | None] = {}
    for i in order:
        options = [j for j in free if true["labels"][j] == found["labels"][i]]
        iou = {j: match_iou(boxes[i], targets[j], crowd[j]) for j in options}
        able = [j for j in options if iou[j] >= min(least, 1 - 1e-10)]
        best = max(able, key=lambda j: (not dropped[j], iou[j], j), default=None)
        if best is not None and not crowd[best]:
            free.remove(best)
        outcome[i] = best
    return outcome


def match(
    found: dict[str, torch.Tensor],
    order: Sequence[int],
    true: dict[str, torch.Tensor],
    least: float,
) -> dict[int, str]:
    """Return "tp", "fp" or "ignored" for the detections in this order."""
    dropped = ignored(true)
    return {
        i: "fp" if j is None else "ignored" if dropped[j] else "tp"
        for i, j in take(found, order, true, least).items()
    }


def counts(
    detections: Sequence[Any],
    targets: Sequence[Any],
    score_threshold: float | Sequence[float],
    stop: float,
    least: float = 0.5,
    max_det: int = 300,
    class_agnostic: bool = False,
) -> np.ndarray:
    """Return tp, fp and fn of each image and class, (I, CLASSES, 3); score filter before NMS."""
    thresholds = np.broadcast_to(np.float32(score_threshold), CLASSES)
    table = np.zeros((len(targets), CLASSES, 3), dtype=np.int64)
    for i, (found, true) in enumerate(zip(detections, targets, strict=True)):
        shown = kept_of(found, stop, class_agnostic)
        shown = [j for j in shown if found["scores"][j].numpy() > thresholds[found["labels"][j]]]
        for j, what in match(found, shown[:max_det], true, least).items():
            if what != "ignored":
                table[i, found["labels"][j], 0 if what == "tp" else 1] += 1
        for label, dropped in zip(true["labels"].tolist(), ignored(true), strict=True):
            table[i, label, 2] += not dropped
    table[:, :, 2] -= table[:, :, 0]
    return table


def ratio(metric: str, tp: int, fp: int, fn: int) -> Fraction | None:
    above, below = {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }[metric]
    if below:
        return Fraction(int(above), int(below))
    return Fraction(1) if metric == "f1" else None


def average(table: np.ndarray, metric: str, how: str) -> float:
    """Return an average of counts (I, CLASSES, 3)."""
    rows = {"micro": table.sum((0, 1))[None], "image": table.sum(1), "macro": table.sum(0)}[how]
    if how == "macro":
        rows = rows[rows[:, 0] + rows[:, 2] > 0]
    values = [ratio(metric, *row) for row in rows.tolist()]
    defined = [v for v in values if v is not None]
    return float(sum(defined, Fraction(0)) / len(defined)) if defined else float("nan")
