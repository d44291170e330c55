"""`segment` against the definition, and against the previews' masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.7, 1.0])
def test_is_the_mask_of_the_preview(device: str, threshold: float) -> None:
    probs = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)).to(device)
    probs[0, 0] = threshold  # exactly on the stop: off
    preview = td.SegmentationPreview(torch.rand(3, 3, 16, 16), probs, threshold=threshold)
    masks = td.segment(probs, **preview.export())
    assert masks.device == probs.device
    for i in range(3):
        np.testing.assert_array_equal(masks[i].cpu().numpy(), preview.mask(i))


@pytest.mark.parametrize("own", [None, [0.2, None, 0.9]], ids=["one threshold", "of each class"])
@pytest.mark.parametrize("shown", [None, 0, 2])
@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
@pytest.mark.parametrize("device", DEVICES)
def test_what_is_exported_gives_the_mask(device: str, task: Any, shown: Any, own: Any) -> None:
    """Of probabilities that are often equal, and often exactly on a threshold."""
    probs = torch.randint(0, 11, (2, 3, 16, 16), generator=torch.Generator().manual_seed(0)) / 10
    probs = probs.to(device)
    preview = td.SegmentationPreview(
        torch.rand(2, 3, 16, 16), probs, task=task, threshold=0.4, class_thresholds=own
    )
    preview.label = shown
    masks = td.segment(probs, **preview.export())
    assert masks.device == probs.device
    for i in range(2):
        np.testing.assert_array_equal(masks[i].cpu().numpy(), preview.mask(i))
        alone = td.segment(probs[i], **preview.export())
        np.testing.assert_array_equal(alone.cpu().numpy(), preview.mask(i))
    assert {0, 255} == set(masks.flatten().tolist())


def test_without_a_task_each_channel_has_its_own_mask() -> None:
    probs = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    masks = td.segment(probs, class_thresholds=[0.2, 0.5, 0.9])
    for c, threshold in enumerate([0.2, 0.5, 0.9]):
        assert masks[:, c].equal(td.segment(probs, threshold)[:, c])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_maps_and_threshold_are_compared_in_float32(dtype: torch.dtype) -> None:
    probs = torch.linspace(0, 1, 1001).to(dtype)
    expected = [255 * int(np.float32(p) > np.float32(0.37)) for p in probs.float().tolist()]
    assert td.segment(probs, 0.37).tolist() == expected


@pytest.mark.parametrize(
    ("probs", "options", "message"),
    [
        pytest.param(torch.tensor([0.1, 3.0]), {}, "Scores of any range", id="scores"),
        pytest.param(torch.tensor([1, 0]), {}, "probs: expected", id="labels"),
        pytest.param(torch.tensor([float("nan")]), {}, "expected finite values", id="NaN"),
        pytest.param(torch.rand(3), {"threshold": 1.5}, "a number in", id="threshold too high"),
        pytest.param(torch.rand(3), {"threshold": "0.5"}, "got str", id="threshold as text"),
        pytest.param(
            torch.rand(1, 2, 4, 4), {"class_thresholds": [0.5]}, "got 1 for a float32", id="too few"
        ),
        pytest.param(
            torch.rand(4, 4), {"task": "multiclass"}, "Leave task and label", id="no channels"
        ),
        pytest.param(torch.rand(2, 4, 4), {"task": "softmax"}, "'multiclass'", id="another task"),
        pytest.param(torch.rand(2, 4, 4), {"label": 2}, "from 0 to 1", id="no such class"),
    ],
)
def test_refuses_with_a_reason(probs: torch.Tensor, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        td.segment(probs, **options)
