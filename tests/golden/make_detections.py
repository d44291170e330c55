"""Write detections.json: reference results for boxes in Python and TypeScript, computed slowly.

Run `python -m tests.golden.make_detections`. tests/sweeps/boxes/test_golden_detections.py fails if
the file differs from what this writes, or the results of the package from the file. js/test reads
the same file.

Each case has images with their input boxes, stops of both dials, and

- wire: of each image the order of the boxes, the kept bits as bytes, and the pairs of detection,
  target and IoU, as the kernel sends them; what follows counts detections in this order.
- matches: at a stop, the state of each detection (0 suppressed, 1 false, 2 true, 3 ignored) and the
  target that it takes (-1: none).
- suppressed: image, stop, detection, and the suppressing detection and its IoU.
- settings: which detections of each image are shown, tp, fp and positives of each class, the
  confusion matrix, flat, and of each image what it counts: row, column, detection and target
  (-1: none).
- tp, fp (C, T, S) and positives (C,), and those of images (I, T, S), flat.
- metrics: name, average or label, values (T, S), flat, and the best point or null.
- bands: stop, name, average or label, and for each score stop the exact 4, 6, 94 and 96 percent
  quantiles of the bootstrap over all samples of the images; null where every sample is undefined.

null stands for NaN.
"""

from __future__ import annotations

import json
import random
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tests.sweeps.boxes import coco
from tests.sweeps.boxes.slow_boxes import SlowBoxes, best, case, image
from tests.sweeps.pixels import slow_counts as slow

PATH = Path(__file__).with_name("detections.json")
METRICS = ("precision", "recall", "f1")
KEYS: tuple[str | int, ...] = ("micro", "macro", "image", *range(coco.CLASSES))

BOX = [0, 0, 10, 10]
WIDE = [0, 0, 10, 12]
BESIDE = [0, -2, 10, 10]
FAR = [40, 0, 50, 10]


def at_random(seed: int, num_found: int, num_true: int, step: float) -> dict[str, Any]:
    """Return boxes around targets at multiples of a step, so that many are equal or on a stop."""
    draw = random.Random(seed).random  # the same in every version of Python

    def whole(low: int, high: int) -> int:
        return low + int(draw() * (high - low))

    def box(corner: list[float], spread: int) -> list[float]:
        x, y, w, h = (v + step * whole(-spread, spread + 1) for v in corner)
        return [x, y, x + abs(w), y + abs(h)]

    corners = [[float(whole(0, 60)), float(whole(0, 60)), 16.0, 12.0] for _ in range(num_true)]
    true = [
        (box(c, 0), whole(1, 3), ("", "", "", "crowd", "ignored")[whole(0, 5)]) for c in corners
    ]
    found = [
        (box(corners[whole(0, num_true)] if num_true else [9.0, 9.0, 20.0, 20.0], 2),
         whole(0, 11) / 10, true[-1][1] if true and draw() < 0.4 else whole(1, coco.CLASSES))
        for _ in range(num_found)
    ]  # fmt: skip
    return image(found, true)


def cases() -> list[dict[str, Any]]:
    ten = [k / 10 for k in range(11)]
    random_images = [at_random(s, 14, 5, 1.0) for s in range(2)]
    return [
        case(
            "ties, crowds and ignored targets",
            [
                image(
                    [(BOX, 0.9, 1), ([0, 4, 10, 14], 0.9, 1), (BOX, 0.5, 2), (BOX, 0.4, 2)],
                    [(WIDE, 1, ""), (BESIDE, 1, ""), (BOX, 2, "crowd")],
                ),
                image(
                    [(BOX, 0.9, 1), (BOX, 0.8, 1), ([0, 0, 2, 2], 0.7, 2), ([5, 5, 5, 5], 0.6, 2)],
                    [(BOX, 1, "ignored"), (BOX, 2, "crowd"), (BESIDE, 2, "crowd")],
                ),
                image([(BOX, 0.6, 3), (BOX, 0.5, 2), (FAR, 0.6, 1)], [(BOX, 1, ""), (FAR, 2, "")]),
                image([], [(BOX, 1, "")]),
            ],
            nms=[0.0, 0.3, 0.5, 0.7, 1.0],
            scores=[0.0, 0.4, 0.5, 0.6, 0.9],
        ),
        case(
            "scores on a stop in float32, IoUs whose float32 is just above or below a stop",
            [
                image([(BOX, 0.3, 1), (FAR, 0.7, 1)], [(BOX, 1, ""), (FAR, 1, "")]),
                image([(BOX, 0.9, 1), ([0, 0, 10, 8], 0.1, 1)], [(BOX, 1, "")]),
                image([(BOX, 0.9, 1), ([0, 0, 10, 7], 0.8, 1)], [(BOX, 1, "")]),
                image([(BOX, 0.9, 1), ([0, 0, 10, 3], 0.6, 1)], [([0, 0, 10, 5], 1, "")]),
                image([(BOX, 0.2, 0)]),
            ],
            nms=[k / 20 for k in range(21)],
            scores=ten,
        ),
        case(
            "classes that suppress each other, four boxes at most",
            [*random_images, at_random(7, 12, 0, 1.0), at_random(8, 0, 3, 1.0)],
            nms=[0.05, 0.2, 0.25, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0],
            scores=[0.05, 0.3, 0.6, 0.85],
            class_agnostic=True,
            max_det=4,
            match_iou=0.3,
        ),
        case(
            "fractions, and no value for what is empty",
            [*(at_random(s, 12, 4, 0.3) for s in (3, 4, 5)), image([])],
            nms=ten,
            scores=[0.1, 0.3, 0.5, 0.7],
            zero_division=0.0,
        ),
        case("nothing found and nothing there", [image([]), image([])], nms=[0.5], scores=[0.5]),
    ]


