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
CAPTION_PIXELS = round(0.2 * DPI)


def image_figure(
    pictures: Sequence[Bytes], captions: Sequence[str], ax: Axes | None = None
) -> Figure:
    """Return a figure of pictures in rows, each with its caption below.

    All pictures are one image in it: axes for each would take seconds.
    """
    sheet = picture_sheet(pictures)
    height, width = sheet.shape[0] / DPI, sheet.shape[1] / DPI
    figure = canvas_for(ax, width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for (left, _, bottom), caption in zip(cells(len(pictures)), captions, strict=True):
        y = 1 - (bottom - CAPTION_PIXELS / 3) / sheet.shape[0]
        figure.text(left / sheet.shape[1], y, line(caption), size=6, parse_math=False)
    return figure_of(figure)


def picture_sheet(pictures: Sequence[Bytes]) -> Bytes:
    """Return pictures in rows, with room for a caption below each, RGBA (H, W, 4)."""
    side, places = cell_side(len(pictures)), cells(len(pictures))
    columns = min(len(pictures), SHEET_COLUMNS)
    sheet = np.full((places[-1][2], columns * side, 4), 255, np.uint8)
    for (left, top, _), pixels in zip(places, pictures, strict=True):
        shown = _scaled(pixels, side - GAP)
        sheet[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return sheet


def cell_side(count: int) -> int:
    """Return how many pixels of a sheet's width each of its pictures has."""
    return round(SHEET_CELL_INCHES * SHEET_COLUMNS / max(min(count, SHEET_COLUMNS), 3) * DPI)


def cells(count: int) -> list[tuple[int, int, int]]:
    """Return the left, the top and the bottom of each picture with its caption, in pixels."""
    side = cell_side(count)
    height = side + CAPTION_PIXELS
    places = (divmod(i, min(count, SHEET_COLUMNS)) for i in range(count))
    return [(column * side, row * height, (row + 1) * height) for row, column in places]


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
