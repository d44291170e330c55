"""Takes the README's moving picture: real widgets in real Chromium, dragged frame by frame.

python scripts/moving_picture.py
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from torch import nn

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import torchdial as td  # noqa: E402
from tests.e2e.lab import launch_chromium  # noqa: E402
from torchdial.demo import (  # noqa: E402
    DigitDetector,
    UNet,
    digit_scenes,
    train_detector,
    train_unet,
)
from torchdial.training.runs import forget_runs  # noqa: E402

OUT = ROOT / "docs" / "torchdial.png"
WIDTH, HEIGHT = 760, 610
COLORS = 128
FRAME_MS, LAST_MS = 160, 1800


def dial() -> td.SegmentationPreview:
    """Return a trained U-Net under the dial."""
    torch.manual_seed(0)
    model = UNet()
    train_unet(model, digit_scenes(240, seed=0))
    scenes = digit_scenes(4, seed=1, split="test")
    return td.SegmentationPreview.from_model(
        model, scenes.images, scenes.masks, from_logits=True, class_names=["ink"], threshold=0.05
    )


def boxes() -> td.DetectionPreview:
    """Return a trained detector under its dials."""
    torch.manual_seed(0)
    model = DigitDetector()
    train_detector(model, digit_scenes(1500, seed=0))
    scenes = digit_scenes(4, seed=1, split="test")
    pairs = zip(scenes.boxes, scenes.labels, strict=True)
    preview = td.DetectionPreview.from_model(
        model,
        scenes.images,
        [{"boxes": boxes, "labels": labels} for boxes, labels in pairs],
        class_names=[str(digit) for digit in range(10)],
        score_threshold=0.4,
        nms_iou=0.95,
    )
    preview.view = "ghosts"
    return preview


def run(steps: int) -> td.TrainingMonitor:
    """Return a run that has come so far; at step 160 a batch holds a NaN."""
    forget_runs()
    torch.manual_seed(0)
    layers = [part for _ in range(3) for part in (nn.Linear(16, 16), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    monitor = td.TrainingMonitor(model, optimizer, budget=1, name="a run")
    for step in monitor.loop(range(1, steps + 1)):
        x = torch.randn(32, 16)
        y = x.view(32, 4, 4).sum(2).argmax(1)
        if step == 160:
            x[3] = float("nan")
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss)
    monitor.close()
    return monitor


def frames(page: Page, folder: Path) -> Iterator[Image.Image]:
    """Yield the frames, in their order."""
    yield from dragged(opened(page, folder, dial()), "threshold", [*range(5, 96, 6)])
    yield from dragged(opened(page, folder, boxes()), "NMS IoU", [*range(95, 34, -5)])
    for steps in (30, 60, 90, 120, 150, 158, 170, 175):
        yield shot(opened(page, folder, td.TrainingPanel(run(steps))))


def opened(page: Page, folder: Path, widget: td.SegmentationPreview) -> Page:
    """Show a widget in the page."""
    file = folder / "widget.html"
    widget.save_html(file)
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-shown]")
    page.wait_for_timeout(500)
    return page


def dragged(page: Page, label: str, stops: list[int]) -> Iterator[Image.Image]:
    """Yield a frame at each stop of a dial, dragged with the mouse."""
    dial = page.locator(f"input[type=range][aria-label*='{label}']").first
    for stop in stops:
        dial.fill(str(stop))
        yield shot(page)


def shot(page: Page) -> Image.Image:
    """Return what the page shows."""
    page.wait_for_timeout(150)
    place = page.locator(".torchdial").first.bounding_box()
    assert place
    clip = {"x": place["x"], "y": place["y"], "width": WIDTH, "height": HEIGHT}
    png = page.screenshot(clip=clip, full_page=True)
    return Image.open(io.BytesIO(png)).convert("RGB")


def with_one_palette(taken: list[Image.Image]) -> list[Image.Image]:
    """Return frames of a byte a pixel, with the colours that all of them need."""
    some = taken[:: len(taken) // 6]
    together = Image.new("RGB", (WIDTH, HEIGHT * len(some)))
    for place, frame in enumerate(some):
        together.paste(frame, (0, HEIGHT * place))
    palette = together.quantize(COLORS)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in taken]


def main() -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        context = browser.new_context(viewport={"width": WIDTH + 32, "height": 900})
        taken = [*frames(context.new_page(), Path(folder))]
        browser.close()
    first, *others = with_one_palette(taken)
    durations = [FRAME_MS] * len(others) + [LAST_MS]
    first.save(OUT, save_all=True, append_images=others, duration=durations, loop=0)
    print(f"{OUT.relative_to(ROOT)}: {len(taken)} frames, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
