"""Which frames are kept, and metrics over the steps, as tests/golden/steps.json has them."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.golden import make_steps
from torchdial.inputs.stops import to_stops
from torchdial.sweeps.boxes.box_step_counts import BoxStepCounts
from torchdial.sweeps.boxes.detection_settings import DetectionSettings
from torchdial.sweeps.refresh_records import NewestFrame, RefreshRecord, RefreshRecords

GOLDEN = json.loads(make_steps.PATH.read_text(encoding="utf-8"))
STOPS = GOLDEN["stops"]


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def test_the_file_is_what_is_written() -> None:
    assert json.loads(json.dumps(make_steps.made())) == GOLDEN


def played(case: dict[str, Any]) -> RefreshRecords[str]:
    """Return the records of a training, whose frames are checked after each refresh."""
    records: RefreshRecords[str] = RefreshRecords(case["keep"], 1 << 20)
    for version, refresh in enumerate(case["refreshes"]):
        step = refresh["step"]
        value = math.nan if refresh["value"] is None else refresh["value"]
        record = RefreshRecord(step, version, None, value, NewestFrame(f"frame of {step}"))
        records = records.added(record, NewestFrame)
        assert [one.step for one in records.kept] == refresh["kept"]
        assert records.best == refresh["best"]
    return records


@named(GOLDEN["trainings"])
def test_frames_that_are_kept_and_shown(case: dict[str, Any]) -> None:
    records = played(case)
    for chosen, step, shown in case["looks"]:
        found = records.all[-1] if chosen is None else records.nearest(chosen)
        assert found.step == step
        kept = records.nearest(step, kept=True)
        assert kept.step == shown
        assert kept.frame is not None
        assert kept.frame.restore() == f"frame of {shown}"


@named(GOLDEN["pixels"])
def test_pixels(case: dict[str, Any]) -> None:
    probs = np.array(case["probs"], np.float32)[:, :, None]
    targets = None if case["targets"] is None else np.array(case["targets"], np.uint8)[:, None]
    images = np.zeros((2, 1, 6, 3), np.uint8)
    preview = td.SegmentationPreview(images, probs[0], targets, thresholds=STOPS, keep=4)
    for step in range(1, len(probs)):
        assert preview.refresh(probs[step])
    for sent, expected in zip(preview.get_state()["_steps"]["steps"], case["steps"], strict=True):
        counts = sent["counts"]
        assert base64.b64encode(counts["histogram"]).decode() == expected["histogram"]
        if targets is None:
            assert counts["tally"] is None
            continue
        for name, value in expected["counts"].items():
            found = counts["tally"]["counts"][name]
            assert (
                base64.b64encode(found).decode() if isinstance(found, bytes) else found
            ) == value
    if targets is not None:
        values = [step["best"] for step in case["steps"]]
        best = preview.best(over="steps")
        assert (best.step, best.value) == (values.index(max(values)), max(values))
        assert STOPS.index(best.threshold) in case["steps"][best.step]["best_at"]


def test_boxes() -> None:
    settings = DetectionSettings(2, to_stops(STOPS), to_stops(STOPS), 0.5, False, 300, 1.0)
    case = GOLDEN["boxes"]
    for step in case["steps"]:
        tp, fp, f1 = (base64.b64decode(step[name]) for name in ("tp", "fp", "f1"))
        positives = torch.tensor(case["positives"])
        for overall in ({}, {"f1": f1}):
            counts = BoxStepCounts((3, 8), tp, fp, positives, overall, settings, 0.0)
            assert counts.metric("f1").tolist() == step["values"]
        best = counts.best("f1", None, None)
        place = [STOPS.index(best.nms_iou), STOPS.index(best.score_threshold)]
        assert best.value == step["best"]
        assert place in step["best_at"]
        for place, label in enumerate((3, 8)):
            recall = counts.boxes("t")[place] / case["positives"][place]
            assert counts.metric("recall", label).tolist() == recall.tolist()
