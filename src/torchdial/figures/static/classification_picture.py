"""The static picture of a classification dial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from torchdial.figures.static.canvas import TITLE_INCHES, WIDTH_INCHES, canvas_for, figure_of
from torchdial.sweeps.samples.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_INCHES = 2.6
FONT_SIZE = 8


def classification_figure(
    track: tuple[Sequence[float], Any, str],
    threshold: float,
    ranking: Ranking,
    title: str,
    *,
    ax: Axes | None = None,
) -> Figure:
    """Return a figure of the dial's curve, the ROC curve and the precision-recall curve.

    Args:
        track: stops, a metric at each, and its name.
        threshold: where the dial stands.
        ranking: of the scores that are shown.
        title: above the figure.
        ax: see `torchdial.figures.static.canvas.canvas_for`.
    """
    figure = canvas_for(ax, WIDTH_INCHES, HEIGHT_INCHES)
    plots = figure.subplots(1, 3)
    bottom, top = 0.5 / HEIGHT_INCHES, 1 - 1.7 * TITLE_INCHES / HEIGHT_INCHES
    figure.subplots_adjust(left=0.07, right=0.98, bottom=bottom, top=top, wspace=0.35)
    stops, values, name = track
    plots[0].plot(stops, values)
    plots[0].axvline(threshold, color="black", linewidth=1)
    plots[0].set(xlabel="threshold", ylabel=name, xlim=(0, 1))
    tp, fp = ranking.tp.numpy(), ranking.fp.numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision = tp / tp[-1], tp / (tp + fp)
        plots[1].plot(fp / fp[-1], recall)
        plots[2].plot(recall, precision)
    roc, ap = ranking.roc_auc, ranking.average_precision
    plots[1].set(xlabel="false positive rate", ylabel="recall", title=f"ROC AUC {roc:.3f}")
    plots[2].set(xlabel="recall", ylabel="precision", title=f"AP {ap:.3f}")
    for plot in plots[1:]:
        plot.set(xlim=(0, 1), ylim=(0, 1.02))
    for plot in plots:
        for text in (plot.title, plot.xaxis.label, plot.yaxis.label):
            text.set_fontsize(FONT_SIZE)
        plot.tick_params(labelsize=FONT_SIZE)
        plot.set_xticks((0, 0.5, 1))
    figure.text(0.5, 1 - 0.5 * TITLE_INCHES / HEIGHT_INCHES, title, ha="center", va="center")
    return figure_of(figure)
