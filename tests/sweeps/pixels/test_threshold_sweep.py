"""The sweep: its counts against a slow loop, however the images come in batches."""

import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from tests.inputs.error_messages import says
from tests.sweeps.boxes.strategies import batches
from tests.sweeps.pixels import slow_counts as slow
from torchdial import ThresholdCurves, ThresholdSweep
from torchdial.inputs import Stops
from torchdial.sweeps.pixels.pixel_counts import Counts

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
IGNORED = 7


def sweep_of(task: Any, probs: torch.Tensor, stops: Stops, **kwargs: Any) -> ThresholdSweep:
    num_classes = None if task == "binary" else probs.shape[1]
    return ThresholdSweep(
        task=task, num_classes=num_classes, thresholds=stops, ignore_index=IGNORED, **kwargs
    )


def check_counts(counts: Counts, expected: slow.Table) -> None:
    for tensor, name in zip(counts.tensors(), ("tp", "fp", "positives", "negatives"), strict=True):
        assert tensor.dtype == torch.int64
        np.testing.assert_array_equal(tensor, getattr(expected, name), err_msg=name)


def same(one: ThresholdCurves, other: ThresholdCurves) -> bool:
    def tensors(curves: ThresholdCurves | None) -> list[torch.Tensor]:
        if curves is None:
            return []
        joint = [] if curves.joint is None else [curves.joint]
        return [*curves.counts.tensors(), *joint, *tensors(curves.argmax)]

    return all(a.equal(b) for a, b in zip(tensors(one), tensors(other), strict=True))


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
@given(data=st.data())
@settings(max_examples=60)
def test_counts_against_a_loop(task: str, data: st.DataObject) -> None:
    probs, targets, stops = data.draw(batches(task))
    sweep = sweep_of(task, probs, stops)
    sweep.update(probs, targets)
    curves = sweep.compute()
    plain = probs.to(torch.float32).flatten(2).numpy()
    truth = targets.flatten(1 if task == "multiclass" else 2).numpy()
    check_counts(curves.counts, slow.count(plain, truth, stops.values, IGNORED))
    if task == "multiclass":
        assert curves.argmax is not None
        expected = slow.count_argmax(plain, truth, stops.values, IGNORED)
        check_counts(curves.argmax.counts, expected)
    else:
        assert curves.argmax is None


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
@given(data=st.data())
@settings(max_examples=30)
def test_any_split_into_batches_and_any_merge(task: str, data: st.DataObject) -> None:
    probs, targets, stops = data.draw(batches(task))
    whole = sweep_of(task, probs, stops)
    whole.update(probs, targets)
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=4, max_size=4))
    parts = [sweep_of(task, probs, stops) for _ in range(3)]
    for i, (p, t) in enumerate(zip(probs.split(sizes[0]), targets.split(sizes[0]), strict=True)):
        parts[sizes[i] - 1].update(p, t)
    order = data.draw(st.permutations(range(3)))
    merged = sweep_of(task, probs, stops)
    for i in order:
        merged.merge(parts[i])
    one, other = merged.compute(), whole.compute()
    assert one.num_images == other.num_images == len(probs)
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(one, name).equal(getattr(other, name))
    if one.argmax is not None and other.argmax is not None:
        assert one.argmax.tp.equal(other.argmax.tp)
        assert one.joint.equal(other.joint)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_logits_are_probabilities_after_the_function(task: Any, device: str) -> None:
    logits = torch.randn(2, 1 if task == "binary" else 3, 5, 4, device=device)
    target = torch.randint(0, 2, (2, 3, 5, 4) if task == "multilabel" else (2, 5, 4))
    num_classes = None if task == "binary" else 3
    from_logits = ThresholdSweep(task=task, num_classes=num_classes, from_logits=True)
    from_logits.update(logits.requires_grad_(), target)  # targets may lie elsewhere
    sweep = ThresholdSweep(task=task, num_classes=num_classes)
    sweep.update(logits.softmax(1) if task == "multiclass" else logits.sigmoid(), target)
    assert same(from_logits.compute(), sweep.compute())
    assert from_logits.compute().tp.device.type == "cpu"


