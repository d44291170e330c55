"""Text as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchdial.figures.static.canvas import canvas_for, figure_of
from torchdial.figures.static.printable_names import line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 8
LETTER = (0.65 * POINTS / 72, 1.3 * POINTS / 72)  # inches, hinting included
LONGEST = 300  # characters
TEXT_MARGIN = 0.1
TEXT_DPI = 100
MOST_TEXT_LINES = 200  # matplotlib takes seconds for a thousand
LAST_LINES = 4  # sums are there


def text_figure(text: str, ax: Axes | None = None) -> Figure:
    """Return a figure that is as large as its text, in a monospaced font.

    Of more than 200 lines those in the middle are left out, and a line says so.
    """
    lines = [line(one, LONGEST) for one in _shortened(text.splitlines())] or [""]
    width = max(map(len, lines)) * LETTER[0] + 2 * TEXT_MARGIN
    height = len(lines) * LETTER[1] + 2 * TEXT_MARGIN
    figure = canvas_for(ax, width, height, TEXT_DPI)
    figure.text(
        TEXT_MARGIN / width,
        1 - TEXT_MARGIN / height,
        "\n".join(lines),
        family="DejaVu Sans Mono",
        size=POINTS,
        linespacing=1.1,
        va="top",
        parse_math=False,
    )
    return figure_of(figure)


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_TEXT_LINES:
        return lines
    first = MOST_TEXT_LINES - LAST_LINES - 1
    left_out = len(lines) - first - LAST_LINES
    return [*lines[:first], f"… {left_out:,} lines more", *lines[-LAST_LINES:]]
