"""bqplot figures: what is drawn, and that it follows dials and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.figures import (
    gradient_figure,
    histogram_figure,
    loss_figure,
    operating_map_figure,
    precision_recall_figure,
    threshold_curve_figure,
)
from torchdial.training import History


@pytest.fixture
def preview() -> td.SegmentationPreview:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 2, (2, 16, 16), generator=generator)
    probs = (targets + torch.rand(2, 16, 16, generator=generator)) / 2
    return td.SegmentationPreview(torch.rand(2, 3, 16, 16), probs, targets)


class Watched:
    """What a figure needs of a monitor."""

    def __init__(self) -> None:
        self.history = History()
        self.callbacks: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def publish(self) -> None:
        for callback in list(self.callbacks):
            callback()


def test_the_threshold_curve_is_that_of_the_curves(preview: td.SegmentationPreview) -> None:
    curves = preview.curves
    assert curves is not None
    lines, _names = threshold_curve_figure(curves, ["iou", "recall"]).marks
    np.testing.assert_array_equal(lines.y[0], curves.iou().numpy())
    np.testing.assert_array_equal(lines.y[1], curves.recall().numpy())
    np.testing.assert_array_equal(lines.x, curves.stops.tensor().numpy())


def test_needle_and_lines_follow_a_preview(preview: td.SegmentationPreview) -> None:
    lines, needle = threshold_curve_figure(preview, ["dice"]).marks
    preview.threshold = 0.3
    assert needle.x.tolist() == [0.3, 0.3]
    before = lines.y.copy()
    preview.refresh(torch.rand(2, 16, 16))
    assert not np.array_equal(lines.y, before)
    np.testing.assert_array_equal(np.squeeze(lines.y), preview.curves.dice().numpy())


def test_the_operating_point_lies_on_precision_and_recall(preview: td.SegmentationPreview) -> None:
    line, point = precision_recall_figure(preview).marks
    preview.threshold = 0.6
    at = preview.metrics
    assert (point.x[0], point.y[0]) == (at["recall"], at["precision"])
    assert (at["recall"], at["precision"]) in zip(line.x, line.y, strict=True)
    assert not np.isnan(line.y).any()


def test_detection_curves_are_drawn_where_f1_is_best() -> None:
    sweep = td.DetectionSweep(num_classes=1)
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    found = {"boxes": box, "scores": torch.tensor([0.9, 0.4]), "labels": [0, 0]}
    sweep.update([found], [{"boxes": box[:1], "labels": [0]}])
    curves = sweep.compute()
    (line,) = precision_recall_figure(curves).marks
    assert set(zip(line.x.tolist(), line.y.tolist(), strict=True)) == {(1.0, 0.5), (1.0, 1.0)}


def test_dragging_the_point_of_the_map_moves_the_dials_and_they_move_it() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    found = {"boxes": boxes, "scores": torch.tensor([0.9, 0.4]), "labels": [0, 0]}
    target = {"boxes": boxes[:1], "labels": [0]}
    preview = td.DetectionPreview(torch.rand(1, 3, 32, 32), [found], [target])
    heat, best, point = operating_map_figure(preview).marks
    np.testing.assert_array_equal(heat.color, preview.curves.f1().numpy())
    assert (best.x[0], best.y[0]) == preview.best("f1")[:2]
    # The message that a drag ended comes before the mark's own traits have changed.
    message = {"event": "drag_end", "point": {"x": 0.61, "y": 0.304}, "index": 0}
    point._handle_custom_msgs(point, message)
    assert (preview.score_threshold, preview.nms_iou) == (0.61, 0.3)
    assert (point.x[0], point.y[0]) == (0.61, 0.3)
    preview.nms_iou = 0.8
    assert point.y[0] == 0.8


def test_a_spike_of_one_step_survives_the_thinning() -> None:
    history = History()
    for step in range(20_000):
        history.record(step, {"loss": 50.0 if step == 7_777 else 1.0, "lr": 0.1})
    figure = loss_figure(history)
    (line,) = figure.marks
    assert line.labels == ["loss"]
    assert line.x[line.y.argmax()] == 7_777
    assert len(line.x) < 2_000


def test_a_loss_figure_is_live_and_takes_up_new_scalars() -> None:
    monitor = Watched()
    monitor.history.record(1, {"loss": 2.0})
    figure = loss_figure(monitor)
    monitor.history.record(2, {"loss": 1.0, "val/loss": 1.5})
    monitor.publish()
    first, second, names = figure.marks
    assert [first.labels, second.labels] == [["loss"], ["val/loss"]]
    assert names.text.tolist() == ["loss", "val/loss"]
    assert first.y.tolist() == [2.0, 1.0]


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show() -> None:
    history = History()
    for step, value in enumerate([1.0, 0.0, float("nan"), 0.1]):
        history.record(step, {"loss": value})
    (line,) = loss_figure(history, log=True).marks
    assert line.y.tolist() == [1.0, 0.1]


def test_a_figure_that_is_gone_is_no_longer_drawn() -> None:
    monitor = Watched()
    monitor.history.record(1, {"loss": 2.0})
    figure = loss_figure(monitor)
    assert monitor.callbacks
    figure.marks = []
    for widget in [*figure.axes, figure]:
        widget.close()
    del figure, widget
    monitor.history.record(2, {"loss": 1.0})
    import gc

    gc.collect()
    monitor.publish()
    assert not monitor.callbacks


def test_the_heat_map_holds_the_log_of_the_norms() -> None:
    history = History()
    for step in range(3):
        history.record_layers("grad_norm", ["a", "b"], step, np.float32([10.0**step, 0.0]))
    (heat,) = gradient_figure(history).marks
    np.testing.assert_allclose(heat.color[0], [0, 1, 2])
    assert (heat.color[1] < 0).all()  # below the scale
    assert heat.x.tolist() == [0.5, 1.5, 2.5]  # a cell is a step


def test_the_colors_of_gradients_are_finite_before_the_first_and_later_theirs() -> None:
    monitor = Watched()
    figure = gradient_figure(monitor)
    bar = figure.axes[2].scale
    assert figure.title.endswith("no gradients yet")
    assert np.isfinite([bar.min, bar.max]).all()
    monitor.history.record_layers("grad_norm", ["a", "b"], 1, np.float32([10.0, 0.001]))
    monitor.publish()
    (heat,) = figure.marks
    assert (bar.min, bar.max) == pytest.approx((-3.0, 1.0))
    assert [figure.axes[1].tick_labels[str(i)] for i in range(2)] == ["a", "b"]
    assert np.isfinite(heat.color).all()


@pytest.mark.parametrize(
    ("norm", "color"),
    [
        pytest.param(0.01, "#440154", id="the least"),
        pytest.param(1.0, "#fde725", id="the greatest"),
        pytest.param(0.0, "#808080", id="zero"),
        pytest.param(np.nan, "#d55e00", id="NaN"),
        pytest.param(np.inf, "#d55e00", id="infinite"),
        pytest.param(None, "#00000000", id="none recorded"),
    ],
)
def test_a_cell_has_the_color_of_the_gradient_plot(norm: float | None, color: str) -> None:
    history = History()
    history.record_layers("grad_norm", ["low", "high"], 0, np.float32([0.01, 1.0]))
    if norm is not None:
        history.record_layers("grad_norm", ["low", "high", "new"], 0, np.float32([0.01, 1, norm]))
    else:
        history.record_layers("grad_norm", ["low", "high", "new"], 5, np.float32([0.01, 1, 1]))
    (heat,) = gradient_figure(history).marks
    scale = heat.scales["color"]
    stops = np.linspace(scale.min, scale.max, len(scale.colors))
    at = np.abs(stops - heat.color[2, 0])
    assert at.min() < 1e-9
    assert scale.colors[int(at.argmin())] == color


def test_one_layer_at_one_step_is_a_cell() -> None:
    history = History()
    history.record_layers("grad_norm", ["a"], 3, np.float32([2.0]))
    (heat,) = gradient_figure(history).marks
    np.testing.assert_allclose(heat.color, np.log10(2))
    for middles in (heat.x, heat.y):
        assert np.diff(middles).tolist() == [0.5]


def test_a_legend_is_beside_the_plot_in_the_colors_of_the_lines() -> None:
    figure = histogram_figure({"a": torch.rand(9), "b" * 99: torch.rand(9)})
    first, _second, names = figure.marks
    assert names.x.tolist() == [1, 1]  # the right edge; the offset is beyond it
    assert names.x_offset > 0
    assert not names.apply_clip
    assert figure.fig_margin["right"] > 7 * max(map(len, names.text))
    first.colors = ["#123456"]
    assert names.colors[0] == "#123456"


def test_figures_fill_the_cell() -> None:
    figure = loss_figure(History())
    assert (figure.layout.width, figure.layout.height) == ("100%", "360px")
    assert figure.title.endswith("nothing logged yet")


def test_histograms_have_common_bins_and_shares() -> None:
    values = {"a": torch.tensor([0.0, 0.0, 1.0, 4.0]), "b": torch.tensor([2.0, 2.0])}
    first, second, _names = histogram_figure(values, bins=4).marks
    assert first.x.tolist() == second.x.tolist() == [0, 1, 2, 3, 4]
    assert first.y.tolist() == [0.5, 0.25, 0.0, 0.25, 0.0]
    assert second.y.tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]


def test_histograms_of_a_module() -> None:
    model = nn.Linear(3, 2)
    model(torch.rand(4, 3)).sum().backward()
    figure = histogram_figure(model, "weight", of="gradients", log=True)
    assert [mark.labels for mark in figure.marks] == [["weight"]]
    assert sum(figure.marks[0].y) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: loss_figure([1, 2]), "expected a TrainingMonitor or a History", id="a list"
        ),
        pytest.param(
            lambda: threshold_curve_figure(torch.rand(3)), "expected curves from a sweep", id="map"
        ),
        pytest.param(
            lambda: histogram_figure(nn.Linear(2, 2), "bias", of="gradients"),
            "names among – there are none, got 'bias'",
            id="no gradients yet",
        ),
        pytest.param(
            lambda: histogram_figure({"a": torch.tensor([1.0, float("nan")])}),
            "a: expected finite values, got 1 of 2",
            id="NaN",
        ),
        pytest.param(
            lambda: histogram_figure({str(i): torch.rand(2) for i in range(9)}),
            "at most 8 layers",
            id="more layers than colours",
        ),
    ],
)
def test_refuses_with_a_reason(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
