"""What the bqplot figures share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bqplot as bq

# Okabe and Ito's colours, black last: lines stand on any ground.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")
FIGURE_MARGIN = {"top": 36, "bottom": 44, "left": 56, "right": 16}


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
        bq.Axis(label=x[0], scale=x[1], grid_lines=grid),
        bq.Axis(label=y[0], scale=y[1], side="left", grid_lines=grid),
    ]
    return bq.Figure(
        marks=list(marks),
        axes=axes,
        title=title,
        fig_margin=FIGURE_MARGIN,
        legend_location="top-right",
    )


def unit_scale() -> bq.LinearScale:
    """Return a scale over [0, 1]."""
    return bq.LinearScale(min=0.0, max=1.0, allow_padding=False)


def follow(source: Any, names: str | Sequence[str], update: Callable[[], None]) -> None:
    """Call `update` now, and whenever a trait of `source` changes."""
    source.observe(lambda _change: update(), names=names)
    update()
