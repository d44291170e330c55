"""Write images.json: which images a number of a segmentation counts, computed slowly.

Run `python -m tests.golden.make_images`. tests/sweeps/pixels/test_golden_images.py fails if the
file differs from what this writes, or the results of the package from the file. js/test reads the
same file. Each case of make_curves.py has, in classes C and stops T,

- wire: what the kernel sends of images: histograms (N, C, T + 1), for multiclass (N, C + 1, T + 1)
  with the maximum's last; and for multiclass the cells of (image, target, argmax, level) with
  pixels as one index each, and their pixels.
- rest: at a stop of each class, of each image and class its pixels by truth and prediction,
  (N, C, 2, 2), flat: of the class first, then of the rest.
- matrix: for multiclass the same by argmax: (N, C, C + 1), the last column for none.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.make_curves import cases
from tests.sweeps.pixels import slow_counts as slow

PATH = Path(__file__).with_name("images.json")


def with_images(given: dict[str, Any]) -> dict[str, Any]:
    probs, targets, stops = np.float32(given["probs"]), np.array(given["targets"]), given["stops"]
    num_images, num_classes, num_pixels = probs.shape
    multiclass, ignored = given["task"] == "multiclass", given["ignore_index"]
    bins, rows = len(stops) + 1, num_classes + multiclass
    at = [(2 * c + 1) % len(stops) for c in range(num_classes)]
    histograms = np.zeros((num_images, rows, bins), dtype=np.int64)
    rest = np.zeros((num_images, num_classes, 2, 2), dtype=np.int64)
    matrix = np.zeros((num_images, num_classes, num_classes + 1), dtype=np.int64)
    cells: Counter[int] = Counter()
    for i, p in np.ndindex(num_images, num_pixels):
        column = probs[i, :, p]
        for c in range(num_classes):
            histograms[i, c, slow.level(column[c], stops)] += 1
            truth = targets[i, c, p] if targets.ndim == 3 else targets[i, p]
            if truth != ignored:
                yes = truth == (1 if given["task"] != "multiclass" else c)
                rest[i, c, int(not yes), int(not slow.is_on(column[c], stops[at[c]]))] += 1
        if multiclass:
            label = slow.first_maximum(column)
            level = slow.level(column[label], stops)
            histograms[i, -1, level] += 1
            truth = targets[i, p]
            if truth != ignored:
                cells[((i * num_classes + truth) * num_classes + label) * bins + level] += 1
                found = label if slow.is_on(column[label], stops[at[label]]) else num_classes
                matrix[i, truth, found] += 1
    return {
        "name": given["name"],
        "num_images": num_images,
        "num_classes": num_classes,
        "num_stops": len(stops),
        "at": at,
        "wire": {
            "histograms": histograms.ravel().tolist(),
            "cells": [int(cell) for cell in sorted(cells)] if multiclass else None,
            "pixels": [cells[cell] for cell in sorted(cells)] if multiclass else None,
        },
        "rest": rest.ravel().tolist(),
        "matrix": matrix.ravel().tolist() if multiclass else None,
    }


def golden() -> str:
    """Return the text of the file, one line for each case."""
    return "[\n" + ",\n".join(json.dumps(with_images(given)) for given in cases()) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(golden(), encoding="utf-8")
