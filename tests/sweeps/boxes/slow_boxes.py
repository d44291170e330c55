"""A set of images with boxes computed slowly, image by image and stop by stop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch

from tests.sweeps.boxes import coco
from tests.sweeps.pixels import slow_counts as slow

STATES = {"fp": 1, "tp": 2, "ignored": 3}


def image(found: Sequence[Any], true: Sequence[Any] = ()) -> dict[str, Any]:
    """Return an image of (box, score, label) and of (box, label, "crowd" or "ignored" or "")."""
    return {
        "boxes": [np.float32(box).tolist() for box, _, _ in found],
        "scores": [float(np.float32(score)) for _, score, _ in found],
        "labels": [label for _, _, label in found],
        "targets": {
            "boxes": [np.float32(box).tolist() for box, _, _ in true],
            "labels": [label for _, label, _ in true],
            "iscrowd": [int(kind == "crowd") for _, _, kind in true],
            "ignore": [int(kind != "") for _, _, kind in true],
        },
    }


def case(
    name: str, images: list[dict[str, Any]], nms: list[float], scores: list[float], **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "num_classes": coco.CLASSES,
        "nms": nms,
        "scores": scores,
        "match_iou": 0.5,
        "class_agnostic": False,
        "max_det": 300,
        "zero_division": 1.0,
        **more,
        "images": images,
    }


class SlowBoxes:
    """A case computed slowly, image by image and stop by stop; boxes by descending score."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.agnostic, self.least = given["class_agnostic"], min(given["match_iou"], 1 - 1e-10)
        self.true = [tensors(of["targets"]) for of in given["images"]]
        handed = [
            tensors({k: of[k] for k in ("boxes", "scores", "labels")}) for of in given["images"]
        ]
        self.order = [coco.by_score(of["scores"]) for of in handed]
        self.found = [
            {name: t[order] for name, t in of.items()}
            for of, order in zip(handed, self.order, strict=True)
        ]
        self.kept = [
            [coco.kept_of(of, stop, self.agnostic) for stop in given["nms"]] for of in self.found
        ]
        self.taken = [
            [coco.take(of, kept, true, self.least) for kept in each]
            for of, true, each in zip(self.found, self.true, self.kept, strict=True)
        ]
        self.dropped = [coco.ignored(true) for true in self.true]

    def wire(self, i: int) -> dict[str, Any]:
        found, true = self.found[i], self.true[i]
        bits = [[n in kept for kept in self.kept[i]] for n in range(len(found["labels"]))]
        crowd, dropped = true["iscrowd"].tolist(), self.dropped[i]
        iou = [
            (n, j, coco.match_iou(box, target, bool(crowd[j])))
            for n, box in enumerate(coco.xywh(found["boxes"]))
            for j, target in enumerate(coco.xywh(true["boxes"]))
        ]
        pairs = [(n, j, v) for n, j, v in iou if v >= self.least]
        pairs.sort(key=lambda pair: (pair[0], dropped[pair[1]], -pair[2], -pair[1]))
        return {
            "index": self.order[i],
            "kept": np.packbits(bits, axis=1, bitorder="little").tolist() if bits else [],
            "pairs": [[n, j, float(np.float32(v))] for n, j, v in pairs],
        }

    def match(self, i: int, k: int) -> dict[str, Any]:
        states, targets = ([n] * len(self.found[i]["labels"]) for n in (0, -1))
        for n, j in self.taken[i][k].items():
            states[n] = STATES[self.becomes(i, j)]
            targets[n] = -1 if j is None else j
        return {"image": i, "stop": k, "states": states, "taken": targets}

    def becomes(self, i: int, j: int | None) -> str:
        return "fp" if j is None else "ignored" if self.dropped[i][j] else "tp"

    def suppressors(self, i: int, k: int) -> list[list[Any]]:
        kept, stop = self.kept[i][k], self.given["nms"][k]
        boxes, labels = self.found[i]["boxes"].numpy(), self.found[i]["labels"].tolist()
        result = []
        for n in sorted(set(range(len(labels))) - set(kept)):
            rivals = [m for m in kept if m < n and (self.agnostic or labels[m] == labels[n])]
            by = next(m for m in rivals if float(coco.nms_iou(boxes[m], boxes[n])) > stop)
            result.append([i, k, n, by, float(coco.nms_iou(boxes[by], boxes[n]))])
        return result

    def shown(self, i: int, k: int, thresholds: Sequence[float], max_det: int) -> list[int]:
        scores, labels = self.found[i]["scores"].numpy(), self.found[i]["labels"].tolist()
        limits = np.float32(thresholds)
        return [n for n in self.kept[i][k] if scores[n] > limits[labels[n]]][:max_det]

    def counts(self, k: int, thresholds: Sequence[float], max_det: int) -> np.ndarray:
        """Return tp, fp and fn of each image and class, (I, C, 3)."""
        table = np.zeros((len(self.found), coco.CLASSES, 3), dtype=np.int64)
        for i, (found, true) in enumerate(zip(self.found, self.true, strict=True)):
            for n in self.shown(i, k, thresholds, max_det):
                what = self.becomes(i, self.taken[i][k][n])
                table[i, found["labels"][n], 0] += what == "tp"
                table[i, found["labels"][n], 1] += what == "fp"
            for label, dropped in zip(true["labels"].tolist(), self.dropped[i], strict=True):
                table[i, label, 2] += not dropped
        table[:, :, 2] -= table[:, :, 0]
        return table

    def cells(
        self, i: int, k: int, thresholds: Sequence[float], max_det: int
    ) -> list[tuple[int, int, int, int]]:
        """Return row, column, detection and target (-1: none) of what an image's matrix counts."""
        found, true = self.found[i], self.true[i]
        labels, truth = found["labels"].tolist(), true["labels"].tolist()
        shown = self.shown(i, k, thresholds, max_det)
        matched = {n: j for n in shown if (j := self.taken[i][k][n]) is not None}
        free = {j for j, dropped in enumerate(self.dropped[i]) if not dropped}
        free -= set(matched.values())
        boxes, targets = coco.xywh(found["boxes"]), coco.xywh(true["boxes"])
        cells = []
        for n in shown:
            j = matched.get(n)
            if j is not None and self.dropped[i][j]:
                continue
            if j is None:
                iou = {t: coco.match_iou(boxes[n], targets[t], crowd=False) for t in free}
                able = [t for t in free if iou[t] >= self.least and truth[t] != labels[n]]
                j = max(able, key=lambda t: (iou[t], t), default=None)
                free -= {j}
            row = coco.CLASSES if j is None else truth[j]
            cells.append((row, labels[n], n, -1 if j is None else j))
        return cells + [(truth[j], coco.CLASSES, -1, j) for j in sorted(free)]

    def confusion(self, k: int, thresholds: Sequence[float], max_det: int) -> list[int]:
        matrix = np.zeros((coco.CLASSES + 1, coco.CLASSES + 1), dtype=np.int64)
        for i in range(len(self.found)):
            for row, column, _, _ in self.cells(i, k, thresholds, max_det):
                matrix[row, column] += 1
        return matrix.ravel().tolist()

    def tables(self, k: int) -> np.ndarray:
        """Return the counts at every score stop, (I, C, 3, S)."""
        one = [
            self.counts(k, [score] * coco.CLASSES, self.given["max_det"])
            for score in self.given["scores"]
        ]
        return np.stack(one, axis=-1)

    def value(self, table: np.ndarray, metric: str, key: str | int) -> slow.Number:
        """Return an average, or a class's value, of counts (I, C, 3)."""
        empty = self.given["zero_division"]
        if isinstance(key, int):
            return ratio(metric, table.sum(0)[key], empty)
        rows = {"micro": table.sum((0, 1))[None], "image": table.sum(1), "macro": table.sum(0)}[key]
        if key == "macro":
            rows = rows[rows[:, 0] + rows[:, 2] > 0]
        return slow.mean([ratio(metric, row, empty) for row in rows])


def tensors(of: dict[str, Any]) -> dict[str, torch.Tensor]:
    boxes = torch.tensor(of["boxes"], dtype=torch.float32).view(-1, 4)
    rest = {name: torch.tensor(values) for name, values in of.items() if name != "boxes"}
    return {"boxes": boxes} | {k: t if len(t) else t.long() for k, t in rest.items()}


def ratio(metric: str, row: Any, zero_division: float) -> slow.Number:
    tp, fp, fn = (int(v) for v in row)
    return slow.evaluate("dice" if metric == "f1" else metric, [tp, fp, tp + fn, fp], zero_division)


def best(rows: Sequence[Sequence[slow.Number]]) -> list[int] | None:
    """Return the best point: see `DetectionCurves.best`."""
    top = max((v for row in rows for v in row if v is not None), default=None)
    if top is None:
        return None
    longest = [
        max((len(list(run)) for value, run in groupby(row) if value == top), default=0)
        for row in rows
    ]
    row = slow.best([slow.Fraction(length) for length in longest])
    return [row, slow.best(rows[row])]
