"""The classification preview's values at its dial, against scikit-learn and plain comparisons."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

import torchdial as td
from tests.inputs.error_messages import follow, says

NAMES = ["cat", "dog", "bird"]


def data(task: str, count: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(7)
    logits = torch.randn(count, 3, generator=random)
    noisy = logits + torch.randn(count, 3, generator=random)
    if task == "multiclass":
        return logits, noisy.argmax(1)
    targets = (noisy > 0.5).long()
    return (logits, targets) if task == "multilabel" else (logits[:, 0], targets[:, 0])


def preview_of(task: Any, samples: Any = None, **options: Any) -> td.ClassificationPreview:
    scores, targets = data(task)
    names = NAMES if task != "binary" else None
    return td.ClassificationPreview(
        scores, targets, samples, task=task, from_logits=True, class_names=names, **options
    )


@pytest.mark.parametrize("threshold", [0.0, 0.37, 0.5, 1.0])
def test_binary_metrics_are_scikit_learns(threshold: float) -> None:
    preview = preview_of("binary", threshold=threshold, costs={"fp": 1, "fn": 5})
    scores, targets = data("binary")
    on = (scores.sigmoid() > np.float32(threshold)).long()
    assert (preview.predictions() == on.numpy()).all()
    found = preview.metrics
    tn, fp, fn, tp = metrics.confusion_matrix(targets, on).ravel()
    assert [found[name] for name in ("tn", "fp", "fn", "tp")] == [tn, fp, fn, tp]
    np.testing.assert_array_equal(preview.confusion(), [[tn, fp], [fn, tp]])
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(targets, on))
    assert found["cost"] == pytest.approx((fp + 5 * fn) / 300)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(targets, scores.sigmoid()))


def test_multilabel_metrics_with_thresholds_of_their_own() -> None:
    preview = preview_of("multilabel", class_thresholds={"dog": 0.7}, average="macro")
    scores, targets = data("multilabel")
    on = scores.sigmoid() > torch.tensor([0.5, 0.7, 0.5])
    assert (preview.predictions() == on.numpy()).all()
    found = preview.metrics
    for name in ("precision", "recall", "f1"):
        expected = getattr(metrics, f"{name}_score")(targets, on, average="macro")
        assert found[name] == pytest.approx(expected), name
    pooled = metrics.roc_auc_score(targets, scores.sigmoid(), average="micro")
    assert found["roc_auc"] == pytest.approx(pooled)
    matrices = metrics.multilabel_confusion_matrix(targets, on)
    np.testing.assert_array_equal(preview.confusion(), matrices)
    preview.label = "dog"
    assert preview.label == 1
    assert preview.metrics["recall"] == pytest.approx(metrics.recall_score(targets[:, 1], on[:, 1]))
    np.testing.assert_array_equal(preview.confusion(), matrices[1])


def test_multiclass_abstains_where_the_highest_score_is_low() -> None:
    preview = preview_of("multiclass", threshold=0.6, costs={"error": 1, "abstain": 0.25})
    scores, targets = data("multiclass")
    probs = scores.softmax(1)
    answer = torch.where(probs.amax(1) > np.float32(0.6), probs.argmax(1), -1)
    assert (preview.predictions() == answer.numpy()).all()
    found = preview.metrics
    given = answer >= 0
    right, wrong = (answer == targets).sum(), (given & (answer != targets)).sum()
    assert (found["right"], found["wrong"], found["abstained"]) == (right, wrong, (~given).sum())
    assert found["coverage"] == pytest.approx(float(given.double().mean()))
    expected = metrics.accuracy_score(targets[given], answer[given])
    assert found["selective_accuracy"] == pytest.approx(expected)
    assert found["cost"] == pytest.approx(float(wrong + 0.25 * (~given).sum()) / 300)
    columns = torch.where(given, answer, 3)
    matrix = metrics.confusion_matrix(targets, columns, labels=range(4))[:3]
    np.testing.assert_array_equal(preview.confusion(), matrix)
    assert preview_of("multiclass").metrics["coverage"] == 1.0


def test_a_score_on_the_threshold_is_not_above_it() -> None:
    scores = torch.tensor([[0.5, 0.3, 0.2], [0.51, 0.29, 0.2]])
    preview = td.ClassificationPreview(scores, torch.tensor([0, 0]), task="multiclass")
    preview.threshold = 0.5
    assert preview.predictions().tolist() == [-1, 0]
    assert preview.metrics["abstained"] == 1


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_best_is_the_highest_of_the_dial(task: str) -> None:
    preview = preview_of(task)
    threshold, value = preview.best("f1")
    preview.threshold = threshold
    assert preview.metrics["f1"] == pytest.approx(value)
    every = []
    for stop in np.arange(101) / 100:
        preview.threshold = stop
        every.append(preview.metrics["f1"])
    assert value == pytest.approx(np.nanmax(every))


def test_best_cost_is_the_lowest_and_demands_are_met() -> None:
    preview = preview_of("binary", costs={"fp": 1, "fn": 20})
    lowest = preview.best("cost")
    preview.threshold = lowest.threshold
    assert preview.metrics["cost"] == pytest.approx(lowest.value)
    assert lowest.threshold < preview.best("f1").threshold
    demanded = preview.best("precision", at_least={"recall": 0.9})
    preview.threshold = demanded.threshold
    assert preview.metrics["recall"] >= 0.9
    with pytest.raises(ValueError, match=says("metric", "'f1'", "'cost'", "costs=")):
        preview_of("binary").best("cost")
    with pytest.raises(ValueError, match=says("metric", "'f1'", "'coverage'", "Choose")):
        preview.best("coverage")


@pytest.mark.parametrize(
    ("task", "label"),
    [
        ("binary", None),
        ("multilabel", None),
        ("multilabel", 1),
        ("multiclass", None),
        ("multiclass", 1),
    ],
)
def test_samples_are_listed_by_their_distance(task: str, label: int | None) -> None:
    preview = preview_of(task, threshold=0.45)
    preview.label = label
    scores, targets = data(task)
    threshold = float(np.float32(0.45))
    rows = [label or 0] if label is not None or task == "binary" else [0, 1, 2]
    if task == "multiclass":
        probs, truth = scores.softmax(1).double(), nn.functional.one_hot(targets, 3)
    else:
        probs = scores.sigmoid().double().reshape(300, -1)
        truth = targets.reshape(300, -1)
    if task == "multiclass" and label is None:
        highest, answer = probs.max(1)
        distance = (highest - threshold).abs()
        given = highest > threshold
        errors = (given & (answer != targets), ~given)
    else:
        distance = (probs - threshold).abs()[:, rows].amin(1)
        on, yes = (probs > threshold)[:, rows], truth[:, rows] == 1
        errors = ((on & ~yes).any(1), (~on & yes).any(1))
    views = ("nearest", *preview._views[1:3])
    for view, wanted in zip(views, (torch.ones(300, dtype=torch.bool), *errors), strict=True):
        sign = 1 if view == "nearest" else -1
        among = [i for i in range(300) if wanted[i]]
        expected = sorted(among, key=lambda i: (sign * float(distance[i]), i))
        assert preview.samples_of(view, None) == expected, view
        assert preview.samples_of(view, 3) == expected[:3]


def test_pictures_and_texts() -> None:
    pictures = torch.rand(300, 3, 6, 5)
    preview = preview_of("binary", pictures)
    grid = preview.image_grid("false positives", 4)
    first = preview.samples_of("false positives")[0]
    np.testing.assert_array_equal(
        grid.picture(0).pixels, (pictures[first] * 255).round().byte().movedim(0, -1)
    )
    texts = preview_of("binary", [f"text {i}" for i in range(300)])
    source = texts._frame["sources"][0]
    listed = np.frombuffer(source["listed"], "<u4")
    assert source["texts"] == [f"text {i}" for i in listed]
    with pytest.raises(ValueError, match=says("image_grid", "pictures", "no pictures", "samples")):
        texts.image_grid()
    with pytest.raises(ValueError, match=says("samples", "each of 300", "list", "order")):
        preview_of("binary", ["one"])


class Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gives its one feature as the probability of the positive class."""

    def fit(self, X: Any, y: Any) -> "Scores":  # noqa: N803
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return np.hstack([1 - X, X])