def test_an_ignored_label_may_be_a_class() -> None:
    probs, labels = torch.rand(2, 3, 4, 4).softmax(1), torch.randint(0, 3, (2, 4, 4))
    sweep = ThresholdSweep(task="multiclass", num_classes=3, ignore_index=0)
    sweep.update(probs, labels)
    curves = sweep.compute()
    assert curves.counts.positives[:, 0].tolist() == [0, 0]
    assert int(curves.joint.sum()) == int((labels != 0).sum())


def test_a_refused_batch_leaves_the_counts() -> None:
    sweep = ThresholdSweep()
    sweep.update(torch.rand(2, 4, 4), torch.ones(2, 4, 4))
    before = sweep.compute()
    with pytest.raises(ValueError, match=says("preds", "[0, 1]", "[2, 2]", "label map")):
        sweep.update(torch.full((2, 4, 4), 2.0), torch.ones(2, 4, 4))
    with pytest.raises(ValueError, match=says("target", "labels 0 … 1", "[2]", "target > 0")):
        sweep.update(torch.rand(2, 4, 4), torch.full((2, 4, 4), 2))
    assert same(sweep.compute(), before)
    sweep.update(torch.rand(1, 4, 4), torch.ones(1, 4, 4))
    assert sweep.compute().num_images == 3
    assert before.num_images == 2


def test_compute_before_update_is_refused() -> None:
    with pytest.raises(ValueError, match=says("compute", "one update", "none", "Call update")):
        ThresholdSweep().compute()


@pytest.mark.parametrize(
    ("other", "expected", "got"),
    [
        pytest.param({"task": "multilabel", "num_classes": 1}, "task='binary'", "'multilabel'"),
        pytest.param({"thresholds": [0.5]}, "thresholds=(0.0, 0.5, 1.0)", "(0.5,)"),
        pytest.param({"ignore_index": 255}, "ignore_index=None", "255"),
        pytest.param({"zero_division": 0.0}, "zero_division=1.0", "0.0"),
    ],
)
def test_merging_other_settings_is_refused(other: Any, expected: str, got: str) -> None:
    with pytest.raises(ValueError, match=says("merge", expected, got, "same arguments")):
        ThresholdSweep(thresholds=3).merge(ThresholdSweep(**{"thresholds": 3, **other}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"zero_division": float("nan")}, {"zero_division": np.nan}, id="NaN is NaN"),
        pytest.param({"ignore_index": 255}, {"ignore_index": np.int64(255)}, id="numpy's number"),
        pytest.param({"thresholds": 3}, {"thresholds": [0, 0.5, 1]}, id="the same stops, given"),
    ],
)
def test_merging_the_same_settings(one: Any, other: Any) -> None:
    sweep = ThresholdSweep(**one)
    sweep.update(torch.rand(4, 4), torch.ones(4, 4))
    another = ThresholdSweep(**other)
    another.merge(sweep)
    assert another.compute().num_images == 1


def test_more_than_two_to_the_31_pixels_are_counted_exactly() -> None:
    start = time.perf_counter()
    probs = torch.rand(1000, 1000)
    sweep = ThresholdSweep(task="multiclass", num_classes=2)
    sweep.update(torch.stack([probs, 1 - probs]), torch.ones(1000, 1000))
    one = sweep.compute()
    for _ in range(12):  # doubles: 4,096 images
        sweep.merge(sweep)
    many = sweep.compute()
    assert many.num_images == 4096
    assert int(many.joint.sum()) == 4_096_000_000 > 2**31
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(many, name).equal(getattr(one, name) * 4096)
    assert many.dice().equal(one.dice())
    assert time.perf_counter() - start < 5


def test_one_joint_table_is_kept_whatever_the_number_of_batches() -> None:
    sweep = ThresholdSweep(task="multiclass", num_classes=20)
    for _ in range(5):
        sweep.update(torch.rand(3, 20, 2, 2).softmax(1), torch.zeros(3, 2, 2))
    assert sum(tally.joint is not None for tally in sweep._tallies[0]) == 1
    assert int(sweep.compute().joint.sum()) == 60


def test_stops_that_were_changed_outside_stay_as_they_are():
    sweep = ThresholdSweep(thresholds=5)
    sweep.update(torch.rand(1, 4, 4), torch.zeros(1, 4, 4))
    sweep.compute().thresholds[0] = 9.0
    again = ThresholdSweep(thresholds=5)
    again.update(torch.rand(1, 4, 4), torch.zeros(1, 4, 4))
    assert again.compute().thresholds.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
