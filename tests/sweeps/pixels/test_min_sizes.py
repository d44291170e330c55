"""Minimum sizes: of `segment` and of the sweep, against masks whose small parts are removed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from skimage.measure import label as label_parts

import torchdial as td
from tests.inputs.error_messages import says
from torchdial.inputs.min_sizes import Connectivity

SIZES = (0, 3, 8, 30)
STOPS = 21


def probabilities(task: Any, num_images: int = 3, size: tuple[int, int] = (17, 23)) -> torch.Tensor:
    random = torch.Generator().manual_seed(len(task))
    channels = 1 if task == "binary" else 3
    noise = torch.rand(num_images, channels, *size, generator=random)
    maps = torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)
    maps = (3 * (maps - 0.5) + 0.5).clamp(0, 1)
    return maps.mul(4).softmax(1) if task == "multiclass" else maps


def labels_of(task: Any) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    shape = (3, 3, 17, 23) if task == "multilabel" else (3, 17, 23)
    labels = torch.randint(0, 3 if task == "multiclass" else 2, shape, generator=random)
    labels[..., :4, :5] = 255
    return labels


def kept(on: npt.NDArray[np.bool_], min_size: int, connectivity: int = 4) -> npt.NDArray[np.bool_]:
    """The pixels of a mask (H, W) in parts that are large enough."""
    neighbours = 1 if connectivity == 4 else 2
    parts = label_parts(on, connectivity=neighbours)
    large: npt.NDArray[np.bool_] = on & (np.bincount(parts.ravel())[parts] >= min_size)
    return large


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("min_size", SIZES)
def test_segment_removes_small_parts_of_each_map(min_size: int, connectivity: Connectivity) -> None:
    probs = probabilities("multilabel")
    masks = td.segment(probs, 0.55, min_size=min_size, connectivity=connectivity)
    together = td.segment(
        probs, 0.55, task="multilabel", min_size=min_size, connectivity=connectivity
    )
    for i in range(3):
        each = [
            kept(channel.numpy() > np.float32(0.55), min_size, connectivity) for channel in probs[i]
        ]
        np.testing.assert_array_equal(masks[i].numpy() == 255, each)
        np.testing.assert_array_equal(together[i].numpy() == 255, np.any(each, axis=0))
    one = td.segment(probs, 0.55, label=1, min_size=min_size, connectivity=connectivity)
    assert one.equal(masks[:, 1])


@pytest.mark.parametrize("min_size", SIZES)
def test_segment_of_multiclass_removes_parts_of_one_class(min_size: int) -> None:
    probs, own = probabilities("multiclass"), [0.4, 0.35, 0.5]
    masks = td.segment(probs, class_thresholds=own, task="multiclass", min_size=min_size)
    maximum, argmax = probs.max(1)
    for i in range(3):
        on = [kept(((argmax[i] == c) & (maximum[i] > own[c])).numpy(), min_size) for c in range(3)]
        np.testing.assert_array_equal(masks[i].numpy() == 255, np.any(on, axis=0))


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_the_sweep_counts_what_is_left_at_each_stop(task: Any, connectivity: Connectivity) -> None:
    """Parts are formed before ignored pixels leave the counts."""
    probs, labels = probabilities(task), labels_of(task)
    num_classes = None if task == "binary" else 3
    sweep = td.ThresholdSweep(
        task=task,
        num_classes=num_classes,
        thresholds=STOPS,
        ignore_index=255,
        min_sizes=SIZES,
        connectivity=connectivity,
    )
    sweep.update(probs[:2], labels[:2])
    sweep.update(probs[2:], labels[2:])
    maximum, argmax = probs.max(1)
    for size in SIZES:
        curves = sweep.compute(size)
        for k, threshold in enumerate(curves.thresholds):
            for c in range(probs.shape[1]):
                truth = labels[:, c] if task == "multilabel" else labels
                yes = ((truth == (c if task == "multiclass" else 1)) & (truth != 255)).numpy()
                no = (truth != 255).numpy() & ~yes
                on = np.stack([kept((p[c] > threshold).numpy(), size, connectivity) for p in probs])
                np.testing.assert_array_equal(curves.counts.tp[:, c, k], (on & yes).sum((1, 2)))
                np.testing.assert_array_equal(curves.counts.fp[:, c, k], (on & no).sum((1, 2)))
                if curves.argmax is None:
                    continue
                highest = ((argmax == c) & (maximum > threshold)).numpy()
                on = np.stack([kept(one, size, connectivity) for one in highest])
                table = curves.argmax.counts
                np.testing.assert_array_equal(table.tp[:, c, k], (on & yes).sum((1, 2)))
                np.testing.assert_array_equal(table.fp[:, c, k], (on & no).sum((1, 2)))
                assert (
                    int(curves.confusion(float(threshold))[:, c].sum())
                    == (on & (labels != 255).numpy()).sum()
                )


def test_each_size_has_its_own_best_threshold() -> None:
    """Two specks that are nearly as likely as the one large part."""
    probs = torch.zeros(1, 12, 12)
    probs[0, 2:8, 2:8] = 0.7
    probs[0, 10, 10] = probs[0, 0, 11] = 0.9
    target = (probs == 0.7).long()
    sweep = td.ThresholdSweep(min_sizes=(0, 4))
    sweep.update(probs, target)
    assert sweep.compute().best().value == pytest.approx(72 / 74)
    assert sweep.compute(min_size=4).best().value == 1


def test_merged_sweeps_keep_their_sizes() -> None:
    probs, labels = probabilities("binary"), labels_of("binary")
    parts = [td.ThresholdSweep(min_sizes=SIZES, ignore_index=255) for _ in range(3)]
    parts[0].update(probs, labels)
    parts[1].update(probs[:1], labels[:1])
    parts[2].update(probs[1:], labels[1:])
    parts[1].merge(parts[2])
    for size in SIZES:
        assert parts[0].compute(size).tp.equal(parts[1].compute(size).tp)
    with pytest.raises(ValueError, match=says("merge", "min_sizes=(0,)", "30", "same arguments")):
        td.ThresholdSweep(ignore_index=255).merge(parts[0])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=(25, 100)),
            ("min_sizes", "begin with 0", "25", "(0, 25, 100, 400)"),
            id="no zero",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=(0, 9, 9)),
            ("min_sizes", "increasing", "9", "(0, 25, 100, 400)"),
            id="equal",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=25),
            ("min_sizes", "begin with 0", "25", "(0, 25, 100, 400)"),
            id="a number",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=(0, 2.5)),
            ("min_sizes[1]", "whole number", "2.5", "25"),
            id="a fraction",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(connectivity=6),
            ("connectivity", "4 or 8", "6", "corners"),
            id="other neighbours",
        ),
        pytest.param(
            lambda: td.ThresholdSweep().compute(25),
            ("min_size", "one of (0,)", "25", "min_sizes=(0, 25)"),
            id="another size",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=(0, 5)).update(torch.rand(9), torch.ones(9)),
            ("preds", "height and width", "(9,)", "slices"),
            id="samples",
        ),
        pytest.param(
            lambda: td.ThresholdSweep(min_sizes=(0, 5)).update(
                torch.rand(1, 1, 4, 4, 4), torch.ones(1, 4, 4, 4)
            ),
            ("preds", "height and width", "(1, 1, 4, 4, 4)", "slices"),
            id="volumes",
        ),
        pytest.param(
            lambda: td.segment(torch.rand(9), min_size=-1),
            ("min_size", "from 0", "-1", "25"),
            id="below 0",
        ),
        pytest.param(
            lambda: td.segment(torch.rand(9), min_size=5),
            ("min_size", "map", "(9,)", "height and width"),
            id="no map",
        ),
    ],
)
def test_what_is_refused(act: Any, message: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match=says(*message)):
        act()
