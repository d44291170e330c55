"""The errors view speaks louder about errors than about hits, measured in the browser's pixels."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator
from scipy import ndimage
from skimage import color, data

import torchdial as td
from tests.e2e.boxes import BoxesOnPage
from tests.e2e.dial import DialOnPage
from tests.e2e.page import Show
from torchdial.demo import digit_scenes

pytestmark = pytest.mark.browser

REACH = 12  # CSS pixels around a pixel that are its surround
Scene = tuple[np.ndarray, np.ndarray]


def demo_scene() -> Scene:
    """Return a picture of the demo and where its ink is."""
    scenes = digit_scenes(1, seed=4)
    picture = (255 * scenes.images[0].permute(1, 2, 0)).clamp(0, 255).byte().numpy()
    return picture, scenes.masks[0].numpy() > 0


def bright(picture: np.ndarray, least: float) -> Scene:
    """Return a picture with its bright parts as the target."""
    grey = picture if picture.ndim == 2 else picture.mean(2)
    return picture, ndimage.gaussian_filter(grey.astype(float), 2) > least


SCENES: dict[str, Callable[[], Scene]] = {
    "demo": demo_scene,
    "coins": lambda: bright(data.coins(), 105),
    "camera": lambda: bright(data.camera(), 150),
    "astronaut": lambda: bright(data.astronaut(), 140),
    "chelsea": lambda: bright(data.chelsea(), 130),
}


def moved(target: np.ndarray) -> np.ndarray:
    """Return a map of probabilities that finds most of a target, beside where it is."""
    shift = max(2, target.shape[1] // 60)
    noise = np.random.default_rng(0).normal(size=target.shape)
    blobs = 8 * ndimage.gaussian_filter(noise, target.shape[1] / 20)
    near = ndimage.gaussian_filter(np.roll(target, shift, 1).astype(float), 1)
    return np.clip(near + blobs, 0, 1).astype(np.float32)


def on_screen(root: Locator) -> np.ndarray:
    """Return the picture with what lies over it, in CIELAB."""
    layers = []
    for layer in ("picture", "overlay"):
        canvas = root.locator(f"canvas.torchdial-{layer}").first
        url = canvas.evaluate("canvas => canvas.toDataURL()")
        image = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
        layers.append(np.asarray(image.convert("RGBA")) / 255)
    opacity = root.locator("canvas.torchdial-overlay").first.evaluate(
        "canvas => Number(getComputedStyle(canvas).opacity)"
    )
    below, above = layers
    alpha = above[..., 3:] * opacity
    seen: np.ndarray = color.rgb2lab(above[..., :3] * alpha + below[..., :3] * (1 - alpha))
    return seen


@pytest.mark.parametrize("scene", SCENES)
def test_errors_have_twice_the_contrast_of_hits(show: Show, scene: str) -> None:
    picture, target = SCENES[scene]()
    probs = moved(target)
    shown = picture if picture.ndim == 3 else picture[..., None]
    preview = td.SegmentationPreview(shown[None], probs[None], target[None].astype(np.uint8))
    preview.view = "errors"
    seen = on_screen(DialOnPage(show(preview)).root)
    height, width = seen.shape[:2]
    rows = (np.arange(height) + 0.5) * target.shape[0] / height
    columns = (np.arange(width) + 0.5) * target.shape[1] / width
    at = np.ix_(rows.astype(int), columns.astype(int))
    on, wanted = probs[at] > np.float32(0.5), target[at]
    right = ~on & ~wanted
    near = ndimage.uniform_filter(right.astype(float), 2 * REACH + 1)
    means = [
        ndimage.uniform_filter(np.where(right, seen[..., i], 0), 2 * REACH + 1) for i in range(3)
    ]
    surround = np.stack(means, 2) / np.maximum(near, 1e-9)[..., None]
    measured = near > 0.02  # elsewhere there is no surround
    contrast = np.linalg.norm(seen - surround, axis=2)
    lightness = np.abs(seen[..., 0] - surround[..., 0])
    hits = on & wanted & measured
    for name, errors in {"false alarms": on & ~wanted, "misses": ~on & wanted}.items():
        of = errors & measured
        assert of.sum() > 50, name
        assert contrast[of].mean() > 2 * contrast[hits].mean(), name
        assert lightness[of].mean() > lightness[hits].mean(), f"{name}, without colour"


def test_wrong_and_missed_boxes_have_twice_the_contrast_of_hits(show: Show) -> None:
    corners = torch.tensor([[20 + 120 * (i % 4), 20 + 120 * (i // 4)] for i in range(12)])
    boxes = torch.cat([corners, corners + torch.tensor([70, 80])], 1).float()
    found, there = boxes[:8], boxes[4:]  # four false alarms, four hits, four misses
    preview = td.DetectionPreview(
        data.astronaut()[None],
        [{"boxes": found, "scores": torch.full((8,), 0.9), "labels": torch.zeros(8).long()}],
        [{"boxes": there, "labels": torch.zeros(8).long()}],
        class_names=["a"],
    )
    preview.view = "errors"
    boxes_on_page = BoxesOnPage(show(preview))
    boxes_on_page.root.get_by_label("labels").select_option("off")
    boxes_on_page.settle()
    seen = on_screen(boxes_on_page.root)
    scale = seen.shape[0] / 512
    means = []
    for x1, y1, x2, y2 in (boxes.numpy() * scale).round().astype(int):
        around = seen[max(y1 - 15, 0) : y2 + 15, max(x1 - 15, 0) : x2 + 15]
        rim = np.ones(around.shape[:2], bool)
        rim[13:-13, 13:-13] = False
        surround = around[rim].mean(0)
        means.append(np.linalg.norm(seen[y1:y2, x1:x2] - surround, axis=2).mean())
    false_alarms, hits, misses = np.array(means).reshape(3, 4).mean(1)
    assert false_alarms > 2 * hits
    assert misses > 2 * hits
