"""Write steps.json: which frames of a training are kept and shown, and metrics over its steps.

Run `python -m tests.golden.make_steps`. tests/sweeps/test_golden_steps.py fails if the file differs
from what this writes, or the results of the package from the file. js/test/steps reads the same
file.

- trainings: refreshes of (step, value of the metric or null) with the steps whose frames are kept
  after each; and at the end looks of (chosen step, the nearest counted one, the one that shows it).
- pixels: the probabilities (S, N, P) of S steps and targets (N, P) or null; at each stop and step
  the micro Dice, or without targets the share of pixels that are on; the counts as they are sent,
  float64 in base64; and of each step the best value and its stop (null, -1 without targets).
- boxes: of S steps the counts and micro F1 as they are sent, zlib in base64; the F1 at every NMS
  stop and score stop, the best value, and at which of these it is.
"""

from __future__ import annotations

import base64
import json
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).with_name("steps.json")
STOPS = [0.0, 0.25, 0.5, 0.75, 1.0]


def slow_kept(steps: list[int], best: int | None, keep: int) -> list[int]:
    """Return what stays of the frames of increasing steps, by trying each that may go."""
    while len(steps) > keep:
        gaps = {
            step: after - before
            for before, step, after in zip(steps, steps[1:], steps[2:], strict=False)
            if step != best
        }
        goes = min(step for step in gaps if gaps[step] == min(gaps.values()))
        steps = [step for step in steps if step != goes]
    return steps


def slow_nearest(steps: list[int], to: int) -> int:
    return min(steps, key=lambda step: (abs(step - to), step))


def training(name: str, keep: int, given: list[tuple[int, float | None]]) -> dict[str, Any]:
    values: dict[int, float | None] = {}
    kept: list[int] = []
    refreshes = []
    for step, value in given:
        values = {old: v for old, v in values.items() if old < step} | {step: value}
        defined = [v for v in values.values() if v is not None]
        best = next((s for s, v in values.items() if defined and v == max(defined)), None)
        kept = slow_kept([old for old in kept if old < step] + [step], best, keep)
        refreshes.append({"step": step, "value": value, "best": best, "kept": kept})
    looks = []
    for chosen in [None, *range(0, max(values) + 12, 7)]:
        step = max(values) if chosen is None else slow_nearest(list(values), chosen)
        looks.append([chosen, step, slow_nearest(kept, step)])
    return {"name": name, "keep": keep, "refreshes": refreshes, "looks": looks}


def encoded(values: Any, dtype: str = "<f8") -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode()


def pixels(name: str, with_targets: bool, rng: np.random.Generator) -> dict[str, Any]:
    probs = rng.integers(0, 9, (4, 2, 6)) / 8
    targets = rng.integers(0, 2, (2, 6))
    steps = []
    for one in probs:
        tp = [int(((one > t) & (targets == 1)).sum()) for t in STOPS]
        on = [int((one > t).sum()) for t in STOPS]
        positives = int(targets.sum())
        if with_targets:
            row = [2 * a / (b + positives) for a, b in zip(tp, on, strict=True)]
        else:
            row = [b / targets.size for b in on]
        levels = [sum(p > t for t in STOPS) for p in one.ravel()]
        histogram = [levels.count(level) for level in range(len(STOPS) + 1)]
        counts = {
            "num_images": 1,
            "num_classes": 1,
            "tp": encoded(tp),
            "fp": encoded(np.subtract(on, tp)),
            "positives": encoded([positives]),
            "negatives": encoded([targets.size - positives]),
        }
        runs = [k for k, value in enumerate(row) if value == max(row)]
        steps.append(
            {
                "histogram": encoded(histogram),
                "counts": counts if with_targets else None,
                "values": row,
                "best": max(row) if with_targets else None,
                "best_at": runs if with_targets else [],
            }
        )
    return {
        "name": name,
        "probs": probs.tolist(),
        "targets": targets.tolist() if with_targets else None,
        "steps": steps,
    }


def boxes(rng: np.random.Generator) -> dict[str, Any]:
    positives = [3, 5]
    tp = rng.integers(0, 4, (4, 2, len(STOPS), len(STOPS)))
    fp = rng.integers(0, 6, tp.shape)
    steps = []
    for true, false in zip(tp, fp, strict=True):
        found, wrong = true.sum(0), false.sum(0)
        f1 = 2 * found / (2 * found + wrong + sum(positives) - found)
        at = [[int(k) for k in place] for place in np.argwhere(f1 == f1.max())]
        packed = [
            base64.b64encode(zlib.compress(np.asarray(a).astype(t).tobytes())).decode()
            for a, t in ((true, "<u4"), (false, "<u4"), (f1, "<f8"))
        ]
        sent = dict(zip(("tp", "fp", "f1"), packed, strict=True))
        steps.append({**sent, "values": f1.tolist(), "best": f1.max(), "best_at": at})
    return {"positives": positives, "steps": steps}


def made() -> dict[str, Any]:
    generator = random.Random(3)
    even = [(10 * k, 0.1 * k) for k in range(12)]
    uneven = [
        (step, round(generator.random(), 2)) for step in sorted(generator.sample(range(400), 40))
    ]
    rewound = [*even, (45, 0.2), (60, 0.9), (60, 0.1), (70, 0.3)]
    rng = np.random.default_rng(5)
    return {
        "stops": STOPS,
        "trainings": [
            training("even steps that get better", 5, even),
            training("uneven steps", 8, [*uneven]),
            training(
                "equal values: the earliest is the best", 4, [(k, 0.5) for k in range(0, 90, 9)]
            ),
            training("without targets", 4, [(k * k, None) for k in range(12)]),
            training("a rewind, and a step twice", 6, rewound),
        ],
        "pixels": [pixels("with targets", True, rng), pixels("without", False, rng)],
        "boxes": boxes(rng),
    }


def main() -> None:
    PATH.write_text(json.dumps(made()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
