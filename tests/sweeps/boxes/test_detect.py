"""Detection as a function: the order of its steps, against the definition of each."""

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from tests.sweeps.boxes.test_nms import DEVICES, SQUARE, crowd, greedy, row
from torchdial.inputs import to_stops
from torchdial.sweeps.boxes.detect import detect
from torchdial.sweeps.boxes.nms import nms_sweep


def by_definition(boxes, scores, labels, limit, nms_iou, agnostic=False, max_det=300):
    """NMS of everything, then the threshold of each box, then the highest scores: indices."""
    kept = greedy(boxes, scores, nms_iou, labels, agnostic)
    scores, limit = np.float32(scores), np.broadcast_to(np.float32(limit), len(scores))
    chosen = [i for i in range(len(scores)) if kept[i] and scores[i] > limit[i]]
    return sorted(chosen, key=lambda i: (-scores[i], i))[:max_det]


def filtered_first(boxes, scores, labels, limit, nms_iou, agnostic=False):
    above = [i for i in range(len(scores)) if np.float32(scores[i]) > np.float32(limit)]
    part = [np.asarray(t)[above] for t in (boxes, scores, labels)]
    return [above[i] for i in by_definition(*part, -1, nms_iou, agnostic)]


def indices(*arguments, **settings) -> list[int]:
    return detect(*arguments, **settings)["indices"].tolist()


@pytest.mark.parametrize("device", DEVICES)
def test_filtering_before_or_after_gives_the_same(device: str) -> None:
    """200 scenes: a global score threshold may act before NMS or after it."""
    random = np.random.default_rng(0)
    for seed in range(200):
        boxes, scores = crowd(int(random.integers(0, 60)), seed)
        labels = torch.arange(len(scores)) % 3
        limit, nms_iou = random.choice([*scores.tolist(), 0.25]), random.uniform()
        agnostic = bool(seed % 2)
        scene = (boxes, scores, labels, limit, nms_iou, agnostic)
        found = indices(
            boxes.to(device),
            scores,
            labels,
            score_threshold=limit,
            nms_iou=nms_iou,
            class_agnostic=agnostic,
        )
        assert found == by_definition(*scene) == filtered_first(*scene), seed


def test_class_thresholds_act_after_nms() -> None:
    """In 100 scenes; where classes suppress each other, acting before NMS differs in some."""
    differ = 0
    own = {0: 0.9, 2: 0.05}
    for seed in range(100):
        boxes, scores = crowd(40, seed)
        labels = torch.arange(40) % 3
        limits = np.array([own.get(label, 0.3) for label in labels.tolist()], np.float32)
        for agnostic in (False, True):
            found = indices(
                boxes,
                scores,
                labels,
                score_threshold=0.3,
                nms_iou=0.4,
                class_thresholds=own,
                class_agnostic=agnostic,
            )
            assert found == by_definition(boxes, scores, labels, limits, 0.4, agnostic), seed
            above = np.flatnonzero(scores.numpy() > limits)
            part = boxes[above], scores[above], labels[above]
            before = above[by_definition(*part, -1, 0.4, agnostic)].tolist()
            assert agnostic or found == before
            differ += found != before
    assert differ > 10


def test_a_class_threshold_lets_no_ghost_through() -> None:
    """A box suppresses first and falls below the threshold of its class then."""
    scene = [SQUARE, row(0, 9)], [0.6, 0.5], [0, 1]
    settings = {"score_threshold": 0.1, "nms_iou": 0.5, "class_thresholds": [0.7, None]}
    assert indices(*scene, **settings, class_agnostic=True) == []
    assert indices(*scene, **settings) == [1]


@pytest.mark.parametrize("device", DEVICES)
def test_detections_are_a_column_of_the_sweep(device: str) -> None:
    boxes, scores = (t.to(device) for t in crowd(200))
    labels = torch.arange(200, device=device) % 2
    swept = nms_sweep(boxes, scores, labels)
    for k, stop in enumerate(to_stops(101).values):
        found = detect(boxes, scores, labels, score_threshold=0.4, nms_iou=stop)
        expected = (swept[:, k] & (scores > 0.4)).nonzero().squeeze(1)
        assert found["indices"].sort().values.equal(expected), stop


def test_any_iou_not_only_stops() -> None:
    boxes = [SQUARE, row(0, 8)]
    eight_tenths = float(np.float32(0.8))
    below = float(np.nextafter(np.float32(0.8), np.float32(0)))
    for nms_iou, kept in [(0.795, [0]), (below, [0]), (eight_tenths, [0, 1]), (0.8, [0])]:
        assert indices(boxes, [0.9, 0.8], score_threshold=0, nms_iou=nms_iou) == kept, nms_iou


