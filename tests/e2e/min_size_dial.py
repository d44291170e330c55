"""Drives the dial of minimum sizes of a preview on a page."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Locator
from skimage.measure import label as label_parts

from tests.e2e.dial import DialOnPage

SIZES = (0, 2, 6, 20)


def without_parts(on: np.ndarray, size: int) -> np.ndarray:
    """Return a mask (H, W) of 255 and 0 without parts of fewer pixels."""
    parts = label_parts(on, connectivity=1)
    return np.where(on & (np.bincount(parts.ravel())[parts] >= size), 255, 0)


def slider(dial: DialOnPage) -> Locator:
    return dial.root.get_by_label("minimum size", exact=True)


def words(dial: DialOnPage) -> Locator:
    return dial.root.locator(".torchdial-size-dial .torchdial-dial-name")


def drag_size(dial: DialOnPage, position: int) -> None:
    """Press on the dial where it stands and move the mouse to a position."""
    box = slider(dial).bounding_box()
    assert box
    at = lambda k: box["x"] + 8 + (box["width"] - 16) * k / (len(SIZES) - 1)  # noqa: E731
    y = box["y"] + box["height"] / 2
    dial.page.mouse.move(at(int(slider(dial).input_value())), y)
    dial.page.mouse.down()
    dial.page.mouse.move(at(position), y, steps=6)
    dial.page.mouse.up()
