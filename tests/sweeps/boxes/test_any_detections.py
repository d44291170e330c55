"""The detection sweep on any boxes: equal ones, without area, with equal scores, IoUs on a stop."""

from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

from tests.sweeps.boxes.slow_boxes import SlowBoxes, best, case, image
from tests.sweeps.boxes.test_golden_detections import curves_of
from tests.sweeps.boxes.test_nms import BOX
from tests.sweeps.pixels import slow_counts as slow

SCORES = [0.0, 0.3, 0.5, 0.7, 1.0]
LABELS = st.sampled_from([1, 1, 1, 2, 3])
START, END = st.integers(0, 3), st.integers(8, 11)
NEAR = st.tuples(START, START, END, END).map(list)  # to each other: most match, many as well
BOXES = st.one_of(NEAR, NEAR, BOX)
FOUND = st.lists(st.tuples(BOXES, st.sampled_from(SCORES), LABELS), max_size=9)
TRUE = st.lists(st.tuples(BOXES, LABELS, st.sampled_from(["", "", "crowd", "ignored"])), max_size=5)
STOPS = st.sampled_from([[0.5], [0.0, 0.25, 0.5, 0.8, 1.0], [0.1, 0.4, 0.6]])
KEYS: tuple[Any, ...] = ("micro", "macro", "image", 2)


def build(images: Any, nms: list[float], scores: list[float], **how: Any) -> dict[str, Any]:
    return case("any", [image(*of) for of in images], nms, scores, **how)


@given(
    st.builds(
        build,
        images=st.lists(st.tuples(FOUND, TRUE), min_size=1, max_size=3),
        nms=STOPS,
        scores=st.sampled_from([SCORES, [0.4], [0.2, 0.7]]),
        match_iou=st.sampled_from([0.5, 0.5, 0.2, 0.8, 1.0]),
        class_agnostic=st.booleans(),
        max_det=st.sampled_from([1, 3, 300]),
        zero_division=st.sampled_from([1.0, 0.0]),
    )
)
@settings(max_examples=150)
def test_counts_metrics_and_confusion_are_those_of_the_definition(of: dict[str, Any]) -> None:
    curves, boxes = curves_of(of), SlowBoxes(of)
    tables = np.stack([boxes.tables(k) for k in range(len(of["nms"]))], axis=3)
    for i, name in enumerate(("tp", "fp", "fn")):
        np.testing.assert_array_equal(getattr(curves, name), tables.sum(0)[:, i], err_msg=name)
    for metric in ("precision", "recall", "f1"):
        for key in KEYS:
            how = {"label": key} if isinstance(key, int) else {"average": key}
            rows = [
                [boxes.value(tables[..., k, s], metric, key) for s in range(len(of["scores"]))]
                for k in range(len(of["nms"]))
            ]
            expected = [[slow.as_float(value) for value in row] for row in rows]
            np.testing.assert_allclose(curves.metric(metric, **how), expected, rtol=1e-12)
            if key in ("micro", 2) and (point := best(rows)):  # means are rounded
                nms_iou, score = of["nms"][point[0]], of["scores"][point[1]]
                assert curves.best(metric, **how)[:2] == (score, nms_iou)
    for k, stop in enumerate(of["nms"]):
        matrix = curves.confusion(0.4, stop).flatten().tolist()
        assert matrix == boxes.confusion(k, [0.4] * 4, of["max_det"])
