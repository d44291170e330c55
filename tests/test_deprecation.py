"""Old names still work, and the warning says the new one at the caller's line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import torchdial as td
from torchdial.sweeps.torchmetrics import DetectionSweepMetric

BOXES = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 8.0]])
SCORES = torch.tensor([0.9, 0.6])
FOUND = [{"boxes": BOXES, "scores": SCORES, "labels": torch.tensor([0, 0])}]
THERE = [{"boxes": BOXES[:1], "labels": torch.tensor([0])}]
IMAGE = torch.zeros(1, 3, 16, 16)


def detected(**arguments: Any) -> Any:
    sweep = td.DetectionSweep()
    sweep.update(**arguments)
    return sweep.compute().tp


def curves() -> td.ThresholdCurves:
    sweep = td.ThresholdSweep()
    sweep.update(torch.tensor([[0.2, 0.9]]), torch.tensor([[0, 1]]))
    return sweep.compute()


def shown(name: str) -> Any:
    preview = td.DetectionPreview(IMAGE, FOUND, class_names={0: "cat", 7: "dog"})
    setattr(preview, name, 1 if name == "shown_class" else 7)
    getattr(preview, name)
    return preview.label


def stops_of(preview: td.DetectionPreview) -> Any:
    return preview._settings.nms


def boxes_of_model(**options: Any) -> Any:
    model = lambda images: {"found": FOUND * len(images)}  # noqa: E731
    preview = td.DetectionPreview.from_model(model, IMAGE, score_threshold=0.1, **options)
    return preview.kept(0)["boxes"]


def masks() -> td.SegmentationPreview:
    maps = torch.tensor([0.2, 0.9])[None, :, None, None].expand(1, 2, 16, 16)
    return td.SegmentationPreview(IMAGE, maps, task="multilabel")


def is_done(read: Callable[[td.Handle], bool]) -> bool:
    handle = td.TrainingMonitor(torch.nn.Linear(1, 1)).start(lambda: None)
    handle.result()
    return read(handle)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        pytest.param(
            lambda: td.nms_sweep(BOXES, SCORES, iou_thresholds=3),
            lambda: td.nms_sweep(BOXES, SCORES, nms_ious=3),
            ("iou_thresholds=", "nms_ious="),
            id="stops of the NMS dial",
        ),
        pytest.param(
            lambda: td.DetectionSweep(iou_thresholds=3).settings,
            lambda: td.DetectionSweep(nms_ious=3).settings,
            ("iou_thresholds=", "nms_ious="),
            id="of a sweep",
        ),
        pytest.param(
            lambda: stops_of(td.DetectionPreview(IMAGE, FOUND, iou_thresholds=3)),
            lambda: stops_of(td.DetectionPreview(IMAGE, FOUND, nms_ious=3)),
            ("iou_thresholds=", "nms_ious="),
            id="of a preview",
        ),
        pytest.param(
            lambda: DetectionSweepMetric(iou_thresholds=3).sweep_settings,
            lambda: DetectionSweepMetric(nms_ious=3).sweep_settings,
            ("iou_thresholds=", "nms_ious="),
            id="of a metric",
        ),
        pytest.param(
            lambda: boxes_of_model(adapter=lambda given: given["found"]),
            lambda: boxes_of_model(output=lambda given: given["found"]),
            ("adapter=", "output="),
            id="the boxes among what a model returns",
        ),
        pytest.param(
            lambda: td.DetectionPreview(IMAGE, FOUND, THERE).worst(class_name=0),
            lambda: td.DetectionPreview(IMAGE, FOUND, THERE).worst(label=0),
            ("class_name=", "label="),
            id="the class of the worst",
        ),
        pytest.param(
            lambda: detected(detections=FOUND, target=THERE),
            lambda: detected(preds=FOUND, target=THERE),
            ("detections=", "preds="),
            id="what is counted",
        ),
        pytest.param(
            lambda: td.segment(torch.rand(2, 4, 4).round(), class_index=1).shape,
            lambda: td.segment(torch.rand(2, 4, 4).round(), label=1).shape,
            ("class_index=", "label="),
            id="a channel",
        ),
        pytest.param(
            lambda: int(masks().mask(0, class_index=1).sum()),
            lambda: int(masks().mask(0, label=1).sum()),
            ("class_index=", "label="),
            id="a channel of a preview",
        ),
        pytest.param(
            lambda: curves().for_class(0).tp,
            lambda: curves().for_label(0).tp,
            ("for_class", "for_label"),
            id="a method",
        ),
        pytest.param(
            lambda: shown("shown_class"),
            lambda: shown("label"),
            ("shown_class", "label"),
            id="a trait",
        ),
        pytest.param(
            lambda: td.DetectionPreview(IMAGE, FOUND).shown_label,
            lambda: td.DetectionPreview(IMAGE, FOUND).label,
            ("shown_label", "label"),
            id="a property",
        ),
        pytest.param(
            lambda: is_done(lambda handle: handle.done()),
            lambda: is_done(lambda handle: handle.is_done),
            ("done()", "is_done"),
            id="a state",
        ),
    ],
)
def test_old_names(old: Callable[[], Any], new: Callable[[], Any], names: tuple[str, str]) -> None:
    expected = new()
    with pytest.warns(DeprecationWarning, match=r"is now .*; the old name will be removed") as seen:
        got = old()
    assert torch.equal(got, expected) if isinstance(got, torch.Tensor) else got == expected
    ours = [one for one in seen if "; the old name will be removed" in str(one.message)]
    for warning in ours:
        assert str(warning.message).startswith(f"{names[0]} is now {names[1]};")
        assert warning.filename == __file__


def test_both_names_are_refused() -> None:
    with pytest.raises(TypeError, match="iou_thresholds"):
        td.nms_sweep(BOXES, SCORES, iou_thresholds=3, nms_ious=3)  # type: ignore[call-arg]
