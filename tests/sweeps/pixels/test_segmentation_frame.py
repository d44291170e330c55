"""What a frame counts of each image, against a count of its planes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from torchdial.inputs import to_stops, to_targets
from torchdial.sweeps.pixels.segmentation_frame import measure_frame

STOPS = to_stops(11)


@pytest.mark.parametrize("targets", ["none", "of all pixels", "some ignored"])
@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_each_pixel_has_a_level_whether_it_is_ignored_or_not(task: Any, targets: str) -> None:
    generator = torch.Generator().manual_seed(0)
    probs = torch.rand((3, 1 if task == "binary" else 4, 9, 7), generator=generator)
    labels = probs.argmax(1) if task == "multiclass" else (probs > 0.6).long()
    if targets == "some ignored":
        labels[..., 2:5, :] = -1
    canonical = to_targets(labels, probs.shape, task, ignore_index=-1)
    batches = [
        (probs[part], None if targets == "none" else canonical[part])
        for part in (slice(0, 2), slice(2, 3))
    ]
    frame = measure_frame(batches, task, STOPS)
    planes = list(frame.levels.transpose(1, 0, 2, 3))
    planes += [] if frame.maximum is None else [frame.maximum]
    expected = [
        [np.bincount(image.ravel(), minlength=len(STOPS) + 1) for image in plane]
        for plane in planes
    ]
    np.testing.assert_array_equal(frame.histograms.transpose(1, 0, 2), expected)
