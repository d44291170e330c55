"""Bytes of a frame on the wire for each pixel of its maps, and of the opening state.

Counted as ipywidgets sends them: binary buffers, and the JSON that names them. A frame is what
`refresh` sends: levels, histogram and the counts against the targets.
"""

import json

import torch
from _measure import Result, at_most, report, scenes
from ipywidgets.widgets.widget import _remove_buffers

from torchdial import SegmentationPreview

AIM = 1.1


def wire_bytes(widget, keys=None):
    state, _, buffers = _remove_buffers(widget.get_state(keys))
    return len(json.dumps(state)) + sum(memoryview(buffer).nbytes for buffer in buffers)


def measure(count, size):
    images, probs, targets = scenes(count, size)
    preview = SegmentationPreview(images, probs, targets)
    frame, opening = wire_bytes(preview, ["_frame"]), wire_bytes(preview)
    parts = {
        "images and targets": wire_bytes(preview, ["_pictures"]),
        "script and style": wire_bytes(preview, ["_esm", "_css"]),
    }
    words = ", ".join(f"{name} {bytes_ / 1e6:.3g} MB" for name, bytes_ in parts.items())
    what = f"{count} × {size}²"
    return [
        at_most(f"frame, {what}", frame / probs.numel(), AIM, "bytes/pixel"),
        Result(f"opening state, {what}", f"{opening / 1e6:.3g} MB: {words}"),
    ]


if __name__ == "__main__":
    torch.manual_seed(0)
    report("bytes_per_pixel", [*measure(16, 512), *measure(1, 1024)], ["ipywidgets", "anywidget"])
