"""Where a static picture is drawn: on a figure of its own, or in the place of given axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchdial.inputs.errors import refusal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase


def canvas_for(
    ax: Axes | None, width: float, height: float, dpi: float, **options: Any
) -> FigureBase:
    """Return what to draw on: a new figure of a size in inches, or the place of given axes.

    It is made without pyplot, so that nobody's current figure changes.

    Args:
        ax: axes of a grid, as `plt.subplots` makes them; they give their place away. None makes a
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
            got="axes that were placed by hand",
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
