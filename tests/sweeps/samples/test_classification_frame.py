"""The frame against scikit-learn, and its list of samples against a search."""

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.calibration import calibration_curve

from torchdial.inputs import to_stops
from torchdial.inputs.sample_scores import read_samples
from torchdial.sweeps.samples.classification_frame import ClassificationFrame, measure_samples
from torchdial.sweeps.samples.listed_samples import listed_samples
from torchdial.sweeps.samples.ranking import NUM_POINTS, rank

STOPS = to_stops(101)


def drawn(samples: int, *, ties: bool) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(samples)
    scores = torch.rand(samples, generator=random)
    truth = (torch.rand(samples, generator=random) < scores).to(torch.uint8)
    return (scores * 8).round() / 8 if ties else scores, truth


def frame_of(
    scores: torch.Tensor, targets: torch.Tensor, task: str, **kwargs: int
) -> ClassificationFrame:
    ignore = kwargs.get("ignore_index")
    given = read_samples(scores, targets, task, from_logits=False, ignore_index=ignore)  # type: ignore[arg-type]
    return measure_samples(*given, task, STOPS)  # type: ignore[arg-type]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("samples", [2, 30, 5000])
def test_areas_and_points_are_scikit_learns(samples: int, ties: bool) -> None:
    scores, truth = drawn(samples, ties=ties)
    truth[0], truth[1] = 0, 1
    ranking = rank(scores, truth)
    assert ranking.roc_auc == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    precision = metrics.average_precision_score(truth, scores)
    assert ranking.average_precision == pytest.approx(precision, abs=1e-12)
    fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    positives, negatives = int(truth.sum()), int((truth == 0).sum())
    exact = {*zip((fpr * negatives).round(), (tpr * positives).round(), strict=True)}
    found = [*zip(ranking.fp.tolist(), ranking.tp.tolist(), strict=True)]
    assert {*found} <= exact
    assert len(found) <= NUM_POINTS
    assert found[0] == (0, 0)
    assert found[-1] == (negatives, positives)


def test_areas_without_positives_or_negatives_are_undefined() -> None:
    alone = rank(torch.rand(4), torch.zeros(4, dtype=torch.uint8))
    assert np.isnan(alone.roc_auc)
    assert np.isnan(alone.average_precision)
    ignored = rank(torch.tensor([0.2, 0.9, 0.5]), torch.tensor([0, 1, 255], dtype=torch.uint8))
    assert ignored.roc_auc == 1.0
    assert ignored.fp[-1] == 1


def test_calibration_is_scikit_learns() -> None:
    scores, truth = drawn(4000, ties=False)
    table = frame_of(scores, truth, "binary").tables[0]
    frequency, mean = calibration_curve(truth, scores.double(), n_bins=10)
    # levels 0 and 1 … 10 are p ≤ 0.1, levels 11 … 20 p in (0.1, 0.2]
    edges = [slice(0, 11), *(slice(10 * i + 1, 10 * i + 11) for i in range(1, 10))]
    counts = table.histogram.double()
    ours = [counts[1, e].sum() / counts[:, e].sum() for e in edges]
    np.testing.assert_allclose(ours, frequency, rtol=1e-12)
    means = [table.sums[e].sum() / counts[:, e].sum() for e in edges]
    np.testing.assert_allclose(means, mean, rtol=1e-12)


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_histograms_against_a_loop(task: str) -> None:
    random = torch.Generator().manual_seed(3)
    scores = torch.rand(200, 4, generator=random)
    scores = scores.softmax(1) if task == "multiclass" else scores
    targets = torch.randint(0, 4 if task == "multiclass" else 2, (200, 4), generator=random)
    targets[::7] = -1
    if task != "multilabel":
        targets = targets[:, 0]
    if task == "binary":
        scores = scores[:, 0]
    frame = frame_of(scores, targets, task, ignore_index=-1)
    columns = scores.reshape(200, -1).numpy()
    rows = [*columns.T, *([columns.max(1)] if task == "multiclass" else [])]
    tables = list(frame.tables)
    if task == "multilabel":
        pooled = tables.pop()
        assert pooled.histogram.equal(torch.stack([t.histogram for t in tables]).sum(0))
    for r, (row, table) in enumerate(zip(rows, tables, strict=True)):
        expected = np.zeros((2, 102), int)
        for i, score in enumerate(row):
            label = targets[i, r] if task == "multilabel" else targets[i]
            if label == -1:
                continue
            if task == "multiclass":
                label = label == r if r < 4 else label == columns[i].argmax()
            expected[int(label), (STOPS.tensor().numpy() < score).sum()] += 1
        np.testing.assert_array_equal(table.histogram, expected)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_listed_samples_hold_the_nearest_of_every_stop(count: int, ties: bool) -> None:
    scores, truth = drawn(1000, ties=False)
    scores = (scores * 100).round() / 100 if ties else scores
    stops = to_stops(21).tensor()
    order = scores.argsort(stable=True)
    listed = listed_samples(scores, truth, order, stops, count)
    assert len(listed) == len({*listed.tolist()}) < 2 * count * (2 * 21 + 4)
    values = scores.double()
    for stop in [*stops.tolist(), -1.0, 2.0]:
        for mark in (0, 1):
            for above in (True, False):
                wanted = (truth == mark) & ((scores > stop) == above)
                distances = (values - stop).abs()[wanted].sort().values[:count]
                found = (values - stop).abs()[listed][wanted[listed]].sort().values[:count]
                assert found.equal(distances)
