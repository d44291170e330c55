"""Colours that figures share with the widgets; js/src/lib/core/colors.ts has the same."""

from __future__ import annotations

from torchdial.inputs.images.tensor_images import CATEGORIES

# Of what has no logarithm, as in js/src/lib/charts/heat_colors.ts.
NOT_FINITE_COLOR = "#d55e00"
ZERO_COLOR = "#808080"
# The categories as lines, as in js/src/lib/charts/line_colors.ts: black, which a dark ground
# hides, and yellow, which a light one does, last.
LINE_ORDER = (5, 6, 3, 7, 1, 2, 0, 4)
LINE_COLORS = tuple("#{:02x}{:02x}{:02x}".format(*CATEGORIES[i]) for i in LINE_ORDER)
# Viridis at eighths.
VIRIDIS = (
    "#440154",
    "#472d7b",
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)
