"""The static picture of a segmentation dial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from torchdial.widgets.dial import SegmentationDial

MAX_PICTURES = 8
COLUMNS = 4
INK = np.array([230, 159, 0])  # the first category of js/src/lib/colors.ts
OPACITY = 0.55


def segmentation_figure(dial: SegmentationDial) -> Figure:
    """Return a figure of the first pictures under the dial and, with targets, of the Dice curve.

    It is made without pyplot, so that nobody's current figure changes.
    """
    from matplotlib.figure import Figure

    count = min(len(dial.pictures), MAX_PICTURES)
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    curves = dial.track
    figure = Figure(figsize=(2 * columns, 2 * rows + 1.2 * (curves is not None)), dpi=80)
    grid = figure.add_gridspec(rows + (curves is not None), columns)
    for i in range(count):
        axes = figure.add_subplot(grid[divmod(i, columns)])
        axes.imshow(_overlay(dial.pictures[i], dial.mask(i)))
        axes.set_axis_off()
    if curves is not None:
        axes = figure.add_subplot(grid[-1, :])
        _draw_curve(axes, curves.stops.values, curves.dice(dial.average).numpy(), dial.threshold)
    figure.suptitle(f"p > {dial.threshold:.4g}  (static picture: run the cell to interact)")
    figure.set_layout_engine("constrained")
    return figure


def _overlay(picture: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    rgb = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
    mixed = rgb + OPACITY * (INK - rgb)
    return np.where(mask[..., None] > 0, mixed, rgb).astype(np.uint8)


def _draw_curve(
    axes: Axes, stops: tuple[float, ...], values: npt.NDArray[np.float64], threshold: float
) -> None:
    axes.plot(stops, values)
    axes.axvline(threshold, color="black", linewidth=1)
    axes.set(xlabel="threshold", ylabel="Dice", xlim=(0, 1), ylim=(0, 1))
