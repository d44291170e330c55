"""Takes the README's picture: the tour's preview in real JupyterLab in real Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.dial import DialOnPage  # noqa: E402
from tests.e2e.lab import Lab, launch_chromium, opened  # noqa: E402

PICTURE = ROOT / "docs" / "segmentation.png"
CELL = """
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
"""


def main() -> None:
    """Train the tour's model and take the picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab(Path(folder)) as lab,
        sync_playwright() as playwright,
    ):
        browser = launch_chromium(playwright)
        page = browser.new_page(viewport={"width": 1180, "height": 1000})
        with opened(lab, page, "picture", [CELL, "preview"]):
            dial = DialOnPage(page, patience=180)
            dial.root.locator(".torchdial-frame").nth(2).hover()
            expect(dial.root.locator(".torchdial-hovered")).to_contain_text("p ")
            PICTURE.parent.mkdir(exist_ok=True)
            dial.root.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
