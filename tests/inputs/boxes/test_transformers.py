"""What transformers' own post-processing returns, from a small model with random weights."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import DetrImageProcessor, YolosConfig, YolosForObjectDetection

from torchdial import DetectionSweep, nms_sweep
from torchdial.inputs import to_annotations, to_detections

SIZES = [(100, 200), (50, 60)]
NAMES = {0: "cat", 1: "dog", 2: "cow"}


@pytest.fixture(scope="module")
def outputs() -> Any:
    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[32, 32],
        patch_size=16,
        num_detection_tokens=7,
        id2label=NAMES,
    )
    with torch.inference_mode():
        return YolosForObjectDetection(config).eval()(torch.rand(2, 3, 32, 32))


def results_of(outputs: Any, threshold: float) -> list[dict[str, torch.Tensor]]:
    processor = DetrImageProcessor()
    results: list[dict[str, torch.Tensor]] = processor.post_process_object_detection(
        outputs, threshold=threshold, target_sizes=SIZES
    )
    return results


def test_each_image_has_the_boxes_of_its_queries(outputs: Any) -> None:
    """The best class of each query that is not "no object", and its box in the image's pixels."""
    found = to_detections(results_of(outputs, 0.0), num_classes=3)
    probs = outputs.logits.softmax(-1)[..., :-1]
    for i, (height, width) in enumerate(SIZES):
        scores, labels = probs[i].max(-1)
        assert found[i].scores.equal(scores)
        assert found[i].labels.equal(labels)
        x, y, w, h = (outputs.pred_boxes[i] * torch.tensor([width, height] * 2)).T
        corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)
        torch.testing.assert_close(found[i].boxes, corners)
        assert found[i].after_nms, "these models need no NMS"


def test_they_go_under_the_dials(outputs: Any) -> None:
    results = results_of(outputs, 0.0)
    true = [{"boxes": of["boxes"][:1], "labels": of["labels"][:1]} for of in results]
    sweep = DetectionSweep(num_classes=len(NAMES))
    sweep.update(results, true)
    assert sweep.compute().at(0.0, 1.0)["tp"] == 2
    first = results[0]
    assert nms_sweep(first["boxes"], first["scores"], first["labels"]).shape == (7, 101)


def test_an_image_of_which_nothing_passes_their_threshold(outputs: Any) -> None:
    found = to_detections(results_of(outputs, 1.0))
    assert [len(image) for image in found] == [0, 0]


def test_raw_outputs_are_refused_and_the_call_that_the_error_names_is_read(outputs: Any) -> None:
    images, processor = [torch.zeros(3, *size) for size in SIZES], DetrImageProcessor()
    with pytest.raises(ValueError, match=r"raw output of a DETR\. Pass processor\.post_process"):
        to_detections(outputs)
    found = to_detections(
        processor.post_process_object_detection(
            outputs, threshold=0.0, target_sizes=[image.shape[-2:] for image in images]
        )
    )
    for ours, theirs in zip(found, results_of(outputs, 0.0), strict=True):
        assert ours.boxes.equal(theirs["boxes"])
        assert ours.scores.equal(theirs["scores"])


def test_labels_of_its_processor_lie_where_its_annotations_were() -> None:
    """A photograph of 100 x 200, enlarged and padded by the processor."""
    box = {"image_id": 7, "category_id": 2, "bbox": [20.0, 10, 60, 40], "area": 900.0, "iscrowd": 0}
    encoded = DetrImageProcessor(size={"shortest_edge": 50, "longest_edge": 100})(
        np.zeros((100, 200, 3), np.uint8),
        annotations={"image_id": 7, "annotations": [box | {"id": 1}]},
        return_tensors="pt",
    )
    (label,) = encoded["labels"]
    (true,) = to_annotations([label], image_sizes=[(100, 200)])
    torch.testing.assert_close(true.boxes, torch.tensor([[20.0, 10, 80, 50]]))
    assert true.area.tolist() == pytest.approx([900])
    assert (true.labels.tolist(), true.image_id) == ([2], 7)
    (shown,) = to_annotations([label], image_sizes=[tuple(encoded["pixel_values"].shape[-2:])])
    torch.testing.assert_close(shown.boxes, torch.tensor([[10.0, 5, 40, 25]]))
