"""Takes the README's pictures: widgets in real JupyterLab in real Chromium.

python scripts/screenshot.py              # all of them
python scripts/screenshot.py training     # one
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.lab import Lab, launch_chromium, opened  # noqa: E402

DOCS = ROOT / "docs"
TIMEOUT_MS = 400_000  # one of them trains a detector

SEGMENTATION = """
import torch
import torchdial as td
from torchdial.demo import UNet, digit_scenes, train_unet

torch.manual_seed(0)
model = UNet()
train_unet(model, digit_scenes(240, seed=0))
scenes = digit_scenes(8, seed=1, split="test")
preview = td.SegmentationPreview.from_model(
    model, scenes.images, scenes.masks, from_logits=True, class_names=["ink"], threshold=0.7
)
preview.view = "errors"
preview
"""
DETECTION = """
import torch
import torchdial as td
from torchdial.demo import DigitDetector, digit_scenes, train_detector

torch.manual_seed(0)
model = DigitDetector()
train_detector(model, digit_scenes(1500, seed=0))
scenes = digit_scenes(6, seed=1, split="test")
targets = [
    {"boxes": boxes, "labels": labels}
    for boxes, labels in zip(scenes.boxes, scenes.labels, strict=True)
]
preview = td.DetectionPreview.from_model(
    model, scenes.images, targets, class_names=[str(digit) for digit in range(10)]
)
preview.score_threshold, preview.nms_iou = 0.4, 0.45
preview.view = "errors"
preview
"""
TRAINING = """
import torch
import torchdial as td
from torchdial.demo import UNet, digit_scenes

torch.manual_seed(0)
scenes = digit_scenes(240, seed=0)
model = UNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
monitor = td.TrainingMonitor(model, optimizer, budget=0.2)
pairs = torch.utils.data.TensorDataset(scenes.images, scenes.masks.float())
loader = torch.utils.data.DataLoader(pairs, batch_size=16, shuffle=True)
for step, (images, masks) in enumerate(monitor.loop(loader, epochs=10), start=1):
    if step == 105:
        optimizer.param_groups[0]["lr"] = 1.0  # a mistake
    logits = model(images)[:, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, masks)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    monitor.log(loss=loss)
monitor.close()
td.TrainingPanel(monitor)
"""


def _hover(root: Locator, number: int) -> None:
    root.locator(".torchdial-frame").nth(number).hover()
    expect(root.locator(".torchdial-hovered")).not_to_be_empty()


def _wait(root: Locator) -> None:
    root.page.wait_for_timeout(1500)


PICTURES: dict[str, tuple[str, Callable[[Locator], None]]] = {
    "segmentation": (SEGMENTATION, lambda root: _hover(root, 2)),
    "detection": (DETECTION, lambda root: _hover(root, 1)),
    "training": (TRAINING, _wait),
}


def main() -> None:
    """Take the named pictures, or all."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab(Path(folder)) as lab,
        sync_playwright() as playwright,
    ):
        browser = launch_chromium(playwright)
        for name in sys.argv[1:] or PICTURES:
            cell, prepare = PICTURES[name]
            page = browser.new_page(viewport={"width": 1180, "height": 1500})
            with opened(lab, page, name, [cell]):
                root = page.locator(".torchdial").first
                expect(root).to_be_visible(timeout=TIMEOUT_MS)
                prepare(root)
                picture = DOCS / f"{name}.png"
                root.screenshot(path=picture)
                print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size / 1000:.0f} kB")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
