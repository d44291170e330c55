"""Bytes of a frame on the wire for each candidate of a detector, and of the opening state.

Counted as in bytes_per_pixel.py. A frame is what `refresh` sends: boxes, scores, labels, the boxes
that NMS keeps at 101 stops, and with targets the pairs that overlap enough to match and AP.
"""

import torch
from _measure import Result, at_most, box_scenes, report, scenes
from bytes_per_pixel import wire_bytes

from torchdial import DetectionPreview

AIM = 64


def measure(images, boxes):
    pictures, _, _ = scenes(images, 512)
    found, true = box_scenes(images, boxes)
    with_targets, without = (
        DetectionPreview(pictures, found, true),
        DetectionPreview(pictures, found),
    )
    of_frame = [wire_bytes(p, ["_frame"]) / (images * boxes) for p in (with_targets, without)]
    parts = {
        "pictures": wire_bytes(with_targets, ["_pictures"]),
        "targets": wire_bytes(with_targets, ["_targets"]),
        "script and style": wire_bytes(with_targets, ["_esm", "_css"]),
    }
    words = ", ".join(f"{name} {size / 1e6:.3g} MB" for name, size in parts.items())
    what = f"{images} × {boxes:,}"
    return [
        at_most(f"frame with targets, {what}", of_frame[0], AIM, "bytes/candidate"),
        Result(f"frame without targets, {what}", f"{of_frame[1]:.3g} bytes/candidate"),
        Result(f"opening state, {what}", f"{wire_bytes(with_targets) / 1e6:.3g} MB: {words}"),
    ]


if __name__ == "__main__":
    torch.manual_seed(0)
    results = [*measure(16, 300), *measure(1, 5000)]
    report("bytes_per_candidate", results, ["ipywidgets", "anywidget"])
