"""tests/golden/detections.json is up to date, and the package gives what is in it."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from tests.golden.make_detections import PATH, golden
from tests.sweeps.boxes.matched import match_codes
from tests.sweeps.boxes.slow_boxes import tensors
from torchdial.inputs import to_stops
from torchdial.inputs.boxes.boxes import to_boxes
from torchdial.inputs.boxes.detection_targets import to_annotations
from torchdial.sweeps.boxes.bitsets import pack_bits
from torchdial.sweeps.boxes.detect import detect
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.boxes.nms import nms_sweep

CASES = json.loads(PATH.read_text(encoding="utf-8"))
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


def detections_of(case: dict[str, Any]) -> list[dict[str, torch.Tensor]]:
    names = ("boxes", "scores", "labels")
    return [tensors({name: image[name] for name in names}) for image in case["images"]]


def targets_of(case: dict[str, Any]) -> list[dict[str, torch.Tensor]]:
    return [tensors(image["targets"]) for image in case["images"]]


def curves_of(case: dict[str, Any]) -> DetectionCurves:
    sweep = DetectionSweep(
        num_classes=case["num_classes"],
        nms_ious=case["nms"],
        match_iou=case["match_iou"],
        class_agnostic=case["class_agnostic"],
        max_det=case["max_det"],
        score_thresholds=case["scores"],
        zero_division=case["zero_division"],
    )
    sweep.update(detections_of(case), targets_of(case))
    return sweep.compute()


def test_the_file_is_up_to_date() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert text == golden(), "run python -m tests.golden.make_detections"


@every_case
def test_what_nms_keeps_and_what_matches(case: dict[str, Any]) -> None:
    matches = iter(case["matches"])
    detections, targets = detections_of(case), to_annotations(targets_of(case))
    for found, target, wire in zip(detections, targets, case["wire"], strict=True):
        given = (found["boxes"], found["scores"], found["labels"])
        kept = nms_sweep(
            *given, nms_ious=to_stops(case["nms"]), class_agnostic=case["class_agnostic"]
        )
        assert pack_bits(kept[wire["index"]]).tolist() == wire["kept"]
        codes = match_codes(to_boxes(*given), kept, target, case["match_iou"])[wire["index"]]
        for k in range(len(case["nms"])):
            match = next(matches)
            assert codes[:, k].tolist() == match["states"], match


def check_cells(curves: DetectionCurves, setting: dict[str, Any], each: list[float]) -> None:
    """Check the detections and targets of every cell of the confusion matrix."""
    tally, num_classes = curves.tally, curves.num_classes
    shown = curves._shown(each, setting["stop"])
    frame = DetectionFrame(torch.empty(0, 4), tally.scores, (), tally, curves.settings, True)
    starts = (tally.images.cumsum(0) - tally.images)[:, :2].tolist()
    for truth, found in product([-1, *range(num_classes + 1)], repeat=2):
        chosen = [
            [c for c in cells if truth in (-1, c[0]) and found in (-1, c[1])]
            for cells in setting["cells"]
        ]
        images, detections, targets = frame.count_cell(shown, truth, found)
        assert images.tolist() == [len(cells) for cells in chosen]
        for which, place, mask in ((0, 2, detections), (1, 3, targets)):
            expected = {
                start[which] + cell[place]
                for start, cells in zip(starts, chosen, strict=True)
                for cell in cells
                if cell[place] >= 0
            }
            assert set(mask.nonzero().flatten().tolist()) == expected, (truth, found)


@every_case
def test_settings(case: dict[str, Any]) -> None:
    curves = curves_of(case)
    for setting in case["settings"]:
        stop = case["nms"][setting["stop"]]
        for found, wire, shown in zip(
            detections_of(case), case["wire"], setting["shown"], strict=True
        ):
            drawn = detect(
                *(found[name] for name in ("boxes", "scores", "labels")),
                score_threshold=setting["score"],
                nms_iou=stop,
                class_thresholds=setting["own"],
                class_agnostic=case["class_agnostic"],
                max_det=setting["max_det"],
            )
            assert drawn["indices"].tolist() == [wire["index"][i] for i in shown]
        own = [*setting["own"], *[None] * case["num_classes"]][: case["num_classes"]]
        each = [setting["score"] if t is None else t for t in own]
        if setting["max_det"] != case["max_det"]:
            continue  # the sweep has its own
        assert curves.confusion(each, stop).flatten().tolist() == setting["confusion"]
        check_cells(curves, setting, each)
        for label in range(case["num_classes"]):
            at = curves.at(each, stop, label=label)
            assert at["tp"] == setting["tp"][label]
            assert at["fp"] == setting["fp"][label]
            assert at["tp"] + at["fn"] == setting["positives"][label]


@every_case
def test_counts_and_metrics(case: dict[str, Any]) -> None:
    curves = curves_of(case)
    for name in ("tp", "fp", "positives"):
        assert getattr(curves.counts, name).flatten().tolist() == case[name]
    for metric, key, values, best in case["metrics"]:
        how = {"label": key} if isinstance(key, int) else {"average": key}
        expected = np.array([np.nan if v is None else v for v in values])
        found = curves.metric(metric, **how).flatten()
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        if best is None:
            with pytest.raises(ValueError, match="NaN at every one"):
                curves.best(metric, **how)
        else:
            row, column = best
            assert curves.best(metric, **how)[:2] == (case["scores"][column], case["nms"][row])
