"""A sheet of pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from torchdial.array_types import Bytes
from torchdial.figures.static.canvas import DPI, GAP, canvas_for, figure_of
from torchdial.figures.static.printable_names import line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHEET_COLUMNS = 8
SHEET_CELL_INCHES = 1.0
CAPTION_INCHES = 0.2


def image_figure(
    pictures: Sequence[Bytes], captions: Sequence[str], ax: Axes | None = None
) -> Figure:
    """Return a figure of pictures in rows, each with its caption below.

    All pictures are one image in it: axes for each would take seconds.
    """
    columns = min(len(pictures), SHEET_COLUMNS)
    rows = -(-len(pictures) // columns)
    inches = SHEET_CELL_INCHES * SHEET_COLUMNS / max(columns, 3)
    side, below = round(inches * DPI), round(CAPTION_INCHES * DPI)
    sheet = np.full((rows * (side + below), columns * side, 4), 255, np.uint8)
    for i, pixels in enumerate(pictures):
        row, column = divmod(i, columns)
        shown = _scaled(pixels, side - GAP)
        top, left = row * (side + below), column * side
        sheet[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    height, width = sheet.shape[0] / DPI, sheet.shape[1] / DPI
    figure = canvas_for(ax, width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for i, caption in enumerate(captions):
        row, column = divmod(i, columns)
        y = 1 - ((row + 1) * (side + below) - below / 3) / sheet.shape[0]
        text = line(caption)
        figure.text(column * side / sheet.shape[1], y, text, size=6, parse_math=False)
    return figure_of(figure)


def _scaled(pixels: Bytes, side: int) -> Bytes:
    """Return RGBA pixels, each chosen or repeated, so that the longer side is as given."""
    height, width, channels = pixels.shape
    factor = side / max(height, width)
    y = (np.arange(max(1, round(height * factor))) / factor).astype(int).clip(max=height - 1)
    x = (np.arange(max(1, round(width * factor))) / factor).astype(int).clip(max=width - 1)
    chosen = pixels[y][:, x]
    rgb = chosen[..., :3] if channels > 1 else np.repeat(chosen, 3, axis=2)
    alpha = chosen[..., 3:] if channels == 4 else np.full_like(chosen[..., :1], 255)
    return np.concatenate([rgb, alpha], axis=2)
