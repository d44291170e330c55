"""ThresholdSweep over samples: one group however many, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics

from tests.inputs.error_messages import says
from torchdial import ThresholdCurves, ThresholdSweep
from torchdial.inputs.sample_scores import read_samples


def batches(task: str, count: int = 3) -> list[tuple[torch.Tensor, torch.Tensor]]:
    random = torch.Generator().manual_seed(0)
    shape = (40,) if task == "binary" else (40, 3)
    labels = (40,) if task == "multiclass" else shape
    high = 3 if task == "multiclass" else 2
    return [
        (torch.rand(shape, generator=random), torch.randint(0, high, labels, generator=random))
        for _ in range(count)
    ]


def sweep_of(task: Any, parts: list[tuple[Any, Any]]) -> ThresholdSweep:
    sweep = ThresholdSweep(task=task, num_classes=None if task == "binary" else 3, thresholds=11)
    for preds, target in parts:
        sweep.update(preds, target)
    return sweep


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_batches_are_one_group(task: str) -> None:
    parts = batches(task)
    whole = [tuple(torch.cat(column) for column in zip(*parts, strict=True))]
    one, other = sweep_of(task, whole).compute(), sweep_of(task, parts)  # type: ignore[arg-type]
    assert len(other._tallies) == 1
    curves = other.compute()
    assert curves.of_samples
    assert curves.num_images == 1
    assert curves.num_samples == 120
    for name in ("tp", "fp", "fn", "tn"):
        assert getattr(curves, name).equal(getattr(one, name))
    left, right = sweep_of(task, parts[:1]), sweep_of(task, parts[1:])
    left.merge(right)
    assert left.compute().tp.equal(one.tp)
    assert len(left._tallies) == 1
    arrays = [(preds.numpy(), target.numpy()) for preds, target in parts]
    assert sweep_of(task, arrays).compute().fp.equal(one.fp)


def test_counts_are_scikit_learns() -> None:
    preds, target = batches("multiclass", 1)[0]
    curves = sweep_of("multiclass", [(preds, target)]).compute()
    on = (preds > 0.5).numpy()
    expected = metrics.multilabel_confusion_matrix(np.eye(3, dtype=int)[target], on)
    ours = torch.stack([getattr(curves, name)[:, 5] for name in ("tn", "fp", "fn", "tp")], 1)
    np.testing.assert_array_equal(ours.view(3, 2, 2), expected)
    answer = np.where(preds.max(1).values > 0.5, preds.argmax(1), 3)
    matrix = metrics.confusion_matrix(target, answer, labels=range(4))[:3]
    np.testing.assert_array_equal(curves.argmax.confusion(0.5), matrix)  # type: ignore[union-attr]


def test_samples_belong_to_no_image(tmp_path: Path) -> None:
    sweep = sweep_of("binary", batches("binary"))
    curves = sweep.compute()
    message = says("average", "'micro' | 'macro'", "'image'", "Choose")
    for ask in (curves.dice, lambda average: curves.at(0.5, average)):
        with pytest.raises(ValueError, match=message):
            ask("image")
    assert curves.at(0.5)["num_samples"] == 120
    assert repr(curves) == "ThresholdCurves(binary: 120 samples, 1 class, 11 stops)"
    curves.save(tmp_path / "c.npz")
    again = ThresholdCurves.load(tmp_path / "c.npz")
    assert again.of_samples
    assert again.tp.equal(curves.tp)
    with pytest.raises(ValueError, match=says("update", "samples", "images", "of its own")):
        sweep.update(torch.rand(2, 4, 4), torch.zeros(2, 4, 4))
    images = ThresholdSweep(thresholds=11)
    images.update(torch.rand(2, 4, 4), torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match=says("update", "images", "samples", "of its own")):
        images.merge(sweep)


@pytest.mark.parametrize(
    ("task", "scores", "targets", "words"),
    [
        ("binary", torch.rand(4, 2), torch.zeros(4), ("scores", "(N,)", "(4, 2)", "[:, 1]")),
        (
            "binary",
            torch.rand(4, 3),
            torch.zeros(4),
            ("scores", "(N,)", "(4, 3)", "task='multiclass'"),
        ),
        (
            "multiclass",
            torch.rand(4),
            torch.zeros(4),
            ("scores", "(N, C)", "(4,)", "task='binary'"),
        ),
        (
            "multiclass",
            torch.rand(4, 3),
            torch.eye(4, 3),
            ("targets", "(4,)", "(4, 3)", ".argmax(1)"),
        ),
        (
            "multilabel",
            torch.rand(4, 3),
            torch.zeros(4),
            ("targets", "(4, 3)", "(4,)", "this shape"),
        ),
        (
            "binary",
            torch.rand(4),
            [0, 1, 0, 1],
            ("targets", "(4,)", "list", "torch.as_tensor(targets)"),
        ),
        ("binary", torch.rand(4), torch.full((4,), 3), ("targets", "0 … 1", "3", "")),
        (
            "binary",
            -torch.rand(4),
            torch.zeros(4),
            ("scores", "[0, 1]", "values", "from_logits=True"),
        ),
        ("binary", torch.tensor([0.1, np.nan]), torch.zeros(2), ("scores", "finite", "1 of 2", "")),
    ],
)
def test_refusals_name_the_remedy(task: Any, scores: Any, targets: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=says(*words)):
        read_samples(scores, targets, task, from_logits=False, ignore_index=None)
