"""The static picture of the detection dials."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.image import imread

import torchdial as td
from tests.widgets.preview.boxes import scene
from torchdial.figures.static.detection_picture import FALSE, IGNORED_BOX, MISSED, TRUE, category


def outlines(figure: Any) -> dict[str, np.ndarray]:
    """Return the boxes of each colour, x1 y1 x2 y2 on the sheet."""
    found: dict[str, list[np.ndarray]] = {}
    for lines in figure.axes[0].collections:
        assert isinstance(lines, PolyCollection)
        color = to_hex(lines.get_edgecolor()[0])
        corners = [path.vertices[[0, 2]].flatten() for path in lines.get_paths()]
        found.setdefault(color, []).extend(corners)
    return {color: np.array(boxes) for color, boxes in found.items()}


def test_shows_what_is_true_false_and_missed() -> None:
    _, found, targets = scene(6, 1)
    images = torch.rand(1, 3, 200, 200)
    preview = td.DetectionPreview(images, found, targets, score_threshold=0.05)
    drawn = outlines(preview.to_matplotlib())
    kept, errors = preview.kept(0), preview.errors(0)
    true, ignored = errors["true"], errors["ignored"]
    expected = {
        TRUE: kept["boxes"][true],
        FALSE: kept["boxes"][~true & ~ignored],
        IGNORED_BOX: kept["boxes"][ignored],
        MISSED: targets[0]["boxes"][errors["missed"]],
    }
    for style, boxes in expected.items():
        if len(boxes):
            np.testing.assert_allclose(drawn[style.color.lower()], boxes - 0.5, atol=1e-3)
        else:
            assert style.color.lower() not in drawn


def test_without_targets_shows_classes_in_the_browsers_colours() -> None:
    images, found, _ = scene()
    preview = td.DetectionPreview(images, found)
    figure = preview.to_matplotlib()
    drawn = outlines(figure)
    labels = torch.cat([preview.kept(i)["labels"] for i in range(5)])
    for c, label in enumerate([1, 2, 3]):
        assert len(drawn[category(1 + c)]) == int((labels == label).sum())
    assert len(figure.axes) == 1


def test_categories_are_those_of_the_browser() -> None:
    source = Path(__file__).parents[2] / "js/src/lib/core/colors.ts"
    block = source.read_text(encoding="utf-8").split("CATEGORIES: readonly Rgb[] = [")[1]
    numbers = re.findall(r"\[(\d+), (\d+), (\d+)\]", block.split("];")[0])
    base = ["#{:02x}{:02x}{:02x}".format(*map(int, rgb)) for rgb in numbers]
    assert [category(i) for i in range(8)] == base
    assert category(9) != category(1)


def test_map_has_the_point_and_the_best() -> None:
    images, found, targets = scene(6, 4)
    preview = td.DetectionPreview(images, found, targets, score_threshold=0.33, nms_iou=0.4)
    _, plot, bar = preview.to_matplotlib().axes
    assert bar.get_ylabel() == "F1"
    (mesh,) = [c for c in plot.collections if isinstance(c, QuadMesh)]
    f1 = preview.curves.f1().numpy()
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), np.nan).reshape(f1.shape), f1)
    assert mesh.get_clim() == (np.nanmin(f1), np.nanmax(f1))  # as the widget's map
    point, star = plot.lines
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (0.33, 0.4)
    assert (star.get_xdata()[0], star.get_ydata()[0]) == preview.best()[:2]
    assert f"F1 {preview.metrics['f1']:.3f}" in plot.get_title()


@pytest.mark.parametrize(
    "sizes", [[(1, 1)], [(1200, 7)], [(7, 1200), (3, 3)], [(900, 1300)] * 9], ids=str
)
def test_of_any_sizes_fits_on_a_page(sizes: list[tuple[int, int]]) -> None:
    images = [torch.rand(1, *size) for size in sizes]
    found = [([[0.0, 0.0, size[1], size[0] + 1]], [0.5]) for size in sizes]
    figure = td.DetectionPreview(images, found).to_matplotlib()
    assert figure.get_figheight() <= 11
    assert figure.get_figwidth() == 8


@pytest.mark.parametrize("name", ["$x$ {", "_hidden", "a very long name " * 20])
def test_takes_any_class_name(name: str) -> None:
    found = [([[0, 0, 5, 5]], [0.5])]
    preview = td.DetectionPreview(torch.rand(1, 3, 8, 8), found, class_names=[name])
    png = io.BytesIO()
    preview.savefig(png)
    png.seek(0)
    assert imread(png).shape[1] == 640


def test_is_in_the_mime_bundle() -> None:
    data, _ = td.DetectionPreview(*scene())._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_of_nothing_found_shows_the_pictures() -> None:
    empty = {"boxes": [], "scores": [], "labels": []}
    preview = td.DetectionPreview(torch.rand(2, 3, 8, 8), [empty, empty])
    assert outlines(preview.to_matplotlib()) == {}
    nothing = [{"boxes": [], "labels": []}] * 2
    counted = td.DetectionPreview(torch.rand(2, 3, 8, 8), [empty, empty], nothing)
    assert (counted.metrics["f1"], counted.metrics["fn"]) == (1.0, 0)
    assert len(counted.to_matplotlib().axes) == 3
