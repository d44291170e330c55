"""Bytes of a frame on the wire for each pixel of its maps, and of the opening state.

Counted as ipywidgets sends them: binary buffers, and the JSON that names them. A frame is what
`refresh` sends: levels, histogram and the counts against the targets. The first sight of
photographs is the opening state and the static picture, without script and style.
"""

import json

import numpy as np
import torch
from _measure import Result, at_most, report, scenes
from ipywidgets.widgets.widget import _remove_buffers
from PIL import Image
from skimage import data

from torchdial import SegmentationPreview

AIM = 1.1
FIRST_SIGHT_AIM = 4  # MB


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


def photographs(count=16, size=512):
    """Return crops of photographs, uint8 (N, H, W, 3), each scaled by another factor."""
    whole = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    scaled = (
        Image.fromarray(whole[i % 4]).resize((size + 40 * (i // 4), size + 40 * (i // 4)))
        for i in range(count)
    )
    return np.stack([np.asarray(one)[:size, :size] for one in scaled])


def first_sight(noise, kind):
    _, probs, targets = scenes(16, 512)
    rough = torch.logit(probs.clamp(1e-4, 1 - 1e-4)) + noise * torch.randn(probs.shape)
    preview = SegmentationPreview(photographs(), rough.sigmoid(), targets)
    bundle = preview._repr_mimebundle_()[0]
    picture = 3 * len(bundle["image/png"]) // 4
    sent = wire_bytes(preview) - wire_bytes(preview, ["_esm", "_css"]) + picture
    what = f"first sight, 16 × 512² photographs, {kind} maps"
    more = f", of which static picture {picture / 1e6:.2g} MB"
    return at_most(what, sent / 1e6, FIRST_SIGHT_AIM, "MB", more)


if __name__ == "__main__":
    torch.manual_seed(0)
    results = [*measure(16, 512), *measure(1, 1024)]
    results += [first_sight(0, "smooth"), first_sight(0.3, "noisy")]
    report("bytes_per_pixel", results, ["ipywidgets", "anywidget", "pillow"])
