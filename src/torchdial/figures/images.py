"""A sheet of pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from torchdial.inputs.pictures import Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 8
CELL_INCHES = 1.0
CAPTION_INCHES = 0.2
DPI = 100


def image_figure(pictures: Sequence[Pixels], captions: Sequence[str]) -> Figure:
    """Return a figure of pictures in rows, each with its caption below."""
    from matplotlib.figure import Figure

    columns = min(len(pictures), COLUMNS)
    rows = -(-len(pictures) // columns)
    cell = CELL_INCHES * COLUMNS / max(columns, 3)
    width, height = columns * cell, rows * (cell + CAPTION_INCHES)
    figure = Figure(figsize=(width, height), dpi=DPI)
    for i, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(i, columns)
        bottom = 1 - (row + 1) * (cell + CAPTION_INCHES) / height
        place = (column * cell / width, bottom + CAPTION_INCHES / height, cell / width * 0.97)
        axes = figure.add_axes((*place, cell / height * 0.97))
        axes.imshow(_drawable(pixels), interpolation="nearest", cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        x = (column + 0.5) * cell / width
        text = caption.replace("$", r"\$")
        figure.text(x, bottom + 0.3 * CAPTION_INCHES / height, text, ha="center", size=6)
    return figure


def _drawable(pixels: Pixels) -> Pixels:
    """Return no more pixels than are printed, (H, W) where there is one channel."""
    step = max(1, max(pixels.shape[:2]) // round(4 * CELL_INCHES * DPI))
    fewer = pixels[::step, ::step]
    return np.squeeze(fewer, axis=2) if fewer.shape[2] == 1 else fewer
