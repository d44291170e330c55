"""What the bqplot figures share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bqplot as bq
import numpy as np

from torchdial.figures.static.printable_names import line

LAYOUT = {"width": "100%", "height": "360px"}  # figures side by side share the width
TITLE_STYLE = {"font-size": "13px"}
MARGIN = {"top": 36, "bottom": 48, "left": 64, "right": 16}  # pixels
LABEL_OFFSETS = "36px", "48px"  # of x and y: the numbers stand between
CHARACTER = 7  # pixels, of a label
LONGEST_NAME = 24  # characters, of a legend or an axis
UNIT_TICKS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
LEGEND_SPACING = 0.09  # of the height


def figure(
    marks: Sequence[Any],
    x: tuple[str, Any],
    y: tuple[str, Any],
    title: str,
    *,
    grid: str = "dashed",
) -> bq.Figure:
    """Return a figure of marks with two labelled axes, x and y each a label and a scale."""
    axes = [
        bq.Axis(
            label=x[0],
            scale=x[1],
            grid_lines=grid,
            label_offset=LABEL_OFFSETS[0],
            **_ticks(x[1]),
        ),
        bq.Axis(
            label=y[0],
            scale=y[1],
            side="left",
            grid_lines=grid,
            label_offset=LABEL_OFFSETS[1],
            **_ticks(y[1]),
        ),
    ]
    return bq.Figure(
        marks=list(marks),
        axes=axes,
        title=title,
        title_style=TITLE_STYLE,
        fig_margin=MARGIN,
        layout=LAYOUT,
    )


def unit_scale() -> bq.LinearScale:
    """Return a scale over [0, 1]."""
    return bq.LinearScale(min=0.0, max=1.0, allow_padding=False)


def _ticks(scale: Any) -> dict[str, Any]:
    """Return few ticks of a scale over [0, 1]; bqplot chooses those of others."""
    return {"tick_values": UNIT_TICKS} if (scale.min, scale.max) == (0.0, 1.0) else {}


class Legend:
    """The names of lines in their colours, right of the plot, where no curve runs.

    Attributes:
        mark: a `bqplot.Label`.
    """

    def __init__(self) -> None:
        self.mark = bq.Label(
            x=[],
            y=[],
            scales={"x": unit_scale(), "y": unit_scale()},
            apply_clip=False,
            default_size=12,
            font_weight="normal",
            x_offset=12,
        )
        self._lines: list[bq.Lines] = []

    def name(self, shown: bq.Figure, lines: Sequence[bq.Lines]) -> None:
        """Show the names of a figure's lines; one line alone is named by its axis."""
        for each in lines:
            if each not in self._lines:
                self._lines.append(each)
                each.observe(lambda _change: self._color(), "colors")
        names = [line(name, LONGEST_NAME) for each in self._lines for name in each.labels]
        if len(names) < 2:
            return
        with self.mark.hold_sync():
            self.mark.x = np.ones(len(names))
            self.mark.y = 1 - LEGEND_SPACING * (np.arange(len(names)) + 0.5)
            self.mark.text = np.array(names)
            self._color()
        right = MARGIN["right"] + CHARACTER * max(map(len, names))
        shown.fig_margin = shown.fig_margin | {"right": right}
        shown.marks = [*(mark for mark in shown.marks if mark is not self.mark), self.mark]

    def _color(self) -> None:
        self.mark.colors = [
            color for each in self._lines for color in each.colors[: len(each.labels)]
        ]


def follow(source: Any, names: str | Sequence[str], update: Callable[[], None]) -> None:
    """Call `update` now, and whenever a trait of `source` changes."""
    source.observe(lambda _change: update(), names=names)
    update()
