"""`DetectionSweep` at all 101 NMS stops against pycocotools run once, on 500 images × 100 boxes.

Ours includes NMS, matching, the counts at 101 × 101 settings and AP at 10 match IoUs, 4 area
ranges and 101 stops. Theirs gets the boxes that NMS keeps at 0.5, without the time for that NMS:
reading (`loadRes`), `evaluate`, `accumulate`. AP there has to be equal.
"""

import contextlib
import io
import resource

import numpy as np
import torch
from _measure import Result, at_most, box_scenes, interleave, median_of_ratios, report, spread
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from torchdial.sweeps.boxes.average_precision import AREAS
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.boxes.nms import nms_sweep

IMAGES, BOXES, CLASSES = 500, 100, 10
STOP = 50
AIM = 5


def ours(detections, targets):
    sweep = DetectionSweep(num_classes=CLASSES + 1)
    for start in range(0, IMAGES, 16):
        sweep.update(detections[start : start + 16], targets[start : start + 16])
    curves = sweep.compute()
    curves.best("f1")
    curves.average_precision(None, "large")  # computes that of all areas with it
    return curves, torch.stack([curves.average_precision(None, a, None) for a in AREAS], -1)


def xywh(boxes):
    low, high = boxes.double().split(2, 1)
    return torch.cat([low, high - low], 1).tolist()


def as_coco(detections, targets):
    """Return COCO's dict of annotations and list of results at one NMS stop."""
    annotations, results = [], []
    for i, (found, true) in enumerate(zip(detections, targets, strict=True)):
        kept = nms_sweep(found["boxes"], found["scores"], found["labels"])[:, STOP].tolist()
        columns = (xywh(true["boxes"]), true["labels"].tolist(), true["iscrowd"].tolist())
        for box, label, crowd in zip(*columns, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": label,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(crowd),
                }
            )
        columns = (xywh(found["boxes"]), found["labels"].tolist(), found["scores"].tolist(), kept)
        for box, label, score, stays in zip(*columns, strict=True):
            if stays:
                one = {"image_id": i, "category_id": label, "bbox": box, "score": score}
                results.append(one)
    categories = [{"id": c} for c in range(CLASSES + 1)]
    images = [{"id": i} for i in range(IMAGES)]
    return {"images": images, "categories": categories, "annotations": annotations}, results


def theirs(dataset, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(r) for r in results]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval["precision"][..., -1]


def compare(ap, precision):
    """Assert equal AP at the stop, for each class and area; (match IoU, recall, class, area)."""
    expected = np.where(precision[:, 0] < 0, np.nan, precision.mean(1)).mean(0)
    np.testing.assert_allclose(ap[:, STOP], expected, rtol=0, atol=1e-12)


def main():
    torch.set_num_threads(1)  # pycocotools runs on one core
    detections, targets = box_scenes(IMAGES, BOXES, CLASSES)
    dataset, results = as_coco(detections, targets)
    curves, ap = ours(detections, targets)
    compare(ap, theirs(dataset, results))
    times = interleave(
        3, ours=lambda: ours(detections, targets), theirs=lambda: theirs(dataset, results)
    )
    ratio = median_of_ratios(times["ours"], times["theirs"])
    size = sum(t.numel() * t.element_size() for t in curves.tally.tensors().values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        at_most("101 NMS stops / one run of pycocotools", ratio, AIM, "runs"),
        Result("DetectionSweep: NMS, counts, AP", spread(times["ours"])),
        Result(f"pycocotools, {len(results):,} boxes kept at 0.5", spread(times["theirs"])),
        Result("AP of 11 classes × 4 areas at that stop", "equal to 1e-12"),
        Result("kept of each image", f"{size / IMAGES / 1024:.3g} KiB"),
        Result("peak memory of the process", f"{peak:,.0f} MiB"),
    ]


if __name__ == "__main__":
    report("detection_sweep", main(), ["pycocotools"])
