"""Metrics along the threshold, and precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bqplot as bq
import numpy as np
import numpy.typing as npt

from torchdial.figures.colors import LINE_COLORS
from torchdial.figures.interactive.figure_parts import Legend, figure, follow, unit_scale
from torchdial.inputs.arguments import to_names
from torchdial.inputs.errors import describe, refusal
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.metric_formulas import Average, Metric, check_average
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves


def threshold_curve_figure(
    source: Any,
    metrics: Sequence[Metric] = ("dice", "precision", "recall"),
    average: Average = "micro",
) -> bq.Figure:
    """Return metrics at every stop of the threshold as a bqplot figure.

    Args:
        source: `ThresholdCurves`, or a `SegmentationPreview` with targets or curves, whose dial
            the needle follows and whose `refresh()` redraws the lines.
        metrics: which to draw, by name.
        average: over what to average them.

    Returns:
        A figure whose marks are a `bqplot.Lines` of the metrics, for a preview one of the
        needle, and for several metrics a `bqplot.Label` with their names.

    Raises:
        ValueError: the source is something else, an unknown metric, or an unknown average.

    Example:
        >>> import torch, torchdial as td
        >>> sweep = td.ThresholdSweep()
        >>> sweep.update(torch.rand(2, 8, 8), torch.randint(0, 2, (2, 8, 8)))
        >>> threshold_curve_figure(sweep.compute(), ["iou"]).marks[0].labels
        ['iou']
    """
    check_average(average)
    names: list[Any] = to_names("metrics", metrics)
    if not names:
        raise refusal(
            "metrics", expected="at least one", got="none", remedy='Pass for example ["dice"].'
        )
    low, high = _threshold_curves(source).stops.range
    x, y = bq.LinearScale(min=low, max=high, allow_padding=False), unit_scale()
    lines = bq.Lines(
        scales={"x": x, "y": y},
        colors=list(LINE_COLORS),
        labels=names,
    )
    needle = bq.Lines(scales={"x": x, "y": y}, colors=["gray"], y=[0.0, 1.0])

    def draw() -> None:
        curves = _threshold_curves(source)
        with lines.hold_sync():
            lines.x = curves.stops.tensor().numpy()
            lines.y = np.stack([curves.metric(name, average).numpy() for name in names])

    def turn() -> None:
        needle.x = [source.threshold] * 2

    draw()
    if isinstance(source, ThresholdCurves):
        marks = [lines]
    else:
        marks = [lines, needle]
        follow(source, "threshold", turn)
        follow(source, "_frame", draw)
    name = names[0] if len(names) == 1 else "metric"
    made = figure(marks, ("threshold", x), (name, y), f"{average} average")
    Legend().name(made, [lines])
    return made


def precision_recall_figure(source: Any, average: Average = "micro") -> bq.Figure:
    """Return precision against recall along the threshold as a bqplot figure.

    Args:
        source: `ThresholdCurves` or `DetectionCurves`, or a preview with targets or curves, whose
            dials the point follows. For detections it is the curve at the NMS IoU of the preview,
            or where F1 is best.
        average: over what to average the two.

    Returns:
        A figure whose marks are a `bqplot.Lines` and, for a preview, a `bqplot.Scatter` of the
        operating point.

    Raises:
        ValueError: the source is something else, or an unknown average.

    Example:
        >>> import torch, torchdial as td
        >>> sweep = td.ThresholdSweep(thresholds=3)
        >>> sweep.update(torch.tensor([[0.2, 0.4, 0.9]]), torch.tensor([[0, 1, 1]]))
        >>> line = precision_recall_figure(sweep.compute()).marks[0]
        >>> line.x.tolist(), line.y.round(2).tolist()
        ([1.0, 0.5], [0.67, 1.0])
    """
    check_average(average)
    x, y = unit_scale(), unit_scale()
    line = bq.Lines(scales={"x": x, "y": y}, colors=[LINE_COLORS[0]])
    point = bq.Scatter(scales={"x": x, "y": y}, colors=[LINE_COLORS[1]], default_size=80)
    is_preview = not isinstance(source, (ThresholdCurves, DetectionCurves))

    def draw() -> None:
        recall, precision = _precision_recall(source, average)
        defined = ~(np.isnan(recall) | np.isnan(precision))
        with line.hold_sync():
            line.x, line.y = recall[defined], precision[defined]

    def mark() -> None:
        draw()
        at = source.metrics
        if np.isnan(at["recall"]) or np.isnan(at["precision"]):
            return
        with point.hold_sync():
            point.x, point.y = [at["recall"]], [at["precision"]]

    if is_preview:
        _curves_of(source)
        dials = ["threshold"] if source.has_trait("threshold") else ["score_threshold", "nms_iou"]
        follow(source, [*dials, "class_thresholds", "_frame"], mark)
    else:
        draw()
    marks = [line, point] if is_preview else [line]
    return figure(marks, ("recall", x), ("precision", y), f"{average} average")


def _precision_recall(
    source: Any, average: Average
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    curves = _curves_of(source)
    recall, precision = (curves.metric(name, average).numpy() for name in ("recall", "precision"))
    if isinstance(curves, DetectionCurves):
        chosen = getattr(source, "nms_iou", None)
        nms_iou = curves.best("f1", average=average)[1] if chosen is None else chosen
        stop = curves.settings.nms.nearest(nms_iou)
        recall, precision = recall[stop], precision[stop]
    return recall, precision


def _threshold_curves(source: Any) -> ThresholdCurves:
    curves = _curves_of(source)
    if isinstance(curves, ThresholdCurves):
        return curves
    raise _refuse(source)


def _curves_of(source: Any) -> ThresholdCurves | DetectionCurves:
    """Return curves, or those of a preview."""
    curves = source if isinstance(source, _CURVES) else getattr(source, "curves", None)
    if isinstance(curves, _CURVES):
        return curves
    raise _refuse(source)


_CURVES = (ThresholdCurves, DetectionCurves)


def _refuse(source: Any) -> ValueError:
    return refusal(
        "source",
        expected="curves from a sweep, or a preview that has targets or curves",
        got=describe(source),
        remedy="Pass sweep.compute(), or make the preview with targets=.",
    )
