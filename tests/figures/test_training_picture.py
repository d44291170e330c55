"""The static pictures of a run, read pixel by pixel."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from torchdial.figures.gradient_grid import MISSING, to_grid
from torchdial.figures.static.gradient_picture import gradients_figure
from torchdial.figures.static.loss_picture import curves_figure
from torchdial.training import History
from torchdial.training.shown_run import ShownRun

VERMILION, GREY, BLUE = (213, 94, 0), (128, 128, 128), (0, 114, 178)

CELL = 500  # pixels of a cell in a small picture; the edges of letters are grey, too


def pixels(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    return np.rint(255 * plt.imread(buffer)[..., :3]).astype(int)


def has(figure: Figure, color: tuple[int, int, int], least: int = 1) -> bool:
    found = (abs(pixels(figure) - color) <= 2).all(axis=2)
    return bool(found.sum() >= least)


def heat(norms: Any, steps: Any = None) -> History:
    history = History("run 1")
    for k, column in enumerate(np.transpose(norms)):
        names = [f"layer{i}" for i in range(len(column))]
        history.record_layers("grad_norm", names, k if steps is None else steps[k], column)
    return history


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_bad_norm_in_a_long_run_is_seen(bad: float) -> None:
    norms = np.ones((60, 1000))
    assert not has(gradients_figure(heat(norms)), VERMILION)
    norms[17, 613] = bad
    assert has(gradients_figure(heat(norms)), VERMILION)


def test_zero_is_distinguished_from_what_was_not_recorded() -> None:
    history = heat(np.ones((2, 3)))
    assert not has(gradients_figure(history), GREY, CELL)
    history.record_layers("grad_norm", ["layer0"], 3, [1.0])  # layer1 has none
    assert not has(gradients_figure(history), GREY, CELL)
    history.record_layers("grad_norm", ["layer0", "layer1"], 4, [1.0, 0.0])
    assert has(gradients_figure(history), GREY, CELL)


@pytest.mark.parametrize(
    ("norms", "steps", "grid"),
    [
        pytest.param([[1, 2, 3]], [0, 1, 2], [[1, 2, 3]], id="one cell a step"),
        pytest.param([[1, 5, 3, 2]], [0, 1, 2, 3], [[5, 3]], id="two steps a cell"),
        pytest.param([[1, 2]], [0, 99], [[1, 2]], id="far apart"),
        pytest.param([[3, 1, 2]], [2, 0, 1], [[2, 3]], id="out of order"),
        pytest.param([[4]], [7], [[4]], id="one step"),
        pytest.param([[1, math.nan, 9]], [0, 1, 2], [[math.nan, 9]], id="one that is none"),
        pytest.param([[-1, -1], [-1, 0]], [0, 1], [[-1, -1], [-1, 0]], id="missing and zero"),
        pytest.param([[1], [7], [3], [4]], [0], [[1], [7], [4]], id="more layers than rows"),
    ],
)
def test_a_cell_is_the_highest_of_its_steps_and_layers(norms: Any, steps: Any, grid: Any) -> None:
    width = 2 if len(grid[0]) == 2 else 3
    found = to_grid(np.float32(norms), np.array(steps), width, height=3)
    np.testing.assert_array_equal(found, np.float32(grid))
    assert MISSING == -1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_loss_is_marked(bad: float) -> None:
    history = History("run 1")
    for step in range(10_000):
        history.record(step, {"loss": 1.0})
    figure = curves_figure([ShownRun(history, "run 1")])
    assert not has(figure, VERMILION)
    assert has(figure, BLUE)
    history.record(5_000, {"loss": bad})
    assert has(curves_figure([ShownRun(history, "run 1")]), VERMILION)


def test_a_spike_of_one_step_reaches_its_height() -> None:
    history = History("run 1")
    for step in range(50_000):
        history.record(step, {"loss": 9.0 if step == 31_416 else 1.0})
    line = curves_figure([ShownRun(history, "run 1")]).axes[0].lines[0]
    assert (31_416, 9.0) in zip(line.get_xdata(), line.get_ydata(), strict=True)


@pytest.mark.parametrize("draw", [gradients_figure, lambda h: curves_figure([ShownRun(h, h.name)])])
def test_a_run_without_anything_and_odd_names_are_drawn(draw: Any) -> None:
    before = plt.get_fignums()
    pixels(draw(History("nothing $yet_")))
    history = History("<b>$x$")
    history.record(1, {"_hidden $a": 0.5, "loss/": math.nan})
    history.record_layers("grad_norm", ["$w$_", ""], 1, [0.0, math.nan])
    pixels(draw(history))
    assert plt.get_fignums() == before