def settings(given: dict[str, Any]) -> list[dict[str, Any]]:
    middle, last = len(given["nms"]) // 2, len(given["nms"]) - 1
    return [
        {"score": score, "stop": k, "own": own, "max_det": max_det}
        for score, k, own, max_det in (
            (0.0, last, [], 300),
            (0.3, middle, [], 300),
            (0.7, middle, [None, 0.3, 0.55, 0.0], 300),
            (0.1, last, [None, None, 0.45], 3),
            (0.95, 0, [], 1),
        )
    ]


def decided(case: SlowBoxes, given: dict[str, Any]) -> dict[str, Any]:
    own = [*given["own"], *[None] * coco.CLASSES][: coco.CLASSES]
    thresholds = [given["score"] if t is None else t for t in own]
    how = (given["stop"], thresholds, given["max_det"])
    table = case.counts(*how).sum(0)
    return given | {
        "shown": [case.shown(i, *how) for i in range(len(case.found))],
        "tp": table[:, 0].tolist(),
        "fp": table[:, 1].tolist(),
        "positives": (table[:, 0] + table[:, 2]).tolist(),
        "confusion": case.confusion(*how),
        "cells": [case.cells(i, *how) for i in range(len(case.found))],
    }


def band(case: SlowBoxes, tables: np.ndarray, metric: str, key: str | int) -> list[list[Any]]:
    """Return the exact quantiles of the bootstrap at each score stop, from counts (I, C, 3, S)."""
    draws = [list(chosen) for chosen in product(range(len(tables)), repeat=len(tables))]
    result = []
    for s in range(tables.shape[-1]):
        values = [case.value(tables[chosen][..., s], metric, key) for chosen in draws]
        defined = sorted(v for v in values if v is not None)
        places = [int(share * len(defined)) for share in (0.04, 0.06, 0.94, 0.96)]
        result.append([as_json(defined[place]) if defined else None for place in places])
    return result


def with_answers(given: dict[str, Any]) -> dict[str, Any]:
    case, images, stops = SlowBoxes(given), range(len(given["images"])), range(len(given["nms"]))
    tables = np.stack([case.tables(k) for k in stops], axis=3)  # (I, C, 3, T, S)
    by_class, by_image = tables.sum(0), tables.sum(1)
    metrics = []
    for name in METRICS:
        for key in KEYS:
            rows = [
                [case.value(tables[..., k, s], name, key) for s in range(len(given["scores"]))]
                for k in stops
            ]
            metrics.append([name, key, [as_json(v) for row in rows for v in row], best(rows)])
    middle = len(stops) // 2
    asked = [
        ("f1", "micro"),
        ("recall", "macro"),
        ("f1", "macro"),
        ("precision", "image"),
        ("f1", 1),
    ]
    return given | {
        "wire": [case.wire(i) for i in images],
        "matches": [case.match(i, k) for i in images for k in stops],
        "suppressors": [row for i in images for k in stops for row in case.suppressors(i, k)],
        "settings": [decided(case, setting) for setting in settings(given)],
        **flat("", by_class),
        **flat("image_", by_image),
        "metrics": metrics,
        "bands": [
            [middle, name, key, band(case, tables[..., middle, :], name, key)]
            for name, key in asked
        ],
    }


def flat(prefix: str, table: np.ndarray) -> dict[str, list[int]]:
    """Return counts (G, 3, T, S) by name, flat."""
    tp, fp, fn = table.transpose(1, 0, 2, 3)
    parts = {"tp": tp, "fp": fp, "positives": (tp + fn)[:, 0, 0]}
    return {prefix + name: part.ravel().tolist() for name, part in parts.items()}


def as_json(value: slow.Number) -> float | None:
    return None if value is None else float(value)


def golden() -> str:
    """Return the text of the file, one line for each case."""
    return "[\n" + ",\n".join(json.dumps(with_answers(given)) for given in cases()) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(golden(), encoding="utf-8")