def test_the_line_for_scikit_learn_predicts_the_same() -> None:
    scores = torch.arange(101).double().div(100).float()  # all of them on stops
    targets = (torch.arange(101) > 40).long()
    preview = td.ClassificationPreview(scores, targets, threshold=0.41)
    from sklearn.model_selection import FixedThresholdClassifier  # from 1.5

    names = {"FixedThresholdClassifier": FixedThresholdClassifier, "estimator": Scores()}
    fixed = eval(preview.to_code("sklearn"), names)
    given = scores[:, None].numpy()
    assert (fixed.fit(given, targets).predict(given) == preview.predictions()).all()
    with pytest.raises(ValueError, match=says("library", "'torch'", "binary", "to_code")):
        preview_of("multiclass").to_code("sklearn")


@pytest.mark.parametrize(
    ("task", "own"),
    [
        ("binary", False),
        ("multilabel", False),
        ("multilabel", True),
        ("multiclass", False),
        ("multiclass", True),
    ],
)
def test_the_line_for_torch_predicts_the_same(task: str, own: bool) -> None:
    options: dict[str, Any] = {"class_thresholds": [0.3, 0.5, 0.41]} if own else {"threshold": 0.41}
    preview = preview_of(task, **options)
    names: dict[str, Any] = {"torch": torch, "scores": data(task)[0]}
    exec(preview.to_code(), names)
    found = names["labels"] if task == "multiclass" else names["positive"].long()
    np.testing.assert_array_equal(found, preview.predictions())


