"""Text as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchdial.figures.place import canvas_for, figure_of
from torchdial.figures.words import line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 8
LETTER = (0.65 * POINTS / 72, 1.3 * POINTS / 72)  # inches, hinting included
LONGEST = 300  # characters
MARGIN = 0.1
DPI = 100


def text_figure(text: str, ax: Axes | None = None) -> Figure:
    """Return a figure that is as large as its text, in a monospaced font."""
    lines = [line(one, LONGEST) for one in text.splitlines()] or [""]
    width = max(map(len, lines)) * LETTER[0] + 2 * MARGIN
    height = len(lines) * LETTER[1] + 2 * MARGIN
    figure = canvas_for(ax, width, height, DPI)
    figure.text(
        MARGIN / width,
        1 - MARGIN / height,
        "\n".join(lines),
        family="DejaVu Sans Mono",
        size=POINTS,
        linespacing=1.1,
        va="top",
        parse_math=False,
    )
    return figure_of(figure)
