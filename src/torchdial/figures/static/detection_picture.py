"""The static picture of the detection dials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.figures.static.canvas import (
    DPI,
    GAP,
    TITLE_INCHES,
    WIDTH_INCHES,
    canvas_for,
    figure_of,
)
from torchdial.figures.static.printable_names import line
from torchdial.figures.static.segmentation_picture import PICTURE_COLUMNS
from torchdial.inputs.images.tensor_images import CATEGORIES
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.metric_formulas import Average

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

LineStyle = Literal["solid", "dashed", "dotted"]

HIGHEST_INCHES = 8.0  # of the pictures together
MAP_INCHES = 1.9
LEGEND_INCHES = 0.3
CLASSES_IN_LEGEND = 8
LONGEST_LEGEND_NAME = 12


class Style(NamedTuple):
    """How a kind of box is drawn; kinds differ without colour, too."""

    color: str
    dashes: LineStyle
    meaning: str


TRUE = Style("#009E73", "solid", "found (TP)")
FALSE = Style("#D55E00", "dashed", "false alarm (FP)")
MISSED = Style("#0072B2", "dotted", "missed (FN)")
IGNORED_BOX = Style("#888888", "solid", "ignored")


ERRORS = [TRUE, FALSE, MISSED, IGNORED_BOX]


class ImageBoxes(NamedTuple):
    """An image, uint8 (H, W, C), and the boxes over it by how they are drawn, each (N, 4)."""

    image: Bytes
    boxes: Sequence[tuple[Style, torch.Tensor]]


class Position(NamedTuple):
    """Where the two dials stand on the map of F1, and what it is computed from."""

    curves: DetectionCurves
    score_threshold: float
    nms_iou: float
    average: Average
    label: int | None


class Cell(NamedTuple):
    """One picture's place on the sheet."""

    x: int
    y: int
    scale: float
    picture: Bytes


def detection_figure(
    images: Sequence[ImageBoxes],
    styles: Sequence[Style],
    position: Position | None,
    title: str,
    ax: Axes | None = None,
) -> Figure:
    """Return a figure of images with their boxes and, with targets, of the map of F1.

    It is made without pyplot, so that no current figure changes, and of few axes, since each costs
    time whenever a widget is displayed.

    Args:
        images: at most `MAX_IMAGES`.
        styles: of the legend, in its order; those in use are shown.
        position: None leaves the map out.
        title: the setting in words.
        ax: see `torchdial.figures.static.canvas.canvas_for`.
    """
    cells, (height, width) = _layout([image for image, _ in images])
    pictures = min(HIGHEST_INCHES, WIDTH_INCHES * height / width)
    below = LEGEND_INCHES + (MAP_INCHES if position is not None else 0.0)
    total = pictures + below + TITLE_INCHES
    figure = canvas_for(ax, WIDTH_INCHES, total, DPI)
    axes = figure.add_axes((0, below / total, 1, pictures / total))
    axes.imshow(_sheet(cells, height, width), interpolation="nearest")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    used = set()
    for cell, (_, marks) in zip(cells, images, strict=True):
        for style, boxes in marks:
            used.add(style)
            _draw_boxes(axes, cell, boxes, style)
    legend = [style for style in styles if style in used]
    _draw_legend(figure, legend, (below - LEGEND_INCHES) / total)
    if position is not None:
        plot = figure.add_axes((0.08, 0.42 / total, 0.9, (MAP_INCHES - 0.75) / total))
        _draw_map(plot, position)
    figure.text(0.5, 1 - 0.5 * TITLE_INCHES / total, title, ha="center", va="center")
    return figure_of(figure)


def class_styles(names: Iterable[str]) -> list[Style]:
    """Return how boxes of each class are drawn, as in the browser."""
    return [Style(category(1 + c), "solid", _plain(name)) for c, name in enumerate(names)]


def boxes_by_class(
    kept: Mapping[str, torch.Tensor], labels: Iterable[int], styles: Sequence[Style]
) -> list[tuple[Style, torch.Tensor]]:
    """Return the kept boxes of an image by class."""
    chosen = ((style, kept["labels"] == label) for style, label in zip(styles, labels, strict=True))
    return [(style, kept["boxes"][of_class]) for style, of_class in chosen if of_class.any()]


