"""The curves: metrics and averages against scikit-learn and exact fractions; best, at, tables."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

from tests.inputs.error_messages import says
from tests.sweeps.pixels import slow_counts as slow
from tests.sweeps.test_metric_formulas import sklearn_metrics
from torchdial import ThresholdCurves, ThresholdSweep
from torchdial.inputs import to_stops
from torchdial.sweeps.metric_formulas import AVERAGES, METRICS
from torchdial.sweeps.pixels.pixel_counts import Counts

STOPS = [0.0, 0.2, 0.35, 0.5, 0.9]


def example(task: Any, seed: int = 0) -> tuple[ThresholdCurves, np.ndarray, np.ndarray]:
    """Return curves with probabilities (N, C, P) and masks (N, C, P) or labels (N, P)."""
    torch.manual_seed(seed)
    num_classes = {"binary": 1, "multilabel": 3, "multiclass": 4}[task]
    probs = torch.rand(5, num_classes, 4, 6)
    if task == "multiclass":
        probs = (probs * 3).softmax(1)
        target = torch.randint(0, num_classes - 1, (5, 4, 6))  # the last class is nowhere
    else:
        target = (probs + 0.5 * torch.randn_like(probs) > 0.6).long()
        target[0] = 0  # an image with nothing there
    sweep = ThresholdSweep(
        task=task, num_classes=None if task == "binary" else num_classes, thresholds=STOPS
    )
    sweep.update(probs, target)
    return sweep.compute(), probs.flatten(2).numpy(), target.flatten(-2).numpy()


def curves_of(tp: Any, fp: Any, positives: Any, negatives: Any, **kwargs: Any) -> ThresholdCurves:
    counts = Counts(*(torch.tensor(t) for t in (tp, fp, positives, negatives)))
    return ThresholdCurves("binary", to_stops(counts.tp.shape[-1]), counts, **kwargs)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_every_metric_as_scikit_learn_has_it(task: str) -> None:
    curves, probs, masks = example(task)
    for k, stop in enumerate(np.float32(STOPS)):
        on = probs > stop
        pooled = sklearn_metrics(masks.ravel(), on.ravel())
        per_image = [sklearn_metrics(masks[i].ravel(), on[i].ravel()) for i in range(5)]
        for metric in METRICS:
            each = curves.metric(metric, average=None)
            assert each.shape == (curves.num_classes, len(STOPS))
            for c in range(curves.num_classes):
                of_class = sklearn_metrics(masks[:, c].ravel(), on[:, c].ravel())[metric]
                assert each[c, k].item() == pytest.approx(of_class, nan_ok=True)
            micro = getattr(curves, metric)()[k].item()
            assert micro == pytest.approx(pooled[metric], nan_ok=True)
            image = curves.metric(metric, "image")[k].item()
            assert image == pytest.approx(np.nanmean([m[metric] for m in per_image]), nan_ok=True)


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_every_average_as_exact_fractions_have_it(task: str) -> None:
    curves, _, _ = example(task)
    for each in filter(None, (curves, curves.argmax)):
        table = slow.Table(*(t.numpy() for t in each.counts.tensors()))
        for metric in METRICS:
            for how in AVERAGES:
                expected = [slow.as_float(v) for v in slow.curve(table, metric, how)]
                np.testing.assert_allclose(each.metric(metric, how), expected, rtol=1e-14)


@pytest.mark.parametrize("average", [*AVERAGES, None])
def test_one_class_by_itself(average: Any) -> None:
    curves, _, _ = example("multilabel")
    alone = curves.for_label(1).metric("iou", average)
    assert alone.shape == ((1, len(STOPS)) if average is None else (len(STOPS),))
    if average != "image":
        assert alone.view(-1).equal(curves.iou(None)[1])
    for index in (-1, 3):
        with pytest.raises(ValueError, match=says("label", "0 to 2", str(index), "from 0")):
            curves.for_label(index)


def test_macro_leaves_out_absent_classes_and_is_nan_if_all_are() -> None:
    curves, _, _ = example("multiclass")
    assert curves.recall(None)[3].isnan().all()
    assert curves.dice("macro").allclose(curves.dice(None)[:3].mean(0))
    assert curves.for_label(3).dice("macro").isnan().all()


@pytest.mark.parametrize(
    ("tp", "best"),
    [
        pytest.param([1, 3, 1, 1, 1], 1, id="a peak"),
        pytest.param([1, 3, 3, 3, 1], 2, id="the middle of a plateau"),
        pytest.param([3, 3, 3, 3, 1], 1, id="the lower middle of an even one"),
        pytest.param([3, 1, 3, 3, 1], 2, id="the longest run"),
        pytest.param([3, 1, 1, 3, 1], 0, id="the first of runs as long"),
        pytest.param([1, 1, 1, 3, 3], 3, id="a plateau that reaches the end"),
        pytest.param([2, 2, 2, 2, 2], 2, id="all the same"),
    ],
)
def test_best_over_a_plateau(tp: list[int], best: int) -> None:
    curves = curves_of([[tp]], [[[0] * 5]], [[4]], [[9]])
    assert curves.best("recall") == (best / 4, max(tp) / 4)


@given(st.data(), st.sampled_from(METRICS), st.sampled_from(AVERAGES))
def test_best_against_exact_fractions(data: st.DataObject, metric: Any, average: Any) -> None:
    """With counts of 0 and 2, so that sums of fractions are exact in floats too."""
    shape = (data.draw(st.integers(1, 2)), 1, data.draw(st.integers(2, 9)))
    counts = st.lists(st.sampled_from([0, 2]), min_size=2 * shape[0] * shape[2])
    tp, fp = np.resize(data.draw(counts), (2, *shape))
    table = slow.Table(tp, fp, np.full(shape[:2], 2), np.full(shape[:2], 2))
    curves = curves_of(table.tp, table.fp, table.positives, table.negatives)
    exact = slow.curve(table, metric, average)
    best = slow.best(exact)
    if best < 0:
        with pytest.raises(ValueError, match=says("best", "defined", "NaN", "hold the class")):
            curves.best(metric, average=average)
        return
    threshold, value = curves.best(metric, average=average)
    assert (threshold, value) == (curves.stops.values[best], pytest.approx(float(exact[best])))


@pytest.mark.parametrize("num_images", [7, 64, 300, 5000])
def test_a_plateau_of_means_is_one_plateau(num_images: int) -> None:
    """`nanmean` sums the columns of a matrix in different orders, so equal ones can differ."""
    torch.manual_seed(num_images)
    tp = torch.randint(1, 100, (num_images, 1, 1)).expand(-1, -1, 101)
    curves = curves_of(tp.tolist(), (tp * 0).tolist(), [[100]] * num_images, [[9]] * num_images)
    assert curves.dice("image").unique().numel() == 1
    assert curves.best("dice", average="image")[0] == 0.5


def test_best_with_demands() -> None:
    curves = curves_of([[[9, 8, 6, 3, 0]]], [[[9, 6, 1, 0, 0]]], [[9]], [[9]])
    assert curves.best("precision") == (0.75, 1.0)
    assert curves.best("precision", at_least={"recall": 0.6}) == (0.5, 6 / 7)
    assert curves.best("precision", at_least={"recall": 8 / 9})[0] == 0.25  # a demand just met
    message = says("best", "{'recall': 0.95, 'precision': 0.9}", "recall 1, precision 1", "less")
    with pytest.raises(ValueError, match=message):
        curves.best(at_least={"recall": 0.95, "precision": 0.9})


def test_what_best_names_as_reachable_can_be_asked_for() -> None:
    curves = curves_of([[[8, 6]]], [[[3, 1]]], [[9]], [[9]])
    with pytest.raises(ValueError, match=r"recall 0\.8888\. Ask for less"):
        curves.best(at_least={"recall": 0.95})
    assert curves.best(at_least={"recall": 0.8888})[0] == 0


def test_best_names_a_demand_that_is_undefined() -> None:
    nothing_there = curves_of([[[0, 0]]], [[[1, 0]]], [[0]], [[9]])
    with pytest.raises(ValueError, match=says("best", "a stop", "recall undefined", "less")):
        nothing_there.best("iou", at_least={"recall": 0.5})
    with pytest.raises(ValueError, match=says("best", "recall to be defined", "NaN", "class")):
        nothing_there.best("recall")
    with pytest.raises(ValueError, match=says("average", "micro", "None", "Choose")):
        nothing_there.best("iou", average=None)


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
@pytest.mark.parametrize("average", AVERAGES)
def test_at_one_threshold_and_at_one_a_class(task: str, average: Any) -> None:
    curves, _, _ = example(task)
    at = curves.at(0.36, average)
    assert at["threshold"] == 0.35
    assert (at["average"], at["num_images"]) == (average, 5)
    assert (at["tp"], at["fn"]) == (int(curves.tp[:, 2].sum()), int(curves.fn[:, 2].sum()))
    for metric in METRICS:
        assert at[metric] == pytest.approx(curves.metric(metric, average)[2].item(), nan_ok=True)
    indices = [4, 1, 3, 2][: curves.num_classes]
    own = curves.at([STOPS[k] + 0.01 for k in indices], average)
    assert own["threshold"] == [STOPS[k] for k in indices]
    table = slow.Table(*(t.numpy() for t in curves.counts.tensors()))
    assert own["fp"] == sum(int(table.fp[:, c, k].sum()) for c, k in enumerate(indices))
    for metric in METRICS:
        expected = slow.as_float(slow.average(table, metric, average, indices))
        assert own[metric] == pytest.approx(expected, nan_ok=True)


def test_at_refuses_another_number_of_thresholds() -> None:
    curves, _, _ = example("multilabel")
    with pytest.raises(ValueError, match=says("threshold", "3 classes", "2 numbers", "one number")):
        curves.at([0.1, 0.2])
    with pytest.raises(ValueError, match=says("threshold", "[0, 1]", "nan", "Percent")):
        curves.at(math.nan)


@pytest.mark.parametrize("indices", [(2, 2, 2, 2), (4, 1, 3, 2)])
def test_confusion_matrices(indices: tuple[int, ...]) -> None:
    thresholds = [STOPS[k] for k in indices]
    curves, probs, masks = example("binary")
    matrix = confusion_matrix(masks.ravel(), (probs > np.float32(thresholds[0])).ravel())
    np.testing.assert_array_equal(curves.confusion(thresholds[0]), matrix)
    curves, probs, masks = example("multilabel")
    on = probs > np.float32(thresholds[:3])[:, None]
    rows = (a.transpose(0, 2, 1).reshape(-1, 3) for a in (masks, on))
    matrix = multilabel_confusion_matrix(*rows)
    np.testing.assert_array_equal(curves.confusion(thresholds[:3]), matrix)
    curves, probs, labels = example("multiclass")
    argmax = probs.argmax(1)
    decided = np.where(probs.max(1) > np.float32(thresholds)[argmax], argmax, 4)
    matrix = confusion_matrix(labels.ravel(), decided.ravel(), labels=range(5))[:4]
    for each in (curves, curves.argmax):
        np.testing.assert_array_equal(each.confusion(thresholds), matrix)


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_calibration_against_a_loop(task: str) -> None:
    curves, probs, masks = example(task)
    calibration = curves.calibration()
    edges = [0.0, *STOPS, 1.0]
    assert calibration.lower.tolist() == edges[:-1]
    assert calibration.upper.tolist() == edges[1:]
    for c in range(curves.num_classes):
        truth = (masks == c if task == "multiclass" else masks[:, c] == 1).ravel()
        bins = np.array([slow.level(p, STOPS) for p in probs[:, c].ravel()])
        error = 0.0
        for b in range(len(edges) - 1):
            inside = truth[bins == b]
            assert calibration.count[c, b].item() == len(inside)
            assert calibration.positives[c, b].item() == inside.sum()
            if len(inside):
                assert calibration.frequency[c, b].item() == inside.mean()
                middle = (edges[b] + edges[b + 1]) / 2
                error += abs(inside.mean() - middle) * len(inside) / len(truth)
            else:
                assert calibration.frequency[c, b].isnan()
        assert calibration.error[c].item() == pytest.approx(error)


def test_the_table_has_a_row_for_each_class_and_stop() -> None:
    curves, _, _ = example("multilabel")
    frame = curves.to_pandas()
    assert list(frame) == ["class", "threshold", "tp", "fp", "fn", "tn", *METRICS]
    assert len(frame) == 3 * len(STOPS)
    row = frame[(frame["class"] == 2) & (frame["threshold"] == 0.35)].iloc[0]
    assert row["fp"] == int(curves.fp[2, 2])
    assert row["recall"] == curves.recall(None)[2, 2].item()


def test_in_words_and_in_stops() -> None:
    curves, _, _ = example("multilabel")
    assert repr(curves) == "ThresholdCurves(multilabel: 5 images, 3 classes, 5 stops)"
    assert repr(curves.for_label(0)) == "ThresholdCurves(binary: 5 images, 1 class, 5 stops)"
    assert curves.thresholds.equal(torch.tensor(STOPS))
