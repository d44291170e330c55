"""Trains a model and writes a report of it into a file: no notebook, no network."""

from __future__ import annotations

from os import PathLike

import torch

from torchdial.demo.digit_scenes import digit_scenes
from torchdial.demo.unet import UNet, train_unet


def write_report(path: str | PathLike[str], *, num_scenes: int = 240, epochs: int = 8) -> float:
    """Train a small U-Net to find digits, and write what can be seen of it into one HTML file.

    The defaults take about half a minute on two CPU cores.

    Args:
        path: Where to.
        num_scenes: What to fit, at least 1.
        epochs: Passes over the scenes, at least 1.

    Returns:
        The Dice of held-out scenes at the best threshold, in [0, 1].

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/report.html"
        >>> 0 <= write_report(path, num_scenes=8, epochs=1) <= 1
        True
    """
    import torchdial as td

    held_out = digit_scenes(24, seed=1, split="test")
    torch.manual_seed(0)
    model = UNet()
    optimizer = torch.optim.Adam(model.parameters())
    with td.TrainingMonitor(model, optimizer, budget=0.1, name="U-Net") as monitor:
        train_unet(
            model,
            digit_scenes(num_scenes, seed=0),
            epochs=epochs,
            on_step=lambda _, loss: monitor.log(loss=loss),
            optimizer=optimizer,
        )
        preview = td.SegmentationPreview.from_model(
            model, held_out.images, held_out.masks, from_logits=True, class_names=["ink"]
        )
        threshold, dice = preview.best("dice")
        preview.threshold = threshold
        tree = td.ModelTree(model, held_out.images[:1], monitor=monitor)
        grid = td.ImageGrid(held_out.images, targets=held_out.classes)
    title = "A small U-Net that finds handwritten digits"
    parts = [
        ("Training", monitor, f"{epochs} epochs over {num_scenes} scenes, with Adam."),
        ("Held-out scenes", preview, f"Dice {dice:.3f} at the best threshold."),
        ("The model", tree),
        ("What is to be found", grid),
    ]
    td.save_html(parts, path, title=title)
    return dice
