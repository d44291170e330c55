"""A plane of values as a bqplot heat map in the widgets' colours, with a named colour bar.

bqplot colours a NaN like the cell before it, so what has no colour of the scale becomes a finite
value beyond its ends, where colours of their own stand.
"""

from __future__ import annotations

from typing import Any

import bqplot as bq
import numpy as np
import numpy.typing as npt

from torchdial.figures.colors import NOT_FINITE_COLOR, VIRIDIS, ZERO_COLOR

Floats = npt.NDArray[np.float64]

TRANSPARENT = "#00000000"
COLORS = [TRANSPARENT, ZERO_COLOR, *VIRIDIS, NOT_FINITE_COLOR]
BAR_PIXELS = 56  # below the x axis, with its numbers


class HeatCells:
    """A heat map and its colour bar.

    Args:
        x: scale of the columns.
        y: scale of the rows.
        name: of the values, beside the bar.

    Attributes:
        mark: the `bqplot.HeatMap`.
        bar: the `bqplot.ColorAxis`.
    """

    def __init__(self, x: Any, y: Any, name: str) -> None:
        self._colors = bq.ColorScale(colors=COLORS, min=0.0, max=1.0)
        self._bar_colors = bq.ColorScale(colors=list(VIRIDIS), min=0.0, max=1.0)
        self.mark = bq.HeatMap(
            x=np.array([0.0, 1.0]),
            y=np.array([0.0, 1.0]),
            color=np.zeros((2, 2)),
            scales={"x": x, "y": y, "color": self._colors},
        )
        self.bar = bq.ColorAxis(scale=self._bar_colors, side="bottom", label=name)

    def place(self, shown: bq.Figure) -> None:
        """Add the bar below a figure."""
        shown.axes = [*shown.axes, self.bar]
        margin = shown.fig_margin
        shown.fig_margin = margin | {"bottom": margin["bottom"] + BAR_PIXELS}

    def draw(
        self, x: Floats, y: Floats, values: Floats, limits: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Show values.

        Args:
            x: middles of the columns, increasing.
            y: middles of the rows, increasing.
            values: (rows, columns); NaN is blank, -inf has the colour of zero, +inf that of what is
                not finite.
            limits: the least and the greatest value of the scale; without a span, those of
                the values.
        """
        low, high = limits if limits[0] < limits[1] else _limits(values)
        step = (high - low) / (len(VIRIDIS) - 1)
        shown = np.clip(values, low, high)
        shown[np.isneginf(values)] = low - step
        shown[np.isnan(values)] = low - 2 * step
        shown[np.isposinf(values)] = high + step
        x, shown = _at_least_two(x, shown, axis=1)
        y, shown = _at_least_two(y, shown, axis=0)
        self.bar.tick_values = _ticks(low, high)
        with self._colors.hold_sync():
            self._colors.min, self._colors.max = low - 2 * step, high + step
        with self._bar_colors.hold_sync():
            self._bar_colors.min, self._bar_colors.max = low, high
        with self.mark.hold_sync():
            self.mark.x, self.mark.y, self.mark.color = x, y, shown


def _limits(values: Floats) -> tuple[float, float]:
    """Return the least and the greatest finite value; one value alone is the greatest."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (high - 1, high)


def _ticks(low: float, high: float) -> Floats:
    """Return a few round numbers between two."""
    from matplotlib.ticker import MaxNLocator

    ticks = np.asarray(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    return ticks[(low <= ticks) & (ticks <= high)]


def _at_least_two(middles: Floats, values: Floats, axis: int) -> tuple[Floats, Floats]:
    """Cut one cell in two: bqplot computes the width of a cell from its neighbour's."""
    if len(middles) > 1:
        return middles, values
    return middles[0] + np.array([-0.25, 0.25]), np.repeat(values, 2, axis)
