"""The dial of minimum sizes: masks, numbers, export, steps and files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.inputs.error_messages import says

SIZES = (0, 3, 12)


def make(task: Any = "binary", **options: Any) -> td.SegmentationPreview:
    """Return a preview of smoothed noise, with parts of many sizes."""
    given = {"min_sizes": SIZES, "targets": targets(task), **options}
    images = torch.zeros(3, 1, 20, 24)
    return td.SegmentationPreview(images, probs(task), task=task, **given)


def probs(task: Any, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    noise = torch.rand(3, 1 if task == "binary" else 3, 20, 24, generator=random)
    smooth = torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)
    smooth = (4 * (smooth - 0.5) + 0.5).clamp(0, 1)
    return smooth.mul(4).softmax(1) if task == "multiclass" else smooth


def targets(task: Any) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    shape = (3, 3, 20, 24) if task == "multilabel" else (3, 20, 24)
    return torch.randint(0, 3 if task == "multiclass" else 2, shape, generator=random)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("label", [None, 1])
@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_masks_and_numbers_are_those_of_segment_and_of_the_sweep(
    task: Any, label: Any, connectivity: Any
) -> None:
    preview = make(task, connectivity=connectivity)
    preview.label = None if task == "binary" else label
    sweep = td.ThresholdSweep(
        task=task,
        num_classes=None if task == "binary" else 3,
        min_sizes=SIZES,
        connectivity=connectivity,
    )
    sweep.update(probs(task), targets(task))
    for size in SIZES:
        preview.min_size = size
        curves = sweep.compute(size)
        scope = curves if preview.label is None else curves.for_label(1)
        scope = scope.argmax or scope
        for threshold in (0.3, 0.55):
            preview.threshold = threshold
            masks = td.segment(probs(task), **preview.export())
            for i in range(3):
                np.testing.assert_array_equal(preview.mask(i), masks.view(3, 20, 24)[i])
            assert preview.metrics == scope.at(threshold)
            on = sum(int((preview.mask(i) > 0).sum()) for i in range(3))
            if task != "multilabel" or preview.label is not None:
                assert preview.metrics["tp"] + preview.metrics["fp"] == on
        assert preview.best() == scope.best()
        loader = [(probs(task)[:2], targets(task)[:2]), (probs(task)[2:], targets(task)[2:])]
        assert preview.evaluate(loader) == preview.metrics


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("given", [True, False], ids=["targets", "no targets"])
def test_a_number_leads_to_the_pictures_that_it_counts(task: Any, given: bool) -> None:
    preview = make(task, **({} if given else {"targets": None}), threshold=0.4)
    preview.min_size = 12
    found = [
        preview.labels(i) if task == "multiclass" else np.where(preview.mask(i), 0, -1)
        for i in range(3)
    ]
    counted = preview.images_of(predicted=0)
    assert counted == {i: int((found[i] == 0).sum()) for i in counted}
    assert sum(counted.values()) == sum(int((one == 0).sum()) for one in found) > 0
    if given:
        truth = targets(task).numpy() - (task == "binary")
        missed = preview.images_of(truth=0, predicted=None)
        expected = [int(((truth[i] == 0) & (found[i] == -1)).sum()) for i in range(3)]
        assert [missed.get(i, 0) for i in range(3)] == expected
    between = preview.images_between(0.4, 2)
    assert sum(between.values()) == sum(int((one >= 0).sum()) for one in found)


def test_it_moves_to_the_nearest_size() -> None:
    preview = make()
    for given, size in ((0, 0), (1, 0), (2, 3), (7, 3), (8, 12), (1000, 12), (torch.tensor(3), 3)):
        preview.min_size = given
        assert preview.min_size == size
    assert preview.min_sizes == SIZES
    with pytest.raises(ValueError, match=says("min_size", "from 0", "None", "pixels")):
        preview.min_size = None
    assert preview.min_size == 3


def test_without_sizes_nothing_is_computed_or_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = "torchdial.widgets.preview.segmentation_reader.without_small_parts"
    monkeypatch.setattr(reader, None)
    preview = make(min_sizes=None)
    assert preview._frame["sources"][0]["opened"] == []
    assert not any("@" in tile["key"] for tile in preview._frame["sources"][0]["tiles"])
    assert "min_size" not in preview.export()
    with pytest.raises(ValueError, match=says("min_size", "0 for", "25", "min_sizes=(0, 25")):
        preview.min_size = 25


@pytest.mark.parametrize("as_text", [str, dict])
def test_a_setting_goes_to_another_preview(as_text: Any) -> None:
    first = make(connectivity=8, threshold=0.3)
    first.min_size = 12
    second = make(connectivity=8)
    second.min_size = 3
    second.apply({"threshold": 0.4, "task": "binary"})
    assert second.min_size == 0
    second.apply(as_text(first.export()))
    assert second.export() == first.export()
    assert first.export() == {
        "threshold": 0.3,
        "task": "binary",
        "min_size": 12,
        "connectivity": 8,
    }
    with pytest.raises(ValueError, match=says("setting", "connectivity=4", "8", "Paste")):
        make().apply(first.export())
    with pytest.raises(ValueError, match=says("min_size", "without min_sizes", "12", "Make it")):
        make(min_sizes=None, connectivity=8).apply(first.export())


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_an_earlier_step_has_its_sizes(task: Any) -> None:
    preview = make(task, keep=4)
    for step in range(1, 6):
        assert preview.refresh(probs(task, seed=step), step=step), preview.notice
    preview.min_size = 12
    preview.step = 0
    assert preview.shown_step == 0
    alone = make(task)
    alone.min_size = 12
    np.testing.assert_array_equal(preview.mask(1), alone.mask(1))
    assert preview.metrics == alone.metrics
    page = preview._pack_kept(0, preview._opening)["sources"][0]
    expected = alone._frame["sources"][0]
    assert page["opened"] == expected["opened"]
    found = {tile["key"]: bytes(tile["data"]) for tile in page["tiles"]}
    wanted = {tile["key"]: bytes(tile["data"]) for tile in expected["tiles"]}
    assert found.keys() == wanted.keys()
    assert found == wanted


def test_given_curves_are_of_each_size() -> None:
    sweep = td.ThresholdSweep(min_sizes=SIZES)
    sweep.update(probs("binary", seed=5), targets("binary"))
    preview = make(curves={size: sweep.compute(size) for size in sweep.min_sizes})
    for size in SIZES:
        preview.min_size = size
        assert preview.best() == sweep.compute(size).best()
    with pytest.raises(
        ValueError, match=says("curves", "each of min_sizes", "ThresholdC", "sweep")
    ):
        make(curves=sweep.compute())


def test_a_comparison_shows_all_sizes() -> None:
    first, second = make(), make()
    first.min_size = 12
    both = td.compare(first, second)
    np.testing.assert_array_equal(both.mask(0), second.mask(0))
    assert not any("@" in tile["key"] for tile in both._frame["sources"][0]["tiles"])