@pytest.mark.parametrize("device", DEVICES)
def test_what_comes_back(device: str) -> None:
    boxes = torch.tensor([row(0, 5), row(20, 25), row(40, 45), row(60, 65)], device=device)
    scores = torch.tensor([0.5, 0.9, 0.5, 0.1], dtype=torch.float64, device=device)
    labels = torch.tensor([3, 1, 2, 0], dtype=torch.uint8, device=device)
    found = detect(boxes, scores, labels, score_threshold=0.1, nms_iou=0.5)
    assert {part.device.type for part in found.values()} == {device}
    assert found["indices"].tolist() == [1, 0, 2], "descending, ties in the order given"
    assert found["boxes"].equal(boxes[[1, 0, 2]].float())
    assert found["scores"].tolist() == [np.float32(0.9), 0.5, 0.5]
    assert found["labels"].tolist() == [1, 3, 2]
    assert found["labels"].dtype == found["indices"].dtype == torch.int64


def test_max_det_comes_last() -> None:
    boxes = [SQUARE, SQUARE, row(20, 30), row(40, 50), row(60, 70)]
    scores = [0.9, 0.8, 0.7, 0.6, 0.6]
    common = {"score_threshold": 0.1, "nms_iou": 0.5}
    assert indices(boxes, scores, **common, max_det=3) == [0, 2, 3]
    assert indices(boxes, scores, **common, max_det=1) == [0]
    assert indices(boxes, scores, **common) == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("score", "threshold", "kept"),
    [
        pytest.param(0.3, 0.3, False, id="on the threshold is off"),
        pytest.param(0.3 + 1e-12, 0.3, False, id="a float64 above it is not: cast first"),
        pytest.param(float(np.nextafter(np.float32(0.3), np.float32(1))), 0.3, True, id="next"),
        pytest.param(float(np.float32(0.7)), 0.7, False, id="below its float64"),
        pytest.param(float(np.float32(0.1)), 0.1, False, id="above its float64"),
        pytest.param(0.0, -1, True, id="0 is above a negative one"),
        pytest.param(1.0, 1, False, id="nothing is above 1"),
    ],
)
@pytest.mark.parametrize("where", ["score_threshold", "class_thresholds"])
def test_score_against_threshold(score: float, threshold: float, kept: bool, where: str) -> None:
    scores = torch.tensor([score], dtype=torch.float64)
    settings = {"score_threshold": 0.5, "class_thresholds": None}
    settings[where] = [threshold] if where == "class_thresholds" else threshold
    assert indices([SQUARE], scores, **settings, nms_iou=0.5) == [0] * kept


@pytest.mark.parametrize(
    "boxes", [[], torch.zeros(0, 4), [[0, 0, 0, 0]]], ids=["an empty list", "N = 0", "padding"]
)
def test_nothing_to_detect(boxes) -> None:
    found = detect(boxes, torch.zeros(len(boxes)), score_threshold=0.5, nms_iou=0.5)
    assert {name: tuple(part.shape) for name, part in found.items()} == {
        "boxes": (0, 4),
        "scores": (0,),
        "labels": (0,),
        "indices": (0,),
    }


def test_class_thresholds_as_list_or_dict() -> None:
    boxes, scores = crowd(60)
    labels = torch.arange(60) % 3
    common = {"score_threshold": 0.4, "nms_iou": 0.5}
    as_list = indices(boxes, scores, labels, **common, class_thresholds=[0.7, None, 0.1])
    as_dict = indices(boxes, scores, labels, **common, class_thresholds={0: 0.7, 2: 0.1, 9: 0.0})
    assert as_list == as_dict
    as_array = indices(boxes, scores, labels, **common, class_thresholds=np.array([0.7, 0.4, 0.1]))
    assert as_list == as_array
    assert as_list != indices(boxes, scores, labels, **common)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"score_threshold": float("nan")},
            says("score_threshold", "finite", "nan", "above"),
            id="a threshold of NaN",
        ),
        pytest.param(
            {"score_threshold": None}, says("score_threshold", "finite", "None", ""), id="no"
        ),
        pytest.param({"nms_iou": 1.5}, says("nms_iou", "[0, 1]", "1.5", "keeps all"), id="IoU"),
        pytest.param({"nms_iou": float("nan")}, says("nms_iou", "[0, 1]", "nan", ""), id="IoU NaN"),
        pytest.param({"max_det": 0}, says("max_det", "from 1", "0", "large"), id="max_det = 0"),
        pytest.param(
            {"max_det": 2.5}, says("max_det", "whole", "2.5", "large"), id="max_det = 2.5"
        ),
        pytest.param(
            {"class_thresholds": {"car": 0.5}},
            says("class_thresholds", "labels", "'car'", "index"),
            id="a name",
        ),
        pytest.param(
            {"class_thresholds": [0.5, "x"]},
            says("class_thresholds[1]", "finite", "'x'", "above"),
            id="no number",
        ),
    ],
)
def test_what_is_refused(settings, message: str) -> None:
    settings = {"score_threshold": 0.5, "nms_iou": 0.5} | settings
    with pytest.raises(ValueError, match=message):
        detect([SQUARE], [0.5], **settings)
