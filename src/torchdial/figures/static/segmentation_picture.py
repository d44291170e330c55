"""The static picture of a segmentation dial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from torchdial.array_types import Bytes
from torchdial.figures.static.canvas import DPI, GAP, TITLE_INCHES, canvas_for, figure_of
from torchdial.inputs.images.tensor_images import CATEGORIES
from torchdial.inputs.stops import Stops

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PICTURE_COLUMNS = 4
CELL_INCHES = 2.0
CURVE_INCHES = 1.1
OPACITY = 0.55


def segmentation_figure(
    overlays: Sequence[Bytes],
    curve: npt.NDArray[np.float64] | None,
    stops: Stops,
    threshold: float,
    *,
    own_thresholds: bool,
    ax: Axes | None = None,
) -> Figure:
    """Return a figure of images with their masks and, with targets, of the Dice curve.

    It is made without pyplot, so that no current figure changes, and of two axes at most, since
    each costs time whenever a widget is displayed.

    Args:
        overlays: uint8 (H, W, 3) of one size, see `overlay`.
        curve: Dice at every stop.
        stops: of the dial.
        threshold: where the dial stands.
        own_thresholds: whether classes have thresholds of their own.
        ax: see `torchdial.figures.static.canvas.canvas_for`.
    """
    sheet = side_by_side(list(overlays))
    width = CELL_INCHES * PICTURE_COLUMNS
    below = CURVE_INCHES if curve is not None else 0.0
    pictures = width * min(1.0, sheet.shape[0] / sheet.shape[1])
    height = pictures + below + TITLE_INCHES
    figure = canvas_for(ax, width, height)
    axes = figure.add_axes((0, below / height, 1, pictures / height))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    if curve is not None:
        plot = figure.add_axes((0.08, 0.4 / height, 0.9, (below - 0.5) / height))
        _draw_curve(plot, curve, stops, threshold)
    title = setting_text(stops, threshold, own_thresholds=own_thresholds)
    figure.text(0.5, 1 - 0.5 * TITLE_INCHES / height, title, ha="center", va="center")
    return figure_of(figure)


def overlay(image: Bytes, mask: Bytes, classes: npt.NDArray[np.uint8]) -> Bytes:
    """Return an image with its mask over it, uint8 (h, w, 3), no larger than it will be printed.

    Args:
        image: (H, W, 1), (H, W, 3) or (H, W, 4).
        mask: (H, W), what is on above 0.
        classes: (H, W), whose colour each pixel has.
    """
    step = max(1, max(image.shape[:2]) // round(CELL_INCHES * DPI))
    image, mask, classes = image[::step, ::step], mask[::step, ::step], classes[::step, ::step]
    rgb = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[..., :3]
    opacity = OPACITY * (mask[..., None] > 0)
    return (rgb + opacity * (CATEGORIES[classes % len(CATEGORIES)] - rgb)).astype(np.uint8)


def setting_text(stops: Stops, threshold: float, *, own_thresholds: bool) -> str:
    """Return where the dial stands."""
    return f"{stops.word} > {threshold:.4g}{', classes with their own' if own_thresholds else ''}"


def side_by_side(pictures: list[Bytes]) -> Bytes:
    """Return pictures of one size side by side, in rows."""
    columns = min(len(pictures), PICTURE_COLUMNS)
    blank = np.full_like(pictures[0], 255)
    padded = pictures + [blank] * (-len(pictures) % columns)
    framed = [np.pad(p, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for p in padded]
    rows = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    return np.vstack(rows)


def _draw_curve(axes: Axes, curve: npt.NDArray[np.float64], stops: Stops, threshold: float) -> None:
    axes.plot(stops.values, curve)
    axes.axvline(threshold, color="black", linewidth=1)
    axes.set(xlabel="threshold", ylabel="Dice", xlim=stops.range, ylim=(0, 1))
