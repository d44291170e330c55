"""The static picture of the detection dials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from torchdial.figures.static.canvas import canvas_for, figure_of
from torchdial.figures.static.printable_names import line
from torchdial.figures.static.segmentation_picture import COLUMNS, DPI, MAX_PICTURES
from torchdial.inputs.tensor_images import CATEGORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

    from torchdial.widgets.preview.detection_dial import DetectionDial

Pixels = npt.NDArray[np.uint8]
LineStyle = Literal["solid", "dashed", "dotted"]

WIDTH_INCHES = 8.0
HIGHEST_INCHES = 8.0  # of the pictures together
MAP_INCHES = 1.9
TITLE_INCHES = 0.35
LEGEND_INCHES = 0.3
GAP = 4  # pixels between pictures
CLASSES_IN_LEGEND = 8
LONGEST_NAME = 12


class Style(NamedTuple):
    """How a kind of box is drawn: told apart without colour, too."""

    color: str
    dashes: LineStyle
    meaning: str


TRUE = Style("#009E73", "solid", "found (TP)")
FALSE = Style("#D55E00", "dashed", "false alarm (FP)")
MISSED = Style("#0072B2", "dotted", "missed (FN)")
IGNORED = Style("#888888", "solid", "ignored")


class Cell(NamedTuple):
    """One picture's place on the sheet."""

    x: int
    y: int
    scale: float
    picture: Pixels


def detection_figure(dial: DetectionDial, ax: Axes | None = None) -> Figure:
    """Return a figure of the first pictures with their boxes and, with targets, of the map of F1.

    It is made without pyplot, so that nobody's current figure changes, and of two axes at most,
    since each costs time whenever a widget is displayed.
    """
    cells, (height, width) = _layout(dial.pictures[:MAX_PICTURES])
    pictures = min(HIGHEST_INCHES, WIDTH_INCHES * height / width)
    below = LEGEND_INCHES + (MAP_INCHES if dial.track is not None else 0.0)
    total = pictures + below + TITLE_INCHES
    figure = canvas_for(ax, WIDTH_INCHES, total, DPI)
    axes = figure.add_axes((0, below / total, 1, pictures / total))
    axes.imshow(_sheet(cells, height, width), interpolation="nearest")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    marks = [(cell, *mark) for i, cell in enumerate(cells) for mark in _marks(dial, i)]
    for cell, style, boxes in marks:
        _draw_boxes(axes, cell, boxes, style)
    used = {style for _, style, _ in marks}
    legend = [style for style in _styles(dial) if style in used]
    _draw_legend(figure, legend, (below - LEGEND_INCHES) / total)
    if dial.track is not None:
        plot = figure.add_axes((0.08, 0.42 / total, 0.9, (MAP_INCHES - 0.75) / total))
        _draw_map(plot, dial)
    own = ", classes with their own" if dial.class_thresholds else ""
    figure.text(
        0.5,
        1 - 0.5 * TITLE_INCHES / total,
        f"score > {dial.score_threshold:.4g}{own}, NMS IoU {dial.nms_iou:.4g}",
        ha="center",
        va="center",
    )
    return figure_of(figure)


def _layout(pictures: tuple[Pixels, ...]) -> tuple[list[Cell], tuple[int, int]]:
    """Return where each picture goes, no larger than it will be printed, and the sheet's size."""
    columns = min(len(pictures), COLUMNS)
    wide = max(picture.shape[1] for picture in pictures)
    high = max(picture.shape[0] for picture in pictures)
    step = max(1, max(wide, high) // round(WIDTH_INCHES / columns * DPI))
    x_step, y_step = -(-wide // step) + GAP, -(-high // step) + GAP
    cells = [
        Cell(i % columns * x_step, i // columns * y_step, 1 / step, picture[::step, ::step])
        for i, picture in enumerate(pictures)
    ]
    return cells, (-(-len(pictures) // columns) * y_step, columns * x_step)


def _sheet(cells: list[Cell], height: int, width: int) -> Pixels:
    sheet = np.full((height, width, 3), 255, np.uint8)
    for x, y, _, picture in cells:
        rgb = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
        sheet[y : y + rgb.shape[0], x : x + rgb.shape[1]] = rgb
    return sheet


def _styles(dial: DetectionDial) -> list[Style]:
    """Return how boxes are drawn: by error, or without targets by class as in the browser."""
    if dial.targets is not None:
        return [TRUE, FALSE, MISSED, IGNORED]
    return [
        Style(category(1 + c), "solid", _plain(n)) for c, n in enumerate(dial.class_names.values())
    ]


def _plain(name: str) -> str:
    """Return a name that matplotlib does not leave out of a legend, as it does _names."""
    return f" {line(name, LONGEST_NAME)}"


def category(index: int) -> str:
    """Return the colour of a category; js/src/lib/core/colors.ts computes the same."""
    again, which = divmod(index, len(CATEGORIES))
    light = min(0.75, 0.35 * again)
    return "#{:02x}{:02x}{:02x}".format(*(round(v + (255 - v) * light) for v in CATEGORIES[which]))


def _marks(dial: DetectionDial, image: int) -> Iterator[tuple[Style, torch.Tensor]]:
    """Yield the boxes over a picture by how they are drawn."""
    kept = dial.kept(image)
    if dial.targets is None:
        chosen = [kept["labels"] == label for label in dial.class_names]
    else:
        errors = dial.errors(image)
        true, ignored = errors["true"], errors["ignored"]
        if len(errors["missed"]):
            yield MISSED, dial.targets[image].boxes.cpu()[errors["missed"]]
        chosen = [true, ~true & ~ignored, torch.zeros_like(true), ignored]
    for style, of_style in zip(_styles(dial), chosen, strict=True):
        if of_style.any():
            yield style, kept["boxes"][of_style]


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


def _draw_map(axes: Axes, dial: DetectionDial) -> None:
    """Draw F1 over both dials, where they stand, and where it would be best."""
    curves, label = dial.track, dial.shown_label
    if curves is None:
        return
    values = curves.metric("f1", dial.average, label).numpy()
    scores, stops = curves.settings.scores.values, curves.settings.nms.values
    axes.pcolormesh(scores, stops, values, shading="nearest", cmap="viridis", vmin=0, vmax=1)
    axes.plot(dial.score_threshold, dial.nms_iou, "o", color="white", markeredgecolor="black")
    here = curves.at(dial.score_threshold, dial.nms_iou, dial.average, label)["f1"]
    name = f"F1 {here:.3f} at ●"
    if not np.isnan(values).all():
        score, stop, best = curves.best("f1", None, dial.average, label)
        axes.plot(score, stop, "*", color="white", markeredgecolor="black", markersize=11)
        name += f", best {best:.3f} at ★"
    axes.set_title(f"{name}, {dial.average} over {curves.num_images:,} images", fontsize=9)
    axes.set(xlabel="score threshold", ylabel="NMS IoU", xlim=(0, 1), ylim=(0, 1))
    axes.tick_params(labelsize=8)