def test_from_model_refresh_and_evaluate() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    inputs, targets = torch.randn(50, 4), torch.randint(0, 2, (50,))
    preview = td.ClassificationPreview.from_model(model, inputs, targets, from_logits=True)
    before = preview.metrics
    probs = model(inputs).sigmoid()[:, 0].detach()
    assert before["tp"] == int(((probs > 0.5) & (targets == 1)).sum())
    batches = [(inputs[:20], targets[:20]), (inputs[20:], targets[20:])]
    evaluated = preview.evaluate(batches)
    assert {name: evaluated[name] for name in evaluated} == {
        name: before[name] for name in evaluated
    }
    nn.init.constant_(model.bias, 3)
    assert preview.refresh()
    assert preview.metrics["tp"] > before["tp"]
    nn.init.constant_(model.bias, torch.nan)
    last = preview.metrics
    assert not preview.refresh()
    assert re.search("refused.*finite", preview.notice)
    assert preview.metrics == last
    with pytest.raises(TypeError, match="from_model"):
        preview.refresh(probs)


def test_a_setting_goes_round() -> None:
    preview = preview_of("multilabel", threshold=0.2)
    preview.class_thresholds = [0.1, None, 0.3]
    setting = preview.export()
    assert setting == {"class_thresholds": [0.1, 0.2, 0.3], "task": "multilabel"}
    other = preview_of("multilabel")
    other.apply(str(setting))
    assert other.metrics["tp"] == preview.metrics["tp"]
    assert preview_of("binary", threshold=0.414).export() == {"threshold": 0.41, "task": "binary"}
    with pytest.raises(ValueError, match=says("setting", "threshold |", "min_size", "Paste")):
        other.apply({"threshold": 0.3, "min_size": 25})
    with pytest.raises(Exception, match="view: expected nearest"):
        preview.view = "wrong"


