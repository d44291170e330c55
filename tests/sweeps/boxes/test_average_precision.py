"""AP at every NMS stop, against pycocotools run on what slow greedy NMS keeps there."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from tests.sweeps.boxes import coco
from torchdial.sweeps.boxes.average_precision import AREAS, MATCH_IOUS
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep

STOPS = [0.0, 0.3, 0.5, 0.8, 1.0]


def curves_of(detections: Any, targets: Any, **how: Any) -> Any:
    sweep = DetectionSweep(**{"num_classes": coco.CLASSES, "nms_ious": STOPS} | how)
    sweep.update(detections, targets)
    return sweep.compute()


def kept_at(detections: Any, stop: float) -> list[dict[str, torch.Tensor]]:
    result = []
    for found in detections:
        rows = sorted(coco.kept_of(found, stop))
        result.append({name: tensor[rows] for name, tensor in found.items()})
    return result


def coco_ap(detections: Any, targets: Any, **params: Any) -> np.ndarray:
    """Return AP of (match IoU, class, area) with at most 100 detections, NaN for COCO's -1."""
    evaluation = coco.coco_eval(detections, targets, **params)
    precision = evaluation.eval["precision"][..., -1]  # (match IoU, recall, class, area)
    ap = np.where(precision[:, 0] < 0, np.nan, precision.mean(1))
    wide = np.full((ap.shape[0], coco.CLASSES, ap.shape[2]), np.nan)
    wide[:, : ap.shape[1]] = ap
    return wide


def summary(ap: np.ndarray) -> float:
    return float(np.mean(ap[~np.isnan(ap)])) if not np.isnan(ap).all() else float("nan")


@pytest.mark.parametrize("seed", range(12))
def test_all_of_it_against_pycocotools(seed: int) -> None:
    detections, targets = coco.scenes(8, seed, num_boxes=40)
    curves = curves_of(detections, targets)
    for k, stop in enumerate(STOPS):
        expected = coco_ap(kept_at(detections, stop), targets)
        for a, area in enumerate(AREAS):
            each = torch.stack([curves.average_precision(t, area, None)[:, k] for t in MATCH_IOUS])
            np.testing.assert_allclose(each, expected[:, :, a], rtol=0, atol=1e-12)
            mean = curves.average_precision(None, area)[k]
            np.testing.assert_allclose(mean, summary(expected[:, :, a]), rtol=0, atol=1e-12)
            at_half = curves.average_precision(0.5, area)[k]
            np.testing.assert_allclose(at_half, summary(expected[0, :, a]), rtol=0, atol=1e-12)


def test_more_than_100_of_a_class_in_an_image() -> None:
    """The best 100 take part, even if max_det is smaller; and only by NMS's survivors."""
    detections, targets = coco.scenes(3, 5, num_boxes=900, num_targets=12)
    kept = [len(coco.kept_of(found, 1.0)) for found in detections]
    assert max(kept) > 400
    curves = curves_of(detections, targets, max_det=3)
    for k, stop in ((1, 0.3), (4, 1.0)):
        expected = coco_ap(kept_at(detections, stop), targets)
        np.testing.assert_allclose(
            curves.average_precision(None, "all", None)[:, k], expected[:, :, 0].mean(0), atol=1e-12
        )


@pytest.mark.parametrize("match_iou", [0.3, 0.52, 1.0])
def test_the_sweeps_own_match_iou(match_iou: float) -> None:
    detections, targets = coco.scenes(8, 7)
    curves = curves_of(detections, targets, match_iou=match_iou)
    expected = coco_ap(kept_at(detections, 0.5), targets, iouThrs=[match_iou])
    got = curves.average_precision(match_iou, "all", None)[:, 2]
    np.testing.assert_allclose(got, expected[0, :, 0], atol=1e-12)
    expected = coco_ap(kept_at(detections, 0.5), targets)
    got = curves.average_precision(None, "all", None)[:, 2]
    np.testing.assert_allclose(got, expected[:, :, 0].mean(0), atol=1e-12)


