"""A widget's static picture as PNG, drawn with Pillow: to start matplotlib takes 0.6 s."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from torchdial.array_types import Bytes
from torchdial.figures.static.canvas import GAP, NOTE
from torchdial.figures.static.image_sheet import CAPTION_PIXELS, cell_side, cells, picture_sheet
from torchdial.figures.static.printable_names import line
from torchdial.figures.static.segmentation_picture import (
    PICTURE_COLUMNS,
    setting_text,
    side_by_side,
)
from torchdial.inputs.stops import Stops

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Drawing
    from PIL.ImageFont import FreeTypeFont

TEXT, AXES, LINE = (0, 0, 0), (128, 128, 128), (31, 119, 180)
TITLE_PIXELS = 28
SMALL, LARGE = 9, 13  # letters, in pixels
PICTURE_WIDTH = 640  # of the segmentation's pictures, and of the curve below them
CURVE_PIXELS = 88
NOTE_PIXELS = 14
MANY_COLORS = 1 << 14  # only photographs have more


def sheet_png(pictures: Sequence[Bytes], captions: Sequence[str]) -> bytes:
    """Return pictures in rows, uint8 (H, W, C) each, with their captions below."""
    image = Image.fromarray(picture_sheet(pictures)[..., :3])
    draw = ImageDraw.Draw(image)
    width = cell_side(len(pictures)) - GAP
    for (left, _, bottom), caption in zip(cells(len(pictures)), captions, strict=True):
        text = _cut(line(caption), width)
        draw.text((left, bottom - CAPTION_PIXELS / 3), text, TEXT, _font(SMALL), anchor="ls")
    return _png(image)


def segmentation_png(
    overlays: Sequence[Bytes],
    curve: npt.NDArray[np.float64] | None,
    stops: Stops,
    threshold: float,
    *,
    own_thresholds: bool,
) -> bytes:
    """Return images with their masks and, with targets, the Dice curve; see `overlay`."""
    times = max(1, PICTURE_WIDTH // PICTURE_COLUMNS // max(overlays[0].shape[:2]))
    enlarged = [picture.repeat(times, axis=0).repeat(times, axis=1) for picture in overlays]
    sheet = Image.fromarray(side_by_side(enlarged))
    if sheet.width > PICTURE_WIDTH:
        sheet = sheet.resize(
            (PICTURE_WIDTH, round(sheet.height * PICTURE_WIDTH / sheet.width)),
            Image.Resampling.NEAREST,
        )
    below = TITLE_PIXELS + sheet.height
    height = below + (CURVE_PIXELS if curve is not None else 0)
    image = Image.new("RGB", (PICTURE_WIDTH, height), "white")
    image.paste(sheet, ((PICTURE_WIDTH - sheet.width) // 2, TITLE_PIXELS))
    draw = ImageDraw.Draw(image)
    title = setting_text(stops, threshold, own_thresholds=own_thresholds)
    draw.text((PICTURE_WIDTH / 2, TITLE_PIXELS / 2), title, TEXT, _font(LARGE), anchor="mm")
    if curve is not None:
        _draw_curve(draw, curve, stops, threshold, (52, below + 8, PICTURE_WIDTH - 8, height - 24))
    return _png(image)


def _draw_curve(
    draw: Drawing,
    curve: npt.NDArray[np.float64],
    stops: Stops,
    threshold: float,
    box: tuple[int, int, int, int],
) -> None:
    """Draw a metric in [0, 1] over the range of a dial, and where the dial stands."""
    left, top, right, bottom = box
    low, high = stops.range

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - low) / (high - low) * (right - left), bottom - y * (bottom - top)

    points = [place(x, y) for x, y in zip(stops.values, curve.tolist(), strict=True) if y == y]
    draw.rectangle(box, outline=AXES)
    draw.line([place(threshold, 0), place(threshold, 1)], fill=TEXT)
    draw.line(points, fill=LINE, width=2)
    for end in (0, 1):
        draw.text((left - 4, place(low, end)[1]), str(end), TEXT, _font(SMALL), anchor="rm")
    for x, anchor in ((low, "lt"), (high, "rt")):
        draw.text((place(x, 0)[0], bottom + 3), f"{x:.4g}", TEXT, _font(SMALL), anchor=anchor)
    draw.text((left - 16, (top + bottom) / 2), "Dice", TEXT, _font(SMALL), anchor="rm")
    draw.text(((left + right) / 2, bottom + 3), "threshold", TEXT, _font(SMALL), anchor="mt")


def _cut(text: str, width: int) -> str:
    """Return as much of a text as fits."""
    kept = len(text)
    while kept and _font(SMALL).getlength(text[:kept]) > width:
        kept -= 1
    return text[:kept]


def _png(picture: Image.Image) -> bytes:
    """Return a picture with a line below it that says what it is."""
    image = Image.new("RGB", (picture.width, picture.height + NOTE_PIXELS), "white")
    image.paste(picture)
    draw, file = ImageDraw.Draw(image), io.BytesIO()
    draw.text((image.width - 3, image.height - 2), NOTE, AXES, _font(SMALL), anchor="rb")
    if image.getcolors(MANY_COLORS) is None:  # with a palette it has a third of the bytes
        image = image.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(file, "png", compress_level=1)
    return file.getvalue()


@lru_cache
def _font(size: int) -> FreeTypeFont:
    """Return matplotlib's own font, found without importing matplotlib."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ImportError("matplotlib, whose font is used, is not installed")
    font = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(font), size)
