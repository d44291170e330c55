"""What crosses the wire is what the tests in TypeScript take it to be."""

from typing import Any

import numpy as np

import torchdial as td
from tests.sweeps.boxes.test_golden_detections import detections_of, every_case, targets_of
from tests.widgets.preview.boxes import read_pairs, read_source


@every_case
def test_order_kept_bits_and_pairs(case: dict[str, Any]) -> None:
    preview = td.DetectionPreview(
        np.zeros((len(case["images"]), 100, 100, 3), dtype=np.uint8),
        detections_of(case),
        targets_of(case),
        class_names=[f"class {c}" for c in range(case["num_classes"])],
        nms_ious=case["nms"],
        match_iou=case["match_iou"],
        class_agnostic=case["class_agnostic"],
        after_nms=False,
    )
    parts, pairs = read_source(preview), read_pairs(preview)
    for i, (wire, image) in enumerate(zip(case["wire"], case["images"], strict=True)):
        assert parts["index"][i].tolist() == wire["index"]
        assert parts["kept"][i].tolist() == wire["kept"]
        sent = (pairs[name][i].tolist() for name in ("detection", "target", "iou"))
        found, true = image["labels"], image["targets"]
        assert list(map(list, zip(*sent, strict=True))) == [
            [n, j, iou]
            for n, j, iou in wire["pairs"]
            if found[wire["index"][n]] == true["labels"][j] or not true["ignore"][j]
        ], "nothing is confused with an ignored target, so such a pair need not be sent"
