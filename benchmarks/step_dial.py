"""Bytes and time of the step dial: what kept frames take, and what `keep=` adds to a refresh.

The model is the demo's U-Net, trained a little, as a preview refreshes it in a training loop.
"""

import torch
from _measure import at_most, interleave, median_of_ratios, report

from torchdial import DetectionPreview, SegmentationPreview
from torchdial.demo import DigitDetector, UNet, digit_scenes, train_detector, train_unet
from torchdial.sweeps.refresh_records import NewestFrame
from torchdial.widgets.preview.plane_coding import deflated

BYTES_AIM = 1.1
COST_AIM = 1.1
ROUNDS = 12


def compared(make):
    """Return how much longer a refresh takes with `keep=24`, measured in turns."""
    times = interleave(ROUNDS, kept=make(keep=24).refresh, newest=make(keep=1).refresh)
    return median_of_ratios(times["kept"], times["newest"])


def kept_bytes(preview):
    """Return the bytes of kept frames, as a share of their compressed levels."""
    kept = [one.frame for one in preview._records.kept]
    kept = [frame for frame in kept if not isinstance(frame, NewestFrame)]
    levels = [frame.restore().levels for frame in kept]
    alone = sum(
        len(deflated(plane)) for each in levels for plane in each.reshape(-1, *each.shape[2:])
    )
    return sum(frame.nbytes for frame in kept) / alone


def main():
    torch.manual_seed(0)
    scenes = digit_scenes(48, seed=1)
    model = UNet()
    train_unet(model, scenes, epochs=1)
    results = []
    for count, size in ((12, 96), (8, 256)):
        images = torch.nn.functional.interpolate(scenes.images[:count], size=(size, size))
        masks = torch.nn.functional.interpolate(
            scenes.masks[:count].float().reshape(count, 1, *scenes.images.shape[2:]),
            size=(size, size),
        )[:, 0].long()

        def make(images=images, masks=masks, **options):
            return SegmentationPreview.from_model(model, images, masks, from_logits=True, **options)

        preview = make(keep=24)
        for _ in range(8):
            preview.refresh()
        what = f"{count} × {size}²"
        results.append(
            at_most(f"kept frames, {what}", kept_bytes(preview), BYTES_AIM, "× compressed levels")
        )
        results.append(
            at_most(f"refresh with keep=24, {what}", compared(make), COST_AIM, "× keep=1")
        )
    truth = [
        {"boxes": b, "labels": c} for b, c in zip(scenes.boxes[:8], scenes.labels[:8], strict=True)
    ]
    detector = DigitDetector()
    train_detector(detector, scenes, epochs=2)

    def boxes(**options):
        names = [*"0123456789"]
        images = scenes.images[:8]
        return DetectionPreview.from_model(detector, images, truth, class_names=names, **options)

    results.append(
        at_most("refresh of a detector with keep=24", compared(boxes), COST_AIM, "× keep=1")
    )
    report("step_dial", results)


if __name__ == "__main__":
    main()
