"""Pictures composed from Python: bqplot figures to arrange and restyle, matplotlib to print.

bqplot is imported when a figure is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchdial.figures.interactive.curve_figures import (
        precision_recall_figure,
        threshold_curve_figure,
    )
    from torchdial.figures.interactive.histogram_figure import histogram_figure
    from torchdial.figures.interactive.live_figures import gradient_figure, loss_figure
    from torchdial.figures.interactive.operating_map_figure import operating_map_figure

_HOMES = {
    "gradient_figure": "live",
    "histogram_figure": "histograms",
    "loss_figure": "live",
    "operating_map_figure": "operating_map",
    "precision_recall_figure": "curves",
    "threshold_curve_figure": "curves",
}

__all__ = [
    "gradient_figure",
    "histogram_figure",
    "loss_figure",
    "operating_map_figure",
    "precision_recall_figure",
    "threshold_curve_figure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'torchdial.figures' has no attribute {name!r}")
    return getattr(import_module(f"torchdial.figures.interactive.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