@pytest.mark.parametrize("shape", [(), (299, 3), (300, 2), (300,)])
def test_other_scores_are_refused_as_such(shape: tuple[int, ...]) -> None:
    preview = preview_of("multilabel")
    before = preview.metrics
    assert not preview.refresh(torch.rand(shape))
    assert "scores: expected those of 300 samples and 3 classes, as before" in preview.notice
    assert preview.metrics == before


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_too_many_classes_are_refused_with_lines_that_work(task: Any) -> None:
    scores = torch.rand(9, 300).softmax(1)
    targets = torch.arange(9) if task == "multiclass" else torch.eye(300)[:9]
    with pytest.raises(ValueError, match="scores: expected at most 255 classes") as refused:
        td.ClassificationPreview(scores, targets, task=task)
    lines = re.search(r"such as columns = (.*): pass (.*) and (.*) with", str(refused.value))
    assert lines
    names = {"torch": torch, "scores": scores, "targets": targets, "columns": eval(lines[1])}
    given, labels = (eval(lines[i], names) for i in (2, 3))
    preview = td.ClassificationPreview(given, labels, task="multilabel")
    preview.label = 1
    assert preview.metrics["fn"] == 1  # of the sample whose class is 7


def test_unknown_labels_are_no_pixels() -> None:
    with pytest.raises(ValueError, match=says("targets", "0 … 1", "[2], 1 of 3 labels", "=2")):
        td.ClassificationPreview(torch.rand(3), torch.tensor([0, 1, 2]))


@pytest.mark.parametrize("kind", [list, np.array])
@pytest.mark.parametrize("names", [["b", "a", "b", "b"], ["b", "a", "c", "a"]])
def test_names_as_targets_are_refused_with_a_line_that_works(kind: Any, names: list[str]) -> None:
    scores = torch.rand(4, 3).softmax(1)
    task: Any = "multiclass" if "c" in names else "binary"

    def preview(targets: Any) -> td.ClassificationPreview:
        given = scores if task == "multiclass" else scores[:, 0]
        return td.ClassificationPreview(given, targets, task=task)

    found = follow(preview, kind(names), r"order: (torch.+)\.$", "targets")
    rows = found.confusion().sum(-1)
    assert rows.ravel().tolist() == [names.count(name) for name in sorted(set(names))]


def test_numbers_of_samples() -> None:
    preview = preview_of("multiclass", threshold=0.5)
    scores, targets = data("multiclass")
    answer = preview.predictions()
    cell = preview.images_of("cat", "dog")
    assert {*cell} == {*np.flatnonzero((targets.numpy() == 0) & (answer == 1)).tolist()}
    none = preview.images_of("cat", None)
    assert {*none} == {*np.flatnonzero((targets.numpy() == 0) & (answer == -1)).tolist()}
    table = preview.to_pandas()
    assert table["fp"].sum() == preview.metrics["wrong"]
    worst = preview.worst(1)[0]
    highest = scores.softmax(1).amax(1)
    wrong = scores.argmax(1) != targets
    given = torch.where(wrong, 1 - highest, highest)
    assert given[worst] == given[(answer != targets.numpy()) | (answer >= 0)].min()
    between = preview.images_between(0.4, 0.5)
    assert {*between} == {*np.flatnonzero((highest > 0.4) & (highest <= 0.5)).tolist()}


def test_a_million_scores_send_a_small_page() -> None:
    scores = torch.rand(1_000_000, generator=torch.Generator().manual_seed(0))
    preview = td.ClassificationPreview(scores, (scores > 0.5).long())
    source = preview._frame["sources"][0]
    assert sum(len(part) for part in source.values() if isinstance(part, bytes)) < 200_000
    nearest = preview.samples_of("nearest", 16)
    assert {*nearest} <= {*np.frombuffer(source["listed"], "<u4").tolist()}
