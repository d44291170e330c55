"""A model that runs over a stream of frames, shown live in a preview."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_float
from torchdial.models.inference import Model
from torchdial.models.predictions import check_model

MOST_FPS = 30.0

F = TypeVar("F")


def stream(model: Model, frames: Iterable[Any], preview: Any, *, fps: float = 10.0) -> int:
    """Run a model over frames and show them, one after the other, in a preview of one image.

    Frames that are due while an earlier one is computed are dropped, so the picture stays up to
    date. An interrupt ends it. The dials work meanwhile: they need no kernel.

    Args:
        model: what runs, as for the preview's `from_model`.
        frames: images (C, H, W) or batches of one, all of the size of the preview's image: of a
            video, a folder, or a camera that yields them as they come.
        preview: a `SegmentationPreview` or `DetectionPreview` made by `from_model` of one image,
            without targets. Display it anywhere.
        fps: how many frames a second the source has, above 0 and at most 30.

    Returns:
        How many frames were shown.

    Raises:
        TypeError: the preview was made of output, or with targets.
        ValueError: another number of frames a second, or a frame that is no image.

    Example:
        >>> import torch, torchdial as td
        >>> model = torch.nn.Conv2d(3, 1, 1)
        >>> frames = torch.rand(2, 3, 8, 8)
        >>> preview = td.SegmentationPreview.from_model(model, frames[:1], from_logits=True)
        >>> stream(model, frames, preview, fps=30)
        2
    """
    if not 0 < to_float(fps) <= MOST_FPS:
        raise refusal(
            "fps",
            expected=f"a number above 0, at most {MOST_FPS:g}",
            got=describe(fps),
            remedy="Pass fps=30; more frames a second are not visible.",
        )
    if not hasattr(preview, "look_at"):
        raise refusal(
            "preview",
            expected="a SegmentationPreview or a DetectionPreview",
            got=describe(preview),
            remedy="Make it with from_model, of one image.",
        )
    check_model(model)
    if not isinstance(frames, Iterable):
        raise refusal(
            "frames",
            expected="an iterable of images",
            got=describe(frames),
            remedy="Pass a list, a batch or a generator of them.",
        )
    shown = 0
    try:
        for frame in paced(frames, fps):
            batch = frame[None] if getattr(frame, "ndim", 0) == 3 else frame
            shown += preview.look_at(batch, model)
    except KeyboardInterrupt:
        pass
    return shown


def paced(
    frames: Iterable[F],
    fps: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[F]:
    """Yield frames when they are due; those that are late by a whole frame are dropped."""
    start = clock()
    for number, frame in enumerate(frames):
        early = start + number / fps - clock()
        if early <= -1 / fps:
            continue
        if early > 0:
            sleep(early)
        yield frame
