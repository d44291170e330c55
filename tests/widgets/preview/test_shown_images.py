"""From a number to the images that it counts: against masks and boxes counted one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

import torchdial as td
from tests.e2e import detections, maps

PROBS = maps.softmax(maps.logits)
NAMES = ["sky", "road", "tree", "car"]


def ordered(counts: Any) -> dict[int, int]:
    """Return what is not zero, the highest first."""
    pairs = [(i, int(n)) for i, n in enumerate(counts) if n]
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def binary(**options: Any) -> td.SegmentationPreview:
    return td.SegmentationPreview(
        maps.images, maps.probs, maps.targets, class_names=["on"], threshold=0.6, **options
    )


def multiclass(targets: Any = maps.labels) -> td.SegmentationPreview:
    return td.SegmentationPreview(
        maps.images,
        PROBS,
        targets,
        task="multiclass",
        class_names=NAMES,
        threshold=0.3,
        class_thresholds={"tree": 0.5},
        ignore_index=255,
    )


def test_cells_of_a_binary_task() -> None:
    preview, on, there = binary(), maps.probs > np.float32(0.6), maps.targets > 0
    sides = {"on": 1, 0: 1, None: 0}
    for truth, true in sides.items():
        for predicted, found in sides.items():
            counts = ((there == true) & (on == found)).sum((1, 2))
            assert preview.images_of(truth, predicted) == ordered(counts), (truth, predicted)
            assert list(preview.images_of(truth, predicted)) == list(ordered(counts))
    assert preview.images_of(predicted="on") == ordered(on.sum((1, 2)))
    assert preview.images_of(truth="on") == ordered(there.sum((1, 2)))


def test_cells_of_a_multiclass_task_and_an_ignored_label() -> None:
    targets = np.where(maps.labels == 1, 255, maps.labels)
    targets[1] = 0
    preview = multiclass(targets)
    found = np.stack([preview.labels(i) for i in range(maps.N)])
    counted = targets != 255
    for predicted, label in {**dict(zip(NAMES, range(4), strict=True)), None: -1}.items():
        for truth in range(4):
            counts = (counted & (targets == truth) & (found == label)).sum((1, 2))
            assert preview.images_of(truth, predicted) == ordered(counts)
        anything = (counted & (found == label)).sum((1, 2))
        assert preview.images_of(predicted=predicted) == ordered(anything)
    assert preview.images_of(truth="road") == {}
    matrix = sum(
        confusion_matrix(targets[i][counted[i]], found[i][counted[i]], labels=[0, 1, 2, 3, -1])
        for i in range(maps.N)
    )
    assert matrix[2, 3] == sum(preview.images_of("tree", "car").values())


def test_one_shown_class_is_counted_against_the_rest() -> None:
    preview = multiclass()
    preview.label = 2
    on, there = PROBS[:, 2] > np.float32(0.5), maps.labels == 2
    assert preview.images_of("tree", None) == ordered((there & ~on).sum((1, 2)))
    assert preview.images_of(None, "tree") == ordered((~there & on).sum((1, 2)))
    with pytest.raises(ValueError, match=r"one class, .* got 'sky' and 'tree'"):
        preview.images_of("sky", None)


def test_classes_of_a_multilabel_task_are_counted_each_against_the_rest() -> None:
    there = np.stack([maps.targets, 1 - maps.targets], 1)
    probs = np.stack([maps.probs, maps.newer], 1)
    preview = td.SegmentationPreview(maps.images, probs, there, task="multilabel", threshold=0.4)
    on = probs > np.float32(0.4)
    assert preview.images_of("class 1", None) == ordered((there[:, 1] & ~on[:, 1]).sum((1, 2)))
    assert preview.images_of("class 0") == ordered(there[:, 0].sum((1, 2)))
    pooled = ((there == 0) & ~on).sum((1, 2, 3))
    assert preview.images_of(None, None) == ordered(pooled)


def test_without_targets_predictions_are_counted() -> None:
    on = maps.probs > np.float32(0.6)
    preview = td.SegmentationPreview(maps.images, maps.probs, class_names=["on"], threshold=0.6)
    assert preview.images_of(predicted="on") == ordered(on.sum((1, 2)))
    assert preview.images_of(predicted=None) == ordered((~on).sum((1, 2)))
    classes = multiclass(targets=None)
    found = np.stack([classes.labels(i) for i in range(maps.N)])
    assert classes.images_of(predicted="car") == ordered((found == 3).sum((1, 2)))
    for ask in (preview.to_pandas, preview.worst, lambda: preview.images_of(truth="on")):
        with pytest.raises(ValueError, match="Pass targets= to the preview"):
            ask()


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.3), (0.0, 0.5), (-1, 0.0), (0.99, 1), (0.5, 2)])
def test_bins_of_the_histogram(low: float, high: float) -> None:
    inside = (maps.probs > np.float32(low)) & (maps.probs <= np.float32(high))
    assert binary().images_between(low, high) == ordered(inside.sum((1, 2)))
    most = PROBS.max(1)
    inside = (most > np.float32(low)) & (most <= np.float32(high))
    preview = multiclass()
    assert preview.images_between(low, high) == ordered(inside.sum((1, 2)))
    preview.label = 3
    inside = (PROBS[:, 3] > np.float32(low)) & (PROBS[:, 3] <= np.float32(high))
    assert preview.images_between(low, high) == ordered(inside.sum((1, 2)))


def test_worst_images_and_the_table_agree_with_scikit_learn() -> None:
    preview = multiclass()
    found = np.stack([preview.labels(i) for i in range(maps.N)])
    own = PROBS[:, 2] > np.float32(0.5)
    tree = [
        precision_recall_fscore_support(maps.labels[i].ravel() == 2, own[i].ravel())[2][1]
        for i in range(maps.N)
    ]
    assert preview.worst(label="tree") == np.argsort(tree, kind="stable").tolist()
    assert preview.worst(1, 2) == [int(np.argmin(tree))]
    table = preview.to_pandas()
    for i in range(maps.N):
        precision, recall, dice, _ = precision_recall_fscore_support(
            maps.labels[i].ravel(), found[i].ravel(), labels=range(4), average="micro"
        )
        assert table.loc[i, ["precision", "recall", "dice"]].tolist() == pytest.approx(
            [precision, recall, dice]
        )
    assert table.index.name == "image"
    assert preview.worst() == table.sort_values("dice", kind="stable").index.tolist()


def test_worst_leaves_out_images_without_the_class_and_puts_undefined_ones_last() -> None:
    probs = np.zeros((4, 2, 2), np.float32)
    targets = np.zeros((4, 2, 2), np.uint8)
    probs[1:3, 0], targets[[2, 3], 0] = 1, 1
    preview = td.SegmentationPreview(np.zeros((4, 2, 2, 3), np.uint8), probs, targets)
    assert preview.worst() == [1, 3, 2]
    assert preview.worst(metric="precision") == [1, 2, 3]
    assert preview.worst(0) == []


def slow_cells(preview: td.DetectionPreview, image: int) -> list[tuple[Any, Any, Any, Any]]:
    """Return (truth, predicted, detection, target) of all that is counted in an image."""
    kept, errors = preview.kept(image), preview.errors(image)
    boxes, labels = detections.truth[image]["boxes"].double(), detections.truth[image]["labels"]
    free = set(range(len(boxes)))
    cells, later = [], []
    for k, (box, label) in enumerate(zip(kept["boxes"].double(), kept["labels"], strict=True)):
        ious = [iou(box, target) for target in boxes]
        index = int(kept["indices"][k])
        if errors["true"][k]:
            best = max((j for j in free if labels[j] == label), key=lambda j: (ious[j], j))
            free.remove(best)
            cells.append((int(label), int(label), index, best))
        else:
            later.append((index, int(label), ious))
    for index, label, ious in later:
        near = [j for j in free if ious[j] >= 0.5 and int(labels[j]) != label]
        best = max(near, key=lambda j: (ious[j], j), default=None)
        if best is not None:
            free.remove(best)
        cells.append((None if best is None else int(labels[best]), label, index, best))
    return cells + [(int(labels[j]), None, None, j) for j in free]


def iou(a: torch.Tensor, b: torch.Tensor) -> float:
    width = (min(a[2], b[2]) - max(a[0], b[0])).clamp(min=0)
    height = (min(a[3], b[3]) - max(a[1], b[1])).clamp(min=0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    return float(width * height / (area(a) + area(b) - width * height))


def test_cells_of_boxes() -> None:
    preview = detections.make(score_threshold=0.1, nms_iou=0.6)
    slow = [slow_cells(preview, image) for image in range(3)]
    sides = [*range(10), None]
    confused = 0
    for truth in [*sides, "any"]:
        for predicted in [*sides, "any"]:
            chosen = [
                [c for c in cells if truth in ("any", c[0]) and predicted in ("any", c[1])]
                for cells in slow
            ]
            expected = ordered([len(cells) for cells in chosen])
            assert preview.images_of(truth, predicted) == expected, (truth, predicted)
            confused += len(expected) if None not in (truth, predicted) else 0
            for image, cells in enumerate(chosen):
                found = preview.boxes_of(image, truth, predicted)
                indices = {c[2] for c in cells if c[2] is not None}
                assert set(found["indices"].tolist()) == indices
                targets = {c[3] for c in cells if c[3] is not None}
                assert set(found["targets"].tolist()) == targets
    assert confused > 10


def test_scores_between_and_the_table_of_boxes() -> None:
    preview = detections.make(score_threshold=0.2, nms_iou=0.5)
    scores = [found["scores"] for found in detections.found]
    inside = [int(((s > 0.3) & (s <= 0.4)).sum()) for s in scores]
    assert preview.images_between(0.3, 0.4) == ordered(inside)
    table = preview.to_pandas()
    for image in range(3):
        errors = preview.errors(image)
        tp, fn = int(errors["true"].sum()), len(errors["missed"])
        kept = len(errors["true"])
        assert table.loc[image, ["kept", "tp", "fp", "fn"]].tolist() == [kept, tp, kept - tp, fn]
        assert table.loc[image, "f1"] == pytest.approx(2 * tp / (kept + tp + fn))
    assert preview.worst(2) == table.sort_values("f1", kind="stable").index.tolist()[:2]
    label = int(detections.truth[0]["labels"][0])
    preview.label = label
    mine = preview.to_pandas()
    preview.label = None
    present = mine.index[mine[["tp", "fp", "fn"]].sum(axis=1) > 0]
    expected = mine.loc[present].sort_values("f1", kind="stable").index.tolist()
    assert preview.worst(label=str(label)) == expected


def test_labels_with_gaps_and_names() -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [10, 10, 18, 18]])
    found = [{"boxes": boxes, "scores": torch.tensor([0.9, 0.8]), "labels": torch.tensor([7, 30])}]
    there = [{"boxes": boxes, "labels": torch.tensor([7, 7])}]
    names = {7: "cat", 30: "dog"}
    preview = td.DetectionPreview(torch.zeros(1, 3, 20, 20), found, there, class_names=names)
    assert preview.images_of("cat", "dog") == preview.images_of(7, 30) == {0: 1}
    assert preview.images_of("dog") == {}
    assert preview.boxes_of(0, 7, 30)["indices"].tolist() == [1]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p: p.images_of("cow"), "truth: expected a class among 'sky'.* got str 'cow'"),
        (lambda p: p.images_of(predicted=4), "predicted: expected a class .* got int 4"),
        (lambda p: p.worst(-1), "n: expected"),
        (lambda p: p.worst(1, 1.5), "label: expected"),
        (lambda p: p.worst(metric="f1"), "metric: expected"),
        (lambda p: p.worst(metric="fp"), "metric: expected"),
        (lambda p: p.images_between(0.5, 0.4), "low: expected less than high"),
        (lambda p: p.images_between(0.5, "a"), "high: expected"),
        (lambda p: p.to_pandas(model=1), "model: expected"),
    ],
)
def test_what_is_refused(ask: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ask(multiclass())


def test_indices_may_be_numpys() -> None:
    preview = multiclass()
    assert preview.images_of(np.int64(1), np.int64(2)) == preview.images_of(1, 2)


@pytest.mark.parametrize("image", [9, 1.5, True, "0"])
def test_an_image_that_is_none_is_refused(image: Any) -> None:
    box = [(torch.tensor([[1.0, 2, 9, 9]]), torch.ones(1))]
    with pytest.raises(ValueError, match="image: expected"):
        td.DetectionPreview(torch.zeros(1, 3, 20, 20), box).kept(image)


@pytest.mark.parametrize("options", [{"image": 3}, {"image": "a"}, {"image": 0, "model": 1}])
def test_a_mask_that_is_none_is_refused(options: dict[str, Any]) -> None:
    name = list(options)[-1]
    with pytest.raises(ValueError, match=f"{name}: expected a whole number from"):
        binary().mask(**options)
    with pytest.raises(ValueError, match=f"{name}: expected a whole number from"):
        multiclass().labels(**options)
    assert np.array_equal(binary().mask(-1), binary().mask(2))


@pytest.mark.parametrize("kind", ["maps", "boxes", "scores"])
def test_a_loader_without_batches_is_refused(kind: str) -> None:
    box = [(torch.tensor([[1.0, 2, 9, 9]]), torch.ones(1))]
    preview = {
        "maps": binary,
        "boxes": lambda: td.DetectionPreview(torch.zeros(1, 3, 20, 20), box),
        "scores": lambda: td.ClassificationPreview(torch.rand(2), torch.tensor([0, 1])),
    }[kind]()
    with pytest.raises(ValueError, match=r"loader: expected at least one batch, got none\."):
        preview.evaluate(iter([]))


def test_of_two_models() -> None:
    newer = td.SegmentationPreview(maps.images, maps.newer, maps.targets, class_names=["on"])
    both = td.compare(binary(), newer)
    assert both.images_of("on", None, model=1) != both.images_of("on", None, model=0)
    newer.threshold = 0.6
    assert both.images_of("on", None, model=1) == newer.images_of("on", None)