def boxes_by_error(
    kept: Mapping[str, torch.Tensor], errors: Mapping[str, torch.Tensor], targets: torch.Tensor
) -> list[tuple[Style, torch.Tensor]]:
    """Return the missed targets of an image, then its kept boxes by what they are.

    Args:
        kept: boxes (N, 4).
        errors: "true" and "ignored" bool (N,), "missed" the positions of targets.
        targets: boxes (M, 4).
    """
    true, ignored = errors["true"], errors["ignored"]
    of_style = ((TRUE, true), (FALSE, ~true & ~ignored), (IGNORED_BOX, ignored))
    found = [(style, kept["boxes"][chosen]) for style, chosen in of_style]
    every = [(MISSED, targets[errors["missed"]]), *found]
    return [(style, boxes) for style, boxes in every if len(boxes)]


def _layout(pictures: Sequence[Bytes]) -> tuple[list[Cell], tuple[int, int]]:
    """Return where each picture goes, no larger than it will be printed, and the sheet's size."""
    columns = min(len(pictures), PICTURE_COLUMNS)
    wide = max(picture.shape[1] for picture in pictures)
    high = max(picture.shape[0] for picture in pictures)
    step = max(1, max(wide, high) // round(WIDTH_INCHES / columns * DPI))
    x_step, y_step = -(-wide // step) + GAP, -(-high // step) + GAP
    cells = [
        Cell(i % columns * x_step, i // columns * y_step, 1 / step, picture[::step, ::step])
        for i, picture in enumerate(pictures)
    ]
    return cells, (-(-len(pictures) // columns) * y_step, columns * x_step)


def _sheet(cells: list[Cell], height: int, width: int) -> Bytes:
    sheet = np.full((height, width, 3), 255, np.uint8)
    for x, y, _, picture in cells:
        rgb = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
        sheet[y : y + rgb.shape[0], x : x + rgb.shape[1]] = rgb
    return sheet


def _plain(name: str) -> str:
    """Return a name that matplotlib does not leave out of a legend, as it does _names."""
    return f" {line(name, LONGEST_LEGEND_NAME)}"


def category(index: int) -> str:
    """Return the colour of a category; js/src/lib/core/colors.ts computes the same."""
    again, which = divmod(index, len(CATEGORIES))
    light = min(0.75, 0.35 * again)
    return "#{:02x}{:02x}{:02x}".format(*(round(v + (255 - v) * light) for v in CATEGORIES[which]))


def _draw_boxes(axes: Axes, cell: Cell, boxes: torch.Tensor, style: Style) -> None:
    from matplotlib.collections import PolyCollection

    x1, y1, x2, y2 = boxes.double().numpy().T * cell.scale - 0.5
    corners = np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 2)
    polygons = list(corners + np.array([cell.x, cell.y]))
    halo: LineStyle = "solid"
    for color, dashes, width in (("#ffffffb0", halo, 3.0), (style.color, style.dashes, 1.5)):
        lines = PolyCollection(
            polygons, facecolors="none", edgecolors=color, linestyles=dashes, linewidths=width
        )
        axes.add_collection(lines, autolim=False)


def _draw_legend(figure: FigureBase, styles: list[Style], bottom: float) -> None:
    from matplotlib.lines import Line2D

    shown = styles[:CLASSES_IN_LEGEND]
    lines = [Line2D([], [], color=s.color, linestyle=s.dashes, label=s.meaning) for s in shown]
    if lines:
        legend = figure.legend(
            handles=lines,
            loc="lower center",
            bbox_to_anchor=(0.5, bottom),
            ncol=len(lines),
            frameon=False,
            fontsize=8,
            borderpad=0.2,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _draw_map(axes: Axes, position: Position) -> None:
    """Draw F1 over both dials, where they stand, and where it would be best."""
    curves, score_threshold, nms_iou, average, label = position
    values = curves.metric("f1", average, label).numpy()
    scores, stops = curves.settings.scores.values, curves.settings.nms.values
    cells = axes.pcolormesh(scores, stops, values, shading="nearest", cmap="viridis")
    bar = axes.figure.colorbar(cells, ax=axes, label="F1", pad=0.015, aspect=8)
    bar.ax.tick_params(labelsize=8)
    axes.plot(score_threshold, nms_iou, "o", color="white", markeredgecolor="black")
    here = curves.at(score_threshold, nms_iou, average, label)["f1"]
    name = f"F1 {here:.3f} at ●"
    if not np.isnan(values).all():
        score, stop, best = curves.best("f1", None, average, label)
        axes.plot(score, stop, "*", color="white", markeredgecolor="black", markersize=11)
        name += f", best {best:.3f} at ★"
    axes.set_title(f"{name}, {average} over {curves.num_images:,} images", fontsize=9)
    axes.set(xlabel="score threshold", ylabel="NMS IoU", xlim=(0, 1), ylim=(0, 1))
    axes.tick_params(labelsize=8)
