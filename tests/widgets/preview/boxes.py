"""A small scene of boxes, and what a browser reads of a detection preview, by numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.sweeps.boxes.coco import scenes

Arguments = tuple[list[torch.Tensor], list[dict[str, Any]], list[dict[str, Any]]]
SIZES = [(200, 220), (180, 200), (200, 200), (150, 300), (200, 210)]


def scene(seed: int = 0, n: int = 5) -> Arguments:
    """Images of differing sizes with crowds, ties, an empty one and labels 1 … 3."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [SIZES[i % len(SIZES)] for i in range(n)]
    images = [torch.rand(3, h // 10, w // 10, generator=generator) for h, w in sizes]
    return images, *scenes(n, seed)


def split(flat: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """Return what belongs to each image."""
    return np.split(flat, np.cumsum(counts)[:-1])


def read(wire: dict[str, Any], shapes: dict[str, tuple[str, tuple[int, ...]]]) -> Any:
    """Return arrays of a dict of bytes, each image by image where `counts` says so."""
    arrays = {
        name: np.frombuffer(wire[name], dtype).reshape(-1, *shape)
        for name, (dtype, shape) in shapes.items()
    }
    counts = np.frombuffer(wire["counts"], "<i4")
    return {name: split(array, counts) for name, array in arrays.items()}


def read_source(preview: Any, source: int = 0) -> dict[str, list[np.ndarray]]:
    """Return the candidates of each image as a browser gets them."""
    wire = preview._frame["sources"][source]
    num_bytes = -(-len(preview._config["stops"]) // 8)
    shapes = {
        "boxes": ("<f4", (4,)),
        "scores": ("<f4", ()),
        "labels": ("<u2", ()),
        "index": ("<i4", ()),
        "kept": ("u1", (num_bytes,)),
    }
    return read(wire, shapes)


def read_pairs(preview: Any) -> dict[str, list[np.ndarray]]:
    wire = preview._frame["sources"][0]["pairs"]
    return read(wire, {"detection": ("<i4", ()), "target": ("<i4", ()), "iou": ("<f4", ())})


def read_targets(preview: Any) -> dict[str, list[np.ndarray]]:
    shapes = {"boxes": ("<f4", (4,)), "labels": ("<u2", ()), "flags": ("u1", ())}
    return read(preview._targets, shapes)
