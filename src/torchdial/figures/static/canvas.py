"""The figure of a static picture: a new one, or the place of given axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchdial.inputs.errors import refusal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase


# Of static pictures; inches are of the printed figure.
DPI = 80
WIDTH_INCHES = 8.0
TITLE_INCHES = 0.35
MAX_IMAGES = 8
GAP = 4  # pixels between pictures
NOTE = "static picture: run the cell to interact"


def canvas_for(
    ax: Axes | None, width: float, height: float, dpi: float = DPI, **options: Any
) -> FigureBase:
    """Return what to draw on: a new figure of a size in inches, or the place of given axes.

    It is made without pyplot, so that pyplot's current figure stays the same.

    Args:
        ax: axes of a grid, as `plt.subplots` makes them, in whose place it is drawn; None makes a
            new figure.
        width: of a new figure.
        height: of a new figure.
        dpi: of a new figure.
        **options: further arguments of a new `matplotlib.figure.Figure`.

    Raises:
        ValueError: the axes have no place in a grid.
    """
    from matplotlib.figure import Figure

    if ax is None:
        return Figure(figsize=(width, height), dpi=dpi, **options)
    place = ax.get_subplotspec()
    if place is None:
        raise refusal(
            "ax",
            expected="axes of a grid",
            got="axes outside a grid",
            remedy="Make them with plt.subplots() or figure.add_subplot().",
        )
    ax.set_axis_off()
    figure: Any = ax.figure
    drawn: FigureBase = figure.add_subfigure(place)
    return drawn


def figure_of(drawn: FigureBase) -> Figure:
    """Return the figure that a canvas belongs to."""
    whole: Figure = drawn.figure  # type: ignore[assignment]
    return whole
