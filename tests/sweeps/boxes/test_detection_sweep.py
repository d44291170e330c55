"""The detection sweep: counts at any position against slow NMS and slow matching, and its API."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from tests.sweeps.boxes import coco
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_setting import choose
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.npz_archive import read_archive, write_archive

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
METRICS = ("precision", "recall", "f1")
FORMAT = "torchdial.DetectionCurves/1"


def sweep_of(detections: Any, targets: Any, **how: Any) -> DetectionSweep:
    sweep = DetectionSweep(**{"num_classes": coco.CLASSES} | how)
    sweep.update(detections, targets)
    return sweep


def curves_of(detections: Any, targets: Any, **how: Any) -> DetectionCurves:
    return sweep_of(detections, targets, **how).compute()


def same(one: DetectionCurves, other: DetectionCurves) -> bool:
    tensors = zip(one.tally.tensors().values(), other.tally.tensors().values(), strict=True)
    equal = all(a.equal(b) and a.dtype == b.dtype for a, b in tensors)
    return equal and one.settings == other.settings and one.tp.equal(other.tp)


HOW = [
    {},
    {"max_det": 5},
    {"match_iou": 0.3},
    {"match_iou": 0.9, "class_agnostic": True},
    {"class_agnostic": True, "max_det": 3},
]


@pytest.mark.parametrize("how", HOW, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_counts_at_random_stops(how: Any, seed: int) -> None:
    """The reference filters by score before NMS, the sweep after: the order does not matter."""
    detections, targets = coco.scenes(6, seed)
    curves = curves_of(detections, targets, **how)
    rng = np.random.default_rng(seed)
    for row, column in rng.integers(0, 101, (4, 2)).tolist():
        score, stop = column / 100, row / 100
        table = slow(detections, targets, score, stop, how)
        for i, name in enumerate(("tp", "fp", "fn")):
            got = getattr(curves, name)
            assert got.dtype == torch.int64
            np.testing.assert_array_equal(got[:, row, column], table.sum(0)[:, i], err_msg=name)
        for metric in METRICS:
            for average in ("micro", "macro", "image"):
                got = curves.metric(metric, average)[row, column]
                expected = coco.average(table, metric, average)
                np.testing.assert_allclose(got, expected, rtol=1e-12)


def slow(detections: Any, targets: Any, score: Any, stop: float, how: Any) -> np.ndarray:
    return coco.counts(
        detections,
        targets,
        score,
        stop,
        how.get("match_iou", 0.5),
        how.get("max_det", 300),
        how.get("class_agnostic", False),
    )


@pytest.mark.parametrize("how", HOW, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_any_score_between_the_stops_and_any_for_each_class(how: Any, seed: int) -> None:
    """Class thresholds act after NMS and before max_det."""
    detections, targets = coco.scenes(6, seed + 50)
    curves = curves_of(detections, targets, **how, score_thresholds=2)
    rng = np.random.default_rng(seed)
    on_a_score = float(detections[1]["scores"][0]) if len(detections[1]["scores"]) else 0.5
    each = rng.random(coco.CLASSES).tolist()
    for score in (float(rng.random()), on_a_score, each):
        row = int(rng.integers(0, 101))
        table = slow(detections, targets, score, row / 100, how)
        tp, fp, fn = table.sum((0, 1)).tolist()
        for average in ("micro", "macro", "image"):
            got = curves.at(score, row / 100 - 0.003 * (row > 0), average)
            assert got["nms_iou"] == row / 100
            assert got["score_threshold"] == score
            assert (got["tp"], got["fp"], got["fn"]) == (tp, fp, fn)
            assert (got["average"], got["num_images"]) == (average, 6)
            for metric in METRICS:
                expected = coco.average(table, metric, average)
                np.testing.assert_allclose(got[metric], expected, rtol=1e-12)
        for label in range(coco.CLASSES):
            got = curves.at(score, row / 100, label=label)
            assert [got["tp"], got["fp"], got["fn"]] == table.sum(0)[label].tolist()


def test_at_a_stop_is_the_curve() -> None:
    curves = curves_of(*coco.scenes(6, 3), max_det=7)
    for row, column in ((0, 0), (50, 25), (100, 99), (30, 70)):
        got = curves.at(column / 100, row / 100)
        assert got["tp"] == curves.tp.sum(0)[row, column]
        assert got["f1"] == curves.f1()[row, column]
        for label in range(coco.CLASSES):
            value = curves.at(column / 100, row / 100, label=label)["recall"]
            np.testing.assert_array_equal(value, curves.recall(None)[label, row, column])
            table = curves.metric("recall", label=label)
            np.testing.assert_array_equal(table, curves.recall(None)[label])


@pytest.mark.parametrize("seed", range(6))
def test_any_split_into_batches_and_any_merge(seed: int) -> None:
    detections, targets = coco.scenes(9, seed)
    whole = curves_of(detections, targets)
    parts = [DetectionSweep(num_classes=coco.CLASSES) for _ in range(3)]
    cuts = sorted(np.random.default_rng(seed).integers(0, 10, 2).tolist())
    for part, start, end in zip(parts, [0, *cuts], [*cuts, 9], strict=True):
        for i in range(start, end):
            part.update(detections[i : i + 1], targets[i : i + 1])
    merged = DetectionSweep(num_classes=coco.CLASSES)
    for part in parts:
        merged.merge(part)
    assert same(merged.compute(), whole)
    shuffled = DetectionSweep(num_classes=coco.CLASSES)
    for part in reversed(parts):
        shuffled.merge(part)
    for name in ("tp", "fp", "fn"):
        assert getattr(shuffled.compute(), name).equal(getattr(whole, name))


def test_a_sweep_may_be_merged_with_itself_and_go_on() -> None:
    detections, targets = coco.scenes(3)
    sweep = sweep_of(detections, targets)
    once = sweep.compute()
    sweep.merge(sweep)
    assert sweep.compute().tp.equal(2 * once.tp)
    assert once.num_images == 3
    sweep.update(detections, targets)
    assert sweep.compute().tp.equal(3 * once.tp)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"num_classes": 5}, "num_classes"),
        ({"nms_ious": 11}, "nms"),
        ({"match_iou": 0.6}, "match_iou"),
        ({"class_agnostic": True}, "class_agnostic"),
        ({"max_det": 100}, "max_det"),
    ],
)
def test_sweeps_of_other_settings_are_not_merged(how: Any, name: str) -> None:
    with pytest.raises(ValueError, match=says("merge", f"{name}=", "", "same arguments")):
        DetectionSweep(num_classes=4).merge(DetectionSweep(**{"num_classes": 4} | how))
    nan = [DetectionSweep(zero_division=float("nan")) for _ in range(2)]
    nan[0].merge(nan[1])


def test_a_refused_batch_leaves_the_counts() -> None:
    detections, targets = coco.scenes(3)
    sweep = sweep_of(detections, targets)
    before = sweep.compute()
    logits = [{**found, "scores": found["scores"] * 9 + 3} for found in detections]
    with pytest.raises(ValueError, match="logits"):
        sweep.update(logits, targets)
    with pytest.raises(ValueError, match=says("targets", "3 images", "2", "no boxes")):
        sweep.update(detections, targets[:2])
    beyond = [{**true, "labels": true["labels"] + 5} for true in targets]
    with pytest.raises(ValueError, match="labels 0 … 3"):
        sweep.update(detections, beyond)
    with pytest.raises(ValueError, match="labels 0 … 9999"):
        DetectionSweep().update(detections, [{**t, "labels": t["labels"] + 2**40} for t in targets])
    assert same(sweep.compute(), before)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"match_iou": 0}, says("match_iou", "(0, 1]", "int 0", "0.5")),
        ({"match_iou": 50}, says("match_iou", "(0, 1]", "int 50", "0.5")),
        ({"max_det": 0}, says("max_det", "from 1", "int 0", "300")),
        ({"num_classes": 2.5}, says("num_classes", "from 1", "float 2.5", "None")),
        ({"nms_ious": 1}, says("nms_ious", "2 to 255", "1", "101")),
        ({"score_thresholds": [2.0]}, says("score_thresholds", "a count", "[2.0]", "0.25, 0.5")),
    ],
)
def test_settings_out_of_range_are_refused(how: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionSweep(**how)


def test_nothing_counted_is_no_curve() -> None:
    with pytest.raises(ValueError, match="Call update first"):
        DetectionSweep().compute()


def test_images_with_nothing_in_them() -> None:
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    curves = curves_of([{**nothing, "scores": torch.zeros(0)}] * 2, [nothing] * 2, num_classes=None)
    assert (curves.num_images, curves.num_classes, curves.tp.shape) == (2, 0, (0, 101, 101))
    assert curves.precision().isnan().all()
    assert curves.f1().eq(1).all()
    assert curves.f1("image").eq(1).all()
    assert curves.average_precision().isnan().all()
    assert curves.confusion(0.5, 0.5).tolist() == [[0]]
    with pytest.raises(ValueError, match="expected precision to be defined"):
        curves.best("precision")


def test_classes_are_counted_from_the_labels() -> None:
    detections, targets = coco.scenes(4)
    assert curves_of(detections, targets, num_classes=None).num_classes == 4
    assert curves_of(detections, targets, num_classes=9).tp.shape == (9, 101, 101)


@pytest.mark.parametrize("device", DEVICES)
def test_any_device_and_dtype(device: str) -> None:
    detections, targets = coco.scenes(4)
    moved = [{k: v.to(device) for k, v in found.items()} for found in detections]
    wide = [{**found, "boxes": found["boxes"].double()} for found in moved]
    curves = curves_of(wide, [{k: v.to(device) for k, v in true.items()} for true in targets])
    assert same(curves, curves_of(detections, targets))
    assert curves.tp.device.type == "cpu"


def test_other_formats_count_the_same() -> None:
    detections, targets = coco.scenes(4)
    given = [(d["boxes"].numpy(), d["scores"].numpy(), d["labels"].numpy()) for d in detections]
    assert same(curves_of(given, targets), curves_of(detections, targets))
    results = [
        {"image_id": 10 - i, "category_id": int(label), "bbox": box, "score": float(score)}
        for i, found in enumerate(detections)
        for box, label, score in zip(
            coco.xywh(found["boxes"]), found["labels"], found["scores"], strict=True
        )
    ]
    numbered = [{**true, "image_id": 10 - i} for i, true in enumerate(targets)]
    from_coco, plain = curves_of(results, numbered), curves_of(detections, targets)
    assert from_coco.tp.equal(plain.tp)  # COCO's corners are rounded once more
    assert from_coco.fp.equal(plain.fp)


def test_a_raw_head_needs_the_number_of_classes() -> None:
    head, targets = torch.rand(1, 4 + 3, 50), [{"boxes": [[0, 0, 50, 50]], "labels": [2]}]
    head[:, :4] *= 100
    sweep = DetectionSweep()
    with pytest.raises(ValueError, match="num_classes="):
        sweep.update(head, targets)
    sweep = DetectionSweep(num_classes=3)
    sweep.update(head, targets)
    assert len(sweep.tally().scores) == 50
    sweep = DetectionSweep()
    with pytest.raises(ValueError, match=r"labels 0 … 9999, got also \[10000\]"):
        sweep.update([([[0, 0, 9, 9]], [0.5], [10_000])], [{"boxes": [], "labels": []}])


def test_best_is_the_highest_that_meets_the_demands() -> None:
    curves = curves_of(*coco.scenes(10, 2, num_boxes=40))
    for average in ("micro", "macro", "image"):
        f1, precision = curves.f1(average), curves.precision(average)
        score, iou, value = curves.best("f1", average=average)
        assert value == f1[~f1.isnan()].max() == curves.at(score, iou, average)["f1"]
        score, iou, value = curves.best("recall", {"precision": 0.15}, average)
        at = curves.at(score, iou, average)
        assert at["precision"] >= 0.15
        assert value == curves.recall(average)[precision >= 0.15].max() == at["recall"]
    for label in (1, 2):
        score, iou, value = curves.best("f1", label=label)
        assert value == curves.f1(None)[label].max() == curves.at(score, iou, label=label)["f1"]


def test_a_demand_that_cannot_be_met_names_the_best_reachable() -> None:
    curves = curves_of(*coco.scenes(10, 2, num_boxes=40))
    top = math.floor(1e4 * float(curves.recall().max())) / 1e4  # so that it can be asked for
    with pytest.raises(ValueError, match=rf"recall {top:.4g}\. Ask for less"):
        curves.best("precision", {"recall": 0.999})
    with pytest.raises(ValueError, match="recall undefined"):
        curves.best("f1", {"recall": 0.5}, label=3)


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "point"),
    [
        pytest.param([[1, 2, 1]], (0, 1), id="one"),
        pytest.param([[2, 2, 2, 2, 1, 2]], (0, 1), id="the lower middle of the longest run"),
        pytest.param([[2, 2, 1], [2, 2, 2], [2, 1, 1]], (1, 1), id="the row of the longest run"),
        pytest.param([[2, 2, 1]] * 4 + [[1, 1, 1]], (1, 0), id="the lower middle of such rows"),
        pytest.param([[2, 1, 1], [1, 1, 1], [2, 1, 1], [1, 2, 1]], (2, 0), id="rows in a row"),
        pytest.param([[NAN, NAN, 1], [NAN, 1, 1]], (1, 1), id="undefined is never best"),
    ],
)
def test_the_best_of_a_plateau(values: Any, point: tuple[int, int]) -> None:
    assert choose("f1", torch.tensor(values, dtype=torch.float64), {}, {}) == point


@pytest.mark.parametrize("how", HOW, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_confusion_agrees_with_the_counts(how: Any, seed: int) -> None:
    """Diagonal, row sums and column sums; what lies off the diagonal has worked cases below."""
    curves = curves_of(*coco.scenes(8, seed, num_boxes=40), **how)
    for score, iou in ((0.0, 1.0), (0.31, 0.5), (0.7, 0.2)):
        matrix = curves.confusion(score, iou)
        assert matrix.shape == (5, 5)
        assert matrix[4, 4] == 0
        for label in range(4):
            at = curves.at(score, iou, label=label)
            assert matrix[label, label] == at["tp"]
            assert matrix[label].sum() == at["tp"] + at["fn"]
            assert matrix[:, label].sum() == at["tp"] + at["fp"]


BOX = [0.0, 0.0, 20.0, 20.0]
FAR = [100.0, 0.0, 120.0, 20.0]
CONFUSED: dict[str, Any] = {
    "found": ([(BOX, 0.9, 1)], [(BOX, 1)], {(1, 1): 1}),
    "as another class": ([(BOX, 0.9, 2)], [(BOX, 1)], {(1, 2): 1}),
    "missed, and false elsewhere": ([(FAR, 0.9, 2)], [(BOX, 1)], {(1, 3): 1, (3, 2): 1}),
    "the right class first, whatever the scores": (
        [(BOX, 0.9, 2), (BOX, 0.5, 1)],
        [(BOX, 1)],
        {(1, 1): 1, (3, 2): 1},
    ),
    "the higher score is the one confused": (
        [(BOX, 0.9, 0), (BOX, 0.5, 2)],
        [(BOX, 1)],
        {(1, 0): 1, (3, 2): 1},
    ),
    "below the threshold it confuses nothing": ([(BOX, 0.2, 2)], [(BOX, 1)], {(1, 3): 1}),
}


@pytest.mark.parametrize("case", CONFUSED)
def test_confusion_worked_by_hand(case: str) -> None:
    found, true, cells = CONFUSED[case]
    boxes, scores, labels = (list(column) for column in zip(*found, strict=True))
    target_boxes, target_labels = (list(column) for column in zip(*true, strict=True))
    curves = curves_of(
        [{"boxes": torch.tensor(boxes), "scores": torch.tensor(scores), "labels": labels}],
        [{"boxes": torch.tensor(target_boxes), "labels": target_labels}],
        num_classes=3,
    )
    expected = torch.zeros(4, 4, dtype=torch.int64)
    for cell, number in cells.items():
        expected[cell] = number
    assert curves.confusion(0.3, 0.5).equal(expected)


def test_a_crowd_is_confused_with_nothing() -> None:
    found = {"boxes": torch.tensor([BOX, BOX]), "scores": torch.tensor([0.9, 0.8])}
    curves = curves_of(
        [{**found, "labels": [1, 2]}],
        [{"boxes": torch.tensor([BOX]), "labels": [1], "iscrowd": [1]}],
        num_classes=3,
    )
    expected = torch.zeros(4, 4, dtype=torch.int64)
    expected[3, 2] = 1  # of the crowd's class: ignored; of another: false
    assert curves.confusion(0.3, 0.5).equal(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.metric("dice"), says("metric", "'precision' | 'recall' | 'f1'", "dice", "")),
        (lambda c: c.metric("f1", "mean"), says("average", "micro", "mean", "")),
        (lambda c: c.at(0.5, 0.5, "mean"), says("average", "micro", "mean", "")),
        (lambda c: c.best("f1", label=4), says("label", "0 to 3", "4", "targets")),
        (lambda c: c.at(0.5, 0.5, label=-1), says("label", "0 to 3", "-1", "targets")),
        (lambda c: c.at(float("nan"), 0.5), says("score_threshold", "[0, 1]", "nan", "every")),
        (lambda c: c.at([0.5] * 3, 0.5), says("score_threshold", "4 classes", "0.5", "every")),
        (lambda c: c.at("high", 0.5), says("score_threshold", "4 classes", "high", "every")),
        (lambda c: c.confusion(0.5, NAN), says("nms_iou", "[0, 1]", "nan", "Percent")),
    ],
)
def test_wrong_questions_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(curves_of(*coco.scenes(2)))


def test_to_pandas_has_a_row_for_each_class_and_position() -> None:
    curves = curves_of(*coco.scenes(4), nms_ious=3, score_thresholds=[0.1, 0.4])
    frame = curves.to_pandas()
    assert len(frame) == coco.CLASSES * 3 * 2
    rows = frame[(frame["class"] == 2) & (frame.nms_iou == 0.5) & (frame.score_threshold == 0.4)]
    assert rows.tp.item() == curves.tp[2, 1, 1]
    np.testing.assert_array_equal(rows.precision.item(), curves.precision(None)[2, 1, 1])


@pytest.mark.parametrize("how", [*HOW, {"num_classes": None, "nms_ious": [0.3, 0.5]}], ids=repr)
def test_files_there_and_back(how: Any, tmp_path: Path) -> None:
    curves = curves_of(*coco.scenes(5, 1), **how)
    curves.save(tmp_path / "curves.npz")
    loaded = DetectionCurves.load(tmp_path / "curves.npz")
    assert same(loaded, curves)
    assert loaded.confusion(0.4, 0.5).equal(curves.confusion(0.4, 0.5))


@pytest.mark.parametrize(
    ("about", "arrays"),
    [
        pytest.param({"match_iou": "half"}, {}, id="text for a number"),
        pytest.param({"nms": {"even": True}}, {}, id="a dial without stops"),
        pytest.param({"nms": {"even": True, "values": [0] * 50}}, {}, id="another number of stops"),
        pytest.param({"num_classes": 2}, {}, id="fewer classes than labels"),
        pytest.param({}, {"scores": None}, id="a tensor too few"),
        pytest.param({}, {"more": np.zeros(3)}, id="a tensor too many"),
        pytest.param({}, {"labels": np.zeros(3, np.int32)}, id="another number of labels"),
        pytest.param({}, {"crowd": np.zeros(3)}, id="crowds in floats"),
        pytest.param({}, {"pair_target": 10**6}, id="a pair with what is not there"),
        pytest.param({}, {"pair_detection": -1}, id="a pair before the first"),
        pytest.param({}, {"images": np.zeros(3, np.int64)}, id="images of another shape"),
        pytest.param({}, {"images": -1}, id="images with less than nothing"),
        pytest.param({}, {"labels": -1}, id="labels below 0"),
        pytest.param({}, {"scores": np.nan}, id="scores that are no numbers"),
    ],
)
def test_damaged_files_are_refused(about: Any, arrays: Any, tmp_path: Path) -> None:
    path = tmp_path / "curves.npz"
    curves_of(*coco.scenes(5, 1)).save(path)
    good_about, good = read_archive(path, FORMAT)
    bad = {k: np.full_like(good[k], v) if np.isscalar(v) else v for k, v in arrays.items()}
    kept = {name: array for name, array in (good | bad).items() if array is not None}
    write_archive(path, good_about | about, kept)
    with pytest.raises(ValueError, match=says("load", "goes together", "damaged", "Save it again")):
        DetectionCurves.load(path)


def test_what_is_kept_is_as_small_as_is_said() -> None:
    detections, targets = coco.scenes(20, num_boxes=100)
    tally = curves_of(detections, targets).tally
    size = sum(t.numel() * t.element_size() for t in tally.tensors().values())
    n, g, p = tally.images.sum(0).tolist()
    assert size == 24 * 20 + 29 * n + 14 * g + 16 * p


def test_the_repr_says_what_it_is_of() -> None:
    curves = curves_of(*coco.scenes(3))
    assert repr(curves).startswith("DetectionCurves(3 images, ")
    assert "4 classes, 101 × 101 stops" in repr(curves)


@pytest.mark.parametrize("label", ["dog", 0.5, [0], 1, -1, True])
def test_a_label_that_is_no_class_is_refused_in_words(label: Any) -> None:
    target = {"boxes": torch.tensor([[0.0, 0.0, 9.0, 9.0]]), "labels": torch.tensor([0])}
    sweep = DetectionSweep()
    sweep.update([target | {"scores": torch.tensor([0.5])}], [target])
    curves = sweep.compute()
    assert curves.best(label=0)[2] == 1.0
    with pytest.raises(ValueError, match="label: expected a whole number from 0 to 0, got"):
        curves.best(label=label)
    with pytest.raises(ValueError, match="Pass the number of a class"):
        curves.at(0.5, 0.5, label=label)
