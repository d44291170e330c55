"""The operating map: a metric over score threshold and NMS IoU, with a point to drag."""

from __future__ import annotations

from typing import Any

import bqplot as bq
import numpy as np

from torchdial.figures.colors import LINE_COLORS
from torchdial.figures.interactive.figure_parts import figure, follow, unit_scale
from torchdial.figures.interactive.heat_cells import HeatCells
from torchdial.inputs.arguments import one_of
from torchdial.inputs.errors import describe, refusal
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_settings import METRICS, DetectionMetric
from torchdial.sweeps.metric_formulas import Average, check_average


def operating_map_figure(
    source: Any, metric: DetectionMetric = "f1", average: Average = "micro"
) -> bq.Figure:
    """Return a metric at every score threshold and NMS IoU as a bqplot figure.

    Args:
        source: `DetectionCurves`, or a `DetectionPreview` with targets or curves. Its point can be
            dragged, which moves the preview's dials, and follows them.
        metric: "f1", "precision" or "recall".
        average: over what to average it.

    Returns:
        A figure whose marks are a `bqplot.HeatMap`, a `bqplot.Scatter` of the best point and, for
        a preview, one of the operating point.

    Raises:
        ValueError: the source is something else, an unknown metric, or an unknown average.

    Example:
        >>> import torch, torchdial as td
        >>> box, label = torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([0])
        >>> sweep = td.DetectionSweep(nms_ious=3, score_thresholds=5)
        >>> found = {"boxes": box, "scores": torch.tensor([0.6]), "labels": label}
        >>> sweep.update([found], [{"boxes": box, "labels": label}])
        >>> operating_map_figure(sweep.compute()).marks[0].color.shape
        (3, 5)
    """
    check_average(average)
    one_of("metric", metric, METRICS)
    x, y = unit_scale(), unit_scale()
    scales = {"x": x, "y": y}
    name = "F1" if metric == "f1" else metric
    cells = HeatCells(x, y, name)
    best = bq.Scatter(
        scales=scales, marker="diamond", colors=["white"], stroke="black", default_size=90
    )
    point = bq.Scatter(
        scales=scales, colors=[LINE_COLORS[1]], stroke="white", default_size=140, enable_move=True
    )

    def draw() -> None:
        curves = _curves_of(source)
        values = curves.metric(metric, average).numpy()
        cells.draw(curves.score_thresholds.numpy(), curves.nms_ious.numpy(), values)
        score, nms_iou, _ = curves.best(metric, average=average)
        with best.hold_sync():
            best.x, best.y = [score], [nms_iou]

    def mark() -> None:
        with point.hold_sync():
            point.x, point.y = [source.score_threshold], [source.nms_iou]

    def turn(_mark: Any, dragged: Any) -> None:
        at = dragged["point"]  # the mark's own traits may come later than this message
        score, nms_iou = (float(np.clip(at[name], 0, 1)) for name in "xy")
        source.set_trait("score_threshold", score)
        source.set_trait("nms_iou", nms_iou)
        mark()  # the NMS dial stands on stops

    draw()
    marks = [cells.mark, best]
    if not isinstance(source, DetectionCurves):
        marks.append(point)
        follow(source, ["score_threshold", "nms_iou"], mark)
        follow(source, "_frame", draw)
        point.on_drag_end(turn)
    title = f"{name} at each setting, {average} average"
    made = figure(marks, ("score threshold", x), ("NMS IoU", y), title, grid="none")
    cells.place(made)
    return made


def _curves_of(source: Any) -> DetectionCurves:
    curves = source if isinstance(source, DetectionCurves) else getattr(source, "curves", None)
    if isinstance(curves, DetectionCurves):
        return curves
    raise refusal(
        "source",
        expected="DetectionCurves, or a DetectionPreview that has targets or curves",
        got=describe(source),
        remedy="Pass DetectionSweep's compute(), or make the preview with targets=.",
    )
