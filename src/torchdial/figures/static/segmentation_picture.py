"""The static picture of a segmentation dial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from torchdial.figures.static.canvas import canvas_for, figure_of
from torchdial.inputs.tensor_images import CATEGORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.widgets.preview.segmentation_dial import SegmentationDial

Pixels = npt.NDArray[np.uint8]

MAX_PICTURES = 8
COLUMNS = 4
CELL_INCHES = 2.0
CURVE_INCHES = 1.1
TITLE_INCHES = 0.35
DPI = 80
GAP = 4  # pixels between pictures
OPACITY = 0.55


def segmentation_figure(dial: SegmentationDial, ax: Axes | None = None) -> Figure:
    """Return a figure of the first pictures under the dial and, with targets, of the Dice curve.

    It is made without pyplot, so that nobody's current figure changes, and of two axes at most,
    since each costs time whenever a widget is displayed.
    """
    sheet = _sheet([_overlay(dial, i) for i in range(min(len(dial.pictures), MAX_PICTURES))])
    curves = dial.track
    width = CELL_INCHES * COLUMNS
    below = CURVE_INCHES if curves is not None else 0.0
    pictures = width * min(1.0, sheet.shape[0] / sheet.shape[1])
    height = pictures + below + TITLE_INCHES
    figure = canvas_for(ax, width, height, DPI)
    axes = figure.add_axes((0, below / height, 1, pictures / height))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    if curves is not None:
        plot = figure.add_axes((0.08, 0.4 / height, 0.9, (below - 0.5) / height))
        _draw_curve(plot, curves.stops.values, curves.dice(dial.average).numpy(), dial.threshold)
    own = ", classes with their own" if dial.class_thresholds else ""
    title = f"p > {dial.threshold:.4g}{own}"
    figure.text(0.5, 1 - 0.5 * TITLE_INCHES / height, title, ha="center", va="center")
    return figure_of(figure)


def _overlay(dial: SegmentationDial, image: int) -> Pixels:
    """Return a picture with its mask over it, no larger than it will be printed."""
    picture = dial.pictures[image]
    step = max(1, max(picture.shape[:2]) // round(CELL_INCHES * DPI))
    picture, mask = picture[::step, ::step], dial.mask(image)[::step, ::step]
    rgb = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
    classes = dial.classes(image)[::step, ::step]
    mixed = rgb + OPACITY * (CATEGORIES[classes % len(CATEGORIES)] - rgb)
    return np.where(mask[..., None] > 0, mixed, rgb).astype(np.uint8)


def _sheet(pictures: list[Pixels]) -> Pixels:
    """Return pictures of one size side by side, in rows."""
    columns = min(len(pictures), COLUMNS)
    blank = np.full_like(pictures[0], 255)
    padded = pictures + [blank] * (-len(pictures) % columns)
    framed = [np.pad(p, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for p in padded]
    rows = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    return np.vstack(rows)


def _draw_curve(
    axes: Axes, stops: tuple[float, ...], values: npt.NDArray[np.float64], threshold: float
) -> None:
    axes.plot(stops, values)
    axes.axvline(threshold, color="black", linewidth=1)
    axes.set(xlabel="threshold", ylabel="Dice", xlim=(0, 1), ylim=(0, 1))
