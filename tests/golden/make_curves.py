"""Write curves.json: reference results for Python and TypeScript, computed slowly.

Run `python -m tests.golden.make_curves`. tests/sweeps/pixels/test_golden_curves.py fails if the
file differs from what this writes, or the results of the package from the file. js/test reads the
same file.

- cases: probabilities (N, C, P) and targets; of each table ("classes", and for multiclass
  "argmax") the counts, flat in the order of (N, C, T) and (N, C), each metric and average at
  some stops, one a class, and its whole curve with the best stop (-1: undefined everywhere).
- levels: the number of stops strictly below a float32 probability.
- nearest: the index of the stop nearest to a value.

null stands for NaN.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from tests.sweeps.pixels import slow_counts as slow

PATH = Path(__file__).with_name("curves.json")
METRICS = ("dice", "iou", "precision", "recall", "specificity", "accuracy")
AVERAGES = ("micro", "macro", "image")
FIVE = [0.0, 0.25, 0.5, 0.75, 1.0]
PERCENT = [k / 100 for k in range(101)]


def case(name: str, task: str, stops: list[float], probs: Any, targets: Any, **more: Any) -> Any:
    return {
        "name": name,
        "task": task,
        "stops": stops,
        "probs": np.float32(probs).tolist(),
        "targets": targets,
        "ignore_index": None,
        "zero_division": 1.0,
        **more,
    }


def at_random(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return numbers in [0, 1) that are the same in every version of numpy."""
    draw = random.Random(seed).random
    return np.float32([draw() for _ in range(int(np.prod(shape)))]).reshape(shape)


def cases() -> list[dict[str, Any]]:
    labels = (at_random((3, 12), 9) * 4).astype(int)
    masks = (at_random((3, 2, 10), 8) > 0.5).astype(int)
    masks[:, 1, :4] = 255
    masks[1] = 0
    right = np.eye(4, dtype=np.float32)[labels].transpose(0, 2, 1)
    likely = at_random((3, 4, 12), 7) * np.float32(0.5) + right * np.float32(0.25)
    return [
        case("ties on a stop", "binary", FIVE, [[[0, 0.25, 0.5, 1]]], [[[0, 1, 1, 1]]]),
        case("a plateau", "binary", PERCENT, [[[0.2, 0.3, 0.61, 0.62]]], [[[0, 0, 1, 1]]]),
        case("no positives", "binary", FIVE, [[[0.3, 0.6]]], [[[0, 0]]]),
        case("only positives", "binary", FIVE, [[[0.3, 0.6]]], [[[1, 1]]]),
        case("all ignored", "binary", FIVE, [[[0.3, 0.6]]], [[[9, 9]]], ignore_index=9),
        case(
            "an empty image counts as 0",
            "binary",
            FIVE,
            [[[0.3, 0.6]], [[0.1, 0.2]], [[0.9, 0.4]]],
            [[[0, 1]], [[0, 0]], [[1, 1]]],
            zero_division=0.0,
        ),
        case(
            "multilabel with ignored pixels and an empty image",
            "multilabel",
            [0.05, 0.2, 0.3, 0.45, 0.6, 0.85],
            at_random((3, 2, 10), 1),
            masks.tolist(),
            ignore_index=255,
        ),
        case("multiclass", "multiclass", FIVE[1:4], likely, labels.tolist()),
        case(
            "multiclass without its third class, one label ignored",
            "multiclass",
            [0.3, 0.35, 0.4, 0.45, 0.5],
            likely,
            np.where(labels == 2, -100, labels).tolist(),
            ignore_index=-100,
        ),
        case("equal maxima", "multiclass", FIVE, [[[0.5, 0.25], [0.5, 0.75]]], [[1, 1]]),
    ]


def measure(name: str, table: slow.Table, zero_division: float) -> dict[str, Any]:
    num_images, num_classes, num_stops = table.tp.shape
    pairs = [(metric, how) for metric in METRICS for how in AVERAGES]
    ats = [[(5 * c + start) % num_stops for c in range(num_classes)] for start in (0, 2)]
    curves = {pair: slow.curve(table, *pair, zero_division) for pair in pairs}
    return {
        "name": name,
        "num_images": num_images,
        "num_classes": num_classes,
        **{n: getattr(table, n).ravel().tolist() for n in ("tp", "fp", "positives", "negatives")},
        "values": [
            [*pair, at, as_json(slow.average(table, *pair, at, zero_division))]
            for pair in pairs
            for at in ats
        ],
        "curves": [
            [*pair, [as_json(v) for v in curve], slow.best(curve)] for pair, curve in curves.items()
        ],
    }


def with_tables(given: dict[str, Any]) -> dict[str, Any]:
    arguments = (given["probs"], given["targets"], given["stops"], given["ignore_index"])
    tables = {"classes": slow.count(*arguments)}
    if given["task"] == "multiclass":
        tables["argmax"] = slow.count_argmax(*arguments)
    measured = [measure(name, t, given["zero_division"]) for name, t in tables.items()]
    return given | {"tables": measured}


def levels() -> list[dict[str, Any]]:
    found = []
    for stops in (FIVE, [0.1, 0.37, 0.9], PERCENT, [0.5]):
        values = {0.0, float(np.float32(1e-45)), 1.0}
        for stop in np.float32(stops[:: max(1, len(stops) // 8)]):
            beside = (stop, np.nextafter(stop, np.float32(0)), np.nextafter(stop, np.float32(1)))
            values |= {float(v) for v in beside}
        pairs = [[p, slow.level(p, stops)] for p in sorted(values)]
        found.append({"stops": stops, "probability_level": pairs})
    return found


def nearest() -> list[dict[str, Any]]:
    values = [-1.0, 0.0, 0.125, 0.375, 0.374, 0.376, 0.37, 0.015, 0.495, 0.62, 1.0, 3.0]
    return [
        {"stops": stops, "value_index": [[v, slow.nearest(stops, v)] for v in values]}
        for stops in (FIVE, [0.1, 0.37, 0.9], PERCENT, [0.5])
    ]


def as_json(value: slow.Number) -> float | None:
    return None if value is None else float(value)


def golden() -> str:
    """Return the text of the file, one line for each case."""
    parts = {"cases": map(with_tables, cases()), "levels": levels(), "nearest": nearest()}
    blocks = (
        f'"{name}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for name, items in parts.items()
    )
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(golden(), encoding="utf-8")
