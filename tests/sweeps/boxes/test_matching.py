"""Matching: every stop against pycocotools, and the named cases of COCO's rule."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.sweeps.boxes import coco
from tests.sweeps.boxes.matched import FALSE, IGNORED, SUPPRESSED, TRUE, match_codes
from torchdial.inputs.boxes.boxes import Boxes, to_boxes
from torchdial.inputs.boxes.detection_targets import Annotations, to_annotations
from torchdial.sweeps.boxes.bitsets import pack_bits, unpack_bits
from torchdial.sweeps.boxes.matching import coco_iou, to_xywh
from torchdial.sweeps.boxes.nms import nms_sweep

STOPS = [0.0, 0.3, 0.5, 0.7, 0.9, 1.0]


def canonical(scene: coco.Scene) -> tuple[Boxes, Annotations]:
    found, true = scene
    return to_boxes(found["boxes"], found["scores"], found["labels"]), to_annotations([true])[0]


def coco_codes(scene: coco.Scene, kept: torch.Tensor, match_iou: float) -> np.ndarray:
    """Return what pycocotools makes of the boxes that are kept, uint8 (N,)."""
    found, true = scene
    rows = kept.nonzero().flatten()
    remaining = {name: tensor[rows] for name, tensor in found.items()}
    codes = np.zeros(len(kept), dtype=np.uint8)
    evaluation = coco.coco_eval([remaining], [true], iouThrs=[match_iou], maxDets=[10**6])
    areas = evaluation.params.areaRngLbl
    for entry in filter(None, evaluation.evalImgs):
        if entry["aRng"] != evaluation.params.areaRng[areas.index("all")]:
            continue
        matched = entry["dtMatches"][0] > 0
        ignored = entry["dtIgnore"][0]
        index = rows.numpy()[np.array(entry["dtIds"], dtype=np.int64) - 1]
        codes[index] = np.where(ignored, IGNORED, np.where(matched, TRUE, FALSE))
    return codes


@pytest.mark.parametrize("seed", range(60))
def test_every_stop_against_pycocotools(seed: int) -> None:
    scene = coco.scene(seed, num_boxes=40, whole=seed % 2 == 1)
    found, target = canonical(scene)
    kept = nms_sweep(*found, nms_ious=STOPS, class_agnostic=seed % 3 == 0)
    match_iou = [0.5, 0.3, 0.75, 1.0][seed % 4]
    codes = match_codes(found, kept, target, match_iou)
    assert codes.dtype == torch.uint8
    for k in range(len(STOPS)):
        expected = coco_codes(scene, kept[:, k], match_iou)
        np.testing.assert_array_equal(codes[:, k], expected, err_msg=f"stop {STOPS[k]}")


def test_the_random_scenes_hold_every_case() -> None:
    """Or the comparisons above would prove little."""
    codes = []
    ties = 0
    for seed in range(60):
        found, target = canonical(coco.scene(seed, num_boxes=40, whole=seed % 2 == 1))
        codes.append(match_codes(found, nms_sweep(*found, nms_ious=STOPS), target).flatten())
        same = found.labels[:, None] == target.labels
        iou = coco_iou(to_xywh(found.boxes), target.xywh, target.iscrowd).where(same, 0).sort(1)
        if len(target) > 1:
            ties += int(
                ((iou.values[:, -1] == iou.values[:, -2]) & (iou.values[:, -1] > 0.5)).sum()
            )
    assert torch.cat(codes).bincount(minlength=4).min() > 100
    assert ties > 5


@pytest.mark.parametrize("seed", range(40))
def test_a_score_cut_changes_no_decision(seed: int) -> None:
    found, target = canonical(coco.scene(seed, num_boxes=60, whole=seed % 2 == 1))
    kept = nms_sweep(*found)
    codes = match_codes(found, kept, target)
    for cut in (0.2, 0.5, 0.9):
        rows = found.scores > cut
        part = Boxes(*(t[rows] for t in found))
        assert match_codes(part, nms_sweep(*part), target).equal(codes[rows])


@pytest.mark.parametrize("seed", range(20))
def test_each_column_is_as_if_it_were_alone(seed: int) -> None:
    """Whatever the columns are: here they are not even from NMS."""
    found, target = canonical(coco.scene(seed, num_boxes=40))
    kept = torch.rand(len(found.boxes), 255, generator=torch.Generator().manual_seed(seed)) > 0.4
    codes = match_codes(found, kept, target)
    for k in (0, 1, 7, 8, 63, 64, 254):
        assert match_codes(found, kept[:, k : k + 1], target)[:, 0].equal(codes[:, k])
    assert (codes == SUPPRESSED).equal(~kept)


BOX = [0.0, 0.0, 10.0, 10.0]
CASES = {
    "no target": ([BOX], [], [FALSE]),
    "a target": ([BOX], [{"box": BOX}], [TRUE]),
    "a second detection of it": ([BOX, BOX], [{"box": BOX}], [TRUE, FALSE]),
    "an IoU of exactly 0.5": ([[0, 0, 10, 5]], [{"box": BOX}], [TRUE]),
    "an IoU just below": ([[0, 0, 10, 4.99]], [{"box": BOX}], [FALSE]),
    "another class": ([BOX], [{"box": BOX, "label": 2}], [FALSE]),
    "a crowd takes any number": ([BOX, BOX], [{"box": BOX, "iscrowd": 1}], [IGNORED, IGNORED]),
    "a crowd's IoU is over the detection": (
        [[0, 0, 2, 2]],
        [{"box": BOX, "iscrowd": 1}],
        [IGNORED],
    ),
    "a target before a crowd of higher IoU": (
        [[0, 0, 10, 6]],
        [{"box": [0, 0, 10, 6], "iscrowd": 1}, {"box": BOX}],
        [TRUE],
    ),
    "an ignored target is taken once": ([BOX, BOX], [{"box": BOX, "ignore": 1}], [IGNORED, FALSE]),
    "of equal IoUs the later target": (
        [BOX, [0, 4, 10, 14]],
        [{"box": [0, 0, 10, 12]}, {"box": [0, -2, 10, 10]}],  # the first alone fits the second box
        [TRUE, TRUE],
    ),
    "of equal IoUs not the earlier one": (
        [BOX, [0, -6, 10, 4]],
        [{"box": [0, 0, 10, 12]}, {"box": [0, -2, 10, 10]}],
        [TRUE, FALSE],
    ),
    "the best, not the last": (
        [[0, 0, 10, 9], [0, 0, 10, 4]],
        [{"box": BOX}, {"box": [0, 0, 10, 5.5]}],
        [TRUE, TRUE],
    ),
    "greedy, not the best assignment": (
        [[0, 0, 10, 8], [0, 0, 10, 12]],
        [{"box": BOX}, {"box": [0, 0, 10, 4]}],
        [TRUE, FALSE],
    ),
    "boxes without an area": ([[5, 5, 5, 5]], [{"box": [5, 5, 5, 5]}], [FALSE]),
}


@pytest.mark.parametrize("case", CASES)
def test_named_cases(case: str) -> None:
    boxes, given, expected = CASES[case]
    target = target_of(given)
    found = to_boxes(boxes, torch.linspace(0.9, 0.5, len(boxes)), [1] * len(boxes), absolute=False)
    kept = torch.ones(len(boxes), 1, dtype=torch.bool)
    assert match_codes(found, kept, target).flatten().tolist() == expected


def target_of(given: Any) -> Annotations:
    return to_annotations(
        {
            "boxes": torch.tensor([g["box"] for g in given], dtype=torch.float32).view(-1, 4),
            "labels": torch.tensor([g.get("label", 1) for g in given], dtype=torch.int64),
            "iscrowd": torch.tensor([g.get("iscrowd", 0) for g in given]),
            "ignore": torch.tensor([g.get("ignore", 0) for g in given]),
        }
    )[0]


def test_at_a_match_iou_of_one_a_rounding_may_lie_between() -> None:
    found = to_boxes([BOX], [0.9], [1])
    for more, code in ((0.0, TRUE), (1e-11, TRUE), (1e-6, FALSE)):
        boxes = torch.tensor([BOX], dtype=torch.float64) + torch.tensor([0, 0, 0, more]).double()
        target = to_annotations({"boxes": boxes, "labels": [1]})[0]
        kept = torch.ones(1, 1, dtype=torch.bool)
        assert match_codes(found, kept, target, match_iou=1.0).item() == code


def test_a_suppressed_detection_leaves_its_target_to_the_next() -> None:
    found = to_boxes([BOX, [0.0, 0.0, 10.0, 9.0]], [0.9, 0.8], [1, 1])
    kept = torch.tensor([[True, False, True], [True, True, False]])
    codes = match_codes(found, kept, target_of([{"box": BOX}]))
    assert codes.tolist() == [[TRUE, SUPPRESSED, TRUE], [FALSE, TRUE, SUPPRESSED]]


def test_equal_scores_are_matched_in_the_order_given() -> None:
    found = to_boxes([[0.0, 0.0, 10.0, 8.0], BOX], [0.5, 0.5], [1, 1])
    kept = torch.ones(2, 1, dtype=torch.bool)
    assert match_codes(found, kept, target_of([{"box": BOX}])).flatten().tolist() == [TRUE, FALSE]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 64, 101, 255])
def test_bits_there_and_back(count: int) -> None:
    bits = torch.rand(5, count) > 0.5
    assert unpack_bits(pack_bits(bits), count).equal(bits)
    assert unpack_bits(pack_bits(bits[:0]), count).shape == (0, count)


def test_many_detections_are_looked_at_in_parts() -> None:
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(30_000, 2, generator=generator) * 100
    boxes = torch.cat([low, low + 20], dim=1)
    found = to_boxes(boxes, torch.linspace(1, 0, 30_000), torch.ones(30_000))
    target = to_annotations({"boxes": boxes[::100], "labels": torch.ones(300)})[0]
    codes = match_codes(found, torch.ones(30_000, 1, dtype=torch.bool), target)
    assert int((codes == TRUE).sum()) == 300