def test_the_score_dial_does_not_move_it() -> None:
    detections, targets = coco.scenes(4, 1)
    few = curves_of(detections, targets, score_thresholds=[0.9])
    assert few.average_precision().equal(curves_of(detections, targets).average_precision())


BOX = torch.tensor([[10.0, 10.0, 60.0, 60.0]])


def one(boxes: torch.Tensor, scores: list[float], label: int = 1) -> dict[str, torch.Tensor]:
    labels = torch.full((len(boxes),), label)
    return {"boxes": boxes, "scores": torch.tensor(scores), "labels": labels}


def true(boxes: torch.Tensor, label: int = 1, **more: Any) -> dict[str, Any]:
    return {"boxes": boxes, "labels": torch.full((len(boxes),), label), **more}


ROW = BOX + 100 * torch.arange(101)[:, None]  # 101 boxes side by side
FALLING = torch.linspace(1.0, 0.1, 101).tolist()
NOTHING = one(torch.zeros(0, 4), [])


@pytest.mark.parametrize(
    ("found", "target", "ap"),
    [
        pytest.param(one(BOX, [0.5]), true(BOX), 1.0, id="found"),
        pytest.param(NOTHING, true(BOX), 0.0, id="nothing found"),
        pytest.param(one(BOX, [0.5], 2), true(BOX), 0.0, id="found as another class"),
        pytest.param(one(BOX, [0.5]), true(BOX[:0]), float("nan"), id="nothing there"),
        pytest.param(one(BOX, [0.5]), true(BOX, iscrowd=[1]), float("nan"), id="a crowd alone"),
        pytest.param(one(BOX, [0.5]), true(BOX, ignore=[1]), float("nan"), id="an ignored one"),
        pytest.param(
            one(torch.cat([BOX + 200, BOX]), [0.9, 0.5]), true(BOX), 0.5, id="after a false one"
        ),
        pytest.param(one(ROW[:100], FALLING[:100]), true(ROW[99:100]), 0.01, id="as the 100th"),
        pytest.param(one(ROW, FALLING), true(ROW[100:]), 0.0, id="as the 101st, after all"),
        pytest.param(
            one(torch.cat([BOX, BOX + 200]), [0.9, 0.5]), true(BOX), 1.0, id="before a false one"
        ),
        pytest.param(
            one(BOX, [0.9]),
            true(torch.cat([BOX, BOX + 200])),
            51 / 101,
            id="one of two: recalls 0.00 to 0.50",
        ),
    ],
)
def test_worked_by_hand(found: Any, target: Any, ap: float) -> None:
    got = curves_of([found], [target]).average_precision()
    np.testing.assert_allclose(got, ap, atol=1e-12)


def test_area_ranges_include_both_ends() -> None:
    for side, of_range in ((32.0, [1.0, 1.0, 1.0, np.nan]), (96.0, [1.0, np.nan, 1.0, 1.0])):
        box = torch.tensor([[0.0, 0.0, side, side]])
        curves = curves_of([one(box, [0.5])], [true(box)])
        aps = [float(curves.average_precision(area=area)[0]) for area in AREAS]
        np.testing.assert_allclose(aps, of_range)


def test_a_given_area_counts_and_not_the_box() -> None:
    curves = curves_of([one(BOX, [0.5])], [true(BOX, area=[900.0])])
    assert float(curves.average_precision(area="small")[0]) == pytest.approx(1.0)
    assert curves.average_precision(area="medium").isnan().all()


def test_what_there_is_not_is_refused() -> None:
    curves = curves_of([one(BOX, [0.5])], [true(BOX)])
    with pytest.raises(ValueError, match=says("match_iou", "0.5 | 0.55", "0.51", "sweep with it")):
        curves.average_precision(0.51)
    with pytest.raises(ValueError, match=says("area", "all | small", "tiny", "COCO")):
        curves.average_precision(area="tiny")
    with pytest.raises(ValueError, match=says("average", "macro", "micro", "mean over classes")):
        curves.average_precision(average="micro")
