"""Every public function and class, with arguments that it takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import torchdial as td
from torchdial import figures, inputs, structure
from torchdial.training import History

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
PROBS = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
TARGETS = (PROBS > 0.4).long()
SAMPLES = torch.rand(8, generator=torch.Generator().manual_seed(2))
BOXES = torch.tensor([[0.0, 0, 4, 4], [1, 1, 5, 5]])
SCORES, LABELS = torch.tensor([0.9, 0.4]), torch.tensor([0, 1])
FOUND = [{"boxes": BOXES, "scores": SCORES, "labels": LABELS}] * 2
THERE = [{"boxes": BOXES, "labels": LABELS}] * 2


@dataclass(frozen=True)
class Call:
    """A callable, and arguments by name that it takes; those of `more` are left as they are."""

    function: Callable[..., Any]
    takes: dict[str, Any]
    more: tuple[str, ...] = ()

    def __call__(self, **changed: Any) -> Any:
        return self.function(**(self.takes | changed))


def convolution() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 1, 1)


@functools.cache
def curves() -> Any:
    sweep = td.ThresholdSweep()
    sweep.update(PROBS, TARGETS)
    return sweep.compute()


@functools.cache
def detection_curves() -> Any:
    sweep = td.DetectionSweep()
    sweep.update(FOUND, THERE)
    return sweep.compute()


def history() -> History:
    made = History("run 1")
    for step in range(3):
        made.record(step, {"loss": 0.5})
        made.record_layers("grad_norm", ["a", "b"], step, [1.0, 2.0])
    return made


def preview(images: torch.Tensor = IMAGES) -> Any:
    return td.SegmentationPreview.from_model(convolution(), images, from_logits=True)


def classifier() -> Any:
    return td.ClassificationPreview(**CLASSIFICATION)


def boxes_preview() -> Any:
    return td.DetectionPreview(IMAGES, FOUND, THERE)


def finder(images: Any) -> Any:
    return FOUND[: len(images)]


def use_candidates(model: Any, score_floor: Any) -> None:
    with td.raw_candidates(model, score_floor):
        pass


def monitored(**given: Any) -> None:
    td.TrainingMonitor(**given).close()


def of_monitor(name: str) -> Callable[..., Any]:
    def call(**given: Any) -> Any:
        with td.TrainingMonitor(nn.Linear(1, 1)) as monitor:
            result = getattr(monitor, name)(**given)
            return list(result) if name == "loop" else result

    return call


def follow_once(path: Any) -> None:
    td.follow(path).close()


def update_maps(preds: Any, target: Any) -> None:
    td.ThresholdSweep().update(preds, target)


def update_boxes(preds: Any, target: Any) -> None:
    td.DetectionSweep().update(preds, target)


def of_run(name: str) -> Callable[..., Any]:
    return lambda **given: getattr(history(), name)(**given)


GIVEN: dict[str, Any] = {"images": IMAGES, "probs": PROBS, "targets": TARGETS}
ONE_CLASS: dict[str, Any] = {
    "task": "binary",
    "class_names": ["cell"],
    "threshold": 0.5,
    "class_thresholds": None,
    "thresholds": 11,
    "ignore_index": None,
    "average": "micro",
    "mean": None,
    "std": None,
    "window": None,
}
SEGMENTATION = (
    GIVEN
    | ONE_CLASS
    | {
        "curves": None,
        "include_background": True,
        "keep": 4,
        "keep_bytes": 1 << 20,
        "monitor": None,
        "min_sizes": [0, 3],
        "connectivity": 4,
    }
)
CLASSIFICATION = ONE_CLASS | {
    "scores": SAMPLES,
    "targets": (SAMPLES > 0.4).long(),
    "samples": IMAGES.repeat(4, 1, 1, 1),
    "costs": {"fp": 1, "fn": 20},
}
DETECTION = {
    "images": IMAGES,
    "detections": FOUND,
    "targets": THERE,
    "class_names": ["a", "b"],
    "box_format": "xyxy",
    "score_threshold": 0.25,
    "nms_iou": 0.5,
    "class_thresholds": None,
    "max_det": 300,
    "nms_ious": 11,
    "match_iou": 0.5,
    "curves": None,
    "average": "micro",
    "score_floor": 0.0,
    "image_ids": None,
    "mean": None,
    "std": None,
    "window": None,
    "keep": 4,
    "keep_bytes": 1 << 20,
    "monitor": None,
}

CALLS: dict[str, Call] = {
    "DetectionPreview": Call(td.DetectionPreview, DETECTION),
    "DetectionPreview.from_model": Call(
        td.DetectionPreview.from_model,
        {"model": finder, "images": IMAGES, "targets": THERE, "output": None, "batch_size": 2},
    ),
    "DetectionPreview.boxes_of": Call(
        lambda **given: boxes_preview().boxes_of(0, **given),
        {"truth": 0, "predicted": None, "model": 0},
    ),
    "DetectionPreview.apply": Call(
        lambda **given: boxes_preview().apply(**given), {"setting": {"nms_iou": 0.5}}
    ),
    "DetectionSweep": Call(
        td.DetectionSweep,
        {
            "num_classes": 2,
            "nms_ious": 11,
            "match_iou": 0.5,
            "max_det": 300,
            "score_thresholds": 11,
            "box_format": "xyxy",
            "zero_division": 1.0,
        },
    ),
    "DetectionSweep.update": Call(update_boxes, {"preds": FOUND, "target": THERE}),
    "DetectionCurves.best": Call(
        lambda **given: detection_curves().best(**given), {"metric": "f1", "at_least": None}
    ),
    "DetectionCurves.at": Call(
        lambda **given: detection_curves().at(**given), {"score_threshold": 0.5, "nms_iou": 0.5}
    ),
    "DetectionCurves.load": Call(lambda **given: td.DetectionCurves.load(**given), {"path": "no"}),
    "GradientPlot": Call(td.GradientPlot, {"source": history()}),
    "History": Call(History, {"name": "run", "config": None}),
    "History.record": Call(of_run("record"), {"step": 1, "values": {"loss": 1.0}, "time": 0.5}),
    "History.record_layers": Call(
        of_run("record_layers"),
        {"name": "grad_norm", "names": ["a", "b"], "step": 1, "values": [1.0, 2.0]},
    ),
    "History.epochs": Call(of_run("epochs"), {"steps": [1]}),
    "History.load_state_dict": Call(of_run("load_state_dict"), {"state": history().state_dict()}),
    "ImageGrid": Call(
        td.ImageGrid,
        {
            "images": IMAGES,
            "captions": ["a", "b"],
            "targets": TARGETS,
            "mean": 0.5,
            "std": 0.5,
            "cmap": None,
            "normalize": None,
            "box_format": "xyxy",
            "class_names": ["a", "b"],
        },
    ),
    "LossPlot": Call(td.LossPlot, {"source": history()}),
    "ModelTree": Call(
        td.ModelTree, {"model": convolution(), "example_input": IMAGES, "monitor": None}
    ),
    "ClassificationPreview": Call(td.ClassificationPreview, CLASSIFICATION),
    "ClassificationPreview.from_model": Call(
        functools.partial(td.ClassificationPreview.from_model, from_logits=True),
        {"model": nn.Linear(3, 1), "inputs": SAMPLES[:, None].repeat(1, 3), "batch_size": 2}
        | {"targets": CLASSIFICATION["targets"], "samples": None, "output": None},
    ),
    "ClassificationPreview.evaluate": Call(
        lambda **given: classifier().evaluate(**given),
        {"loader": [(SAMPLES, CLASSIFICATION["targets"])], "unpack": None},
    ),
    "ClassificationPreview.refresh": Call(
        lambda **given: classifier().refresh(**given), {"scores": SAMPLES}
    ),
    "ClassificationPreview.best": Call(
        lambda **given: classifier().best(**given), {"metric": "f1", "at_least": None}
    ),
    "ClassificationPreview.samples_of": Call(
        lambda **given: classifier().samples_of(**given), {"view": "nearest", "n": 2}
    ),
    "ClassificationPreview.image_grid": Call(
        lambda **given: classifier().image_grid(**given), {"view": "nearest", "n": 2}
    ),
    "ClassificationPreview.to_code": Call(
        lambda **given: classifier().to_code(**given), {"library": "torch"}
    ),
    "ClassificationPreview.apply": Call(
        lambda **given: classifier().apply(**given), {"setting": {"threshold": 0.5}}
    ),
    "SegmentationPreview": Call(td.SegmentationPreview, SEGMENTATION),
    "SegmentationPreview.from_model": Call(
        functools.partial(td.SegmentationPreview.from_model, from_logits=True),
        {"model": convolution(), "images": IMAGES, "targets": TARGETS, "output": None}
        | {"batch_size": 2, "display": None},
    ),
    "SegmentationPreview.evaluate": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).evaluate(**given),
        {"loader": [(PROBS, TARGETS)], "unpack": None},
    ),
    "SegmentationPreview.labels": Call(
        lambda **given: td.SegmentationPreview(
            IMAGES, PROBS.repeat(1, 2, 1, 1), task="multiclass"
        ).labels(**given),
        {"image": 0},
        more=("image",),
    ),
    "SegmentationPreview.refresh": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).refresh(**given),
        {"probs": PROBS, "step": 3},
    ),
    "SegmentationPreview.look_at": Call(
        lambda **given: preview().look_at(**given), {"images": IMAGES, "model": None}
    ),
    "SegmentationPreview.best": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).best(**given),
        {"metric": "dice", "at_least": None},
    ),
    "SegmentationPreview.images_of": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).images_of(**given),
        {"truth": 0, "predicted": None, "model": 0},
    ),
    "SegmentationPreview.images_between": Call(
        lambda **given: preview().images_between(**given), {"low": 0.2, "high": 0.4, "model": 0}
    ),
    "SegmentationPreview.worst": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).worst(**given),
        {"n": 1, "class_name": 0, "metric": "dice", "model": 0},
    ),
    "SegmentationPreview.to_pandas": Call(
        lambda **given: td.SegmentationPreview(**GIVEN).to_pandas(**given), {"model": 0}
    ),
    "SegmentationPreview.apply": Call(
        lambda **given: preview().apply(**given), {"setting": {"threshold": 0.5}}
    ),
    "ThresholdCurves.best": Call(
        lambda **given: curves().best(**given),
        {"metric": "dice", "at_least": None, "average": "micro"},
    ),
    "ThresholdCurves.at": Call(
        lambda **given: curves().at(**given), {"threshold": 0.5, "average": "micro"}
    ),
    "ThresholdCurves.metric": Call(
        lambda **given: curves().metric(**given), {"name": "dice", "average": "micro"}
    ),
    "ThresholdCurves.for_label": Call(lambda **given: curves().for_label(**given), {"label": 0}),
    "ThresholdSweep": Call(
        td.ThresholdSweep,
        {
            "task": "multiclass",
            "num_classes": 3,
            "thresholds": 11,
            "ignore_index": None,
            "zero_division": 1.0,
            "include_background": True,
            "min_sizes": [0, 3],
            "connectivity": 4,
        },
    ),
    "ThresholdSweep.update": Call(update_maps, {"preds": PROBS, "target": TARGETS}),
    "TrainingMonitor": Call(
        monitored,
        {
            "model": convolution(),
            "optimizer": None,
            "scaler": None,
            "include": None,
            "exclude": None,
            "budget": 0.01,
            "config": None,
            "name": None,
            "start_step": 0,
            "strict": False,
            "on_event": None,
            "autosave": None,
        },
    ),
    "TrainingMonitor.log": Call(of_monitor("log"), {"values": {"loss": 1.0}, "step": 1}),
    "TrainingMonitor.loop": Call(
        of_monitor("loop"), {"loader": [1, 2], "epochs": 1, "total": None}
    ),
    "TrainingMonitor.dial": Call(
        of_monitor("dial"),
        {"name": "x", "setter": lambda value: None, "min": 0.0, "max": 1.0, "value": None},
    ),
    "TrainingMonitor.start": Call(of_monitor("start"), {"train": lambda: None}),
    "TrainingMonitor.subscribe": Call(of_monitor("subscribe"), {"callback": lambda: None}),
    "TrainingPanel": Call(td.TrainingPanel, {"monitor": td.TrainingMonitor(nn.Linear(1, 1))}),
    "Visualization": Call(td.Visualization, {"model": convolution(), "device": None}),
    "compare": Call(td.compare, {"first": preview(), "second": preview(), "names": ["a", "b"]}),
    "compare_runs": Call(td.compare_runs, {"histories": [history()]}),
    "detect": Call(
        td.detect,
        {
            "boxes": BOXES,
            "scores": SCORES,
            "labels": LABELS,
            "score_threshold": 0.5,
            "nms_iou": 0.5,
            "class_thresholds": None,
            "max_det": 300,
        },
    ),
    "nms_sweep": Call(
        td.nms_sweep,
        {"boxes": BOXES, "scores": SCORES, "labels": LABELS, "nms_ious": 11},
    ),
    "raw_candidates": Call(use_candidates, {"model": convolution(), "score_floor": 0.01}),
    "follow": Call(follow_once, {"path": "no such folder"}),
    "read_runs": Call(td.read_runs, {"path": Path(__file__).parents[1] / "previous/run.td"}),
    "save_html": Call(
        td.save_html,
        {"widgets": [td.ImageGrid(IMAGES)], "path": "page.html", "title": "A page"}
        | {"max_bytes": None},
    ),
    "segment": Call(
        td.segment,
        {
            "probs": PROBS,
            "threshold": 0.5,
            "class_thresholds": None,
            "min_size": 3,
            "connectivity": 8,
        },
    ),
    "stream": Call(
        td.stream,
        {"model": convolution(), "frames": IMAGES, "preview": preview(IMAGES[:1]), "fps": 30.0},
    ),
    "quantile_stops": Call(td.quantile_stops, {"scores": PROBS, "count": 11, "seed": 0}),
    "threshold_levels": Call(td.threshold_levels, {"probs": PROBS, "thresholds": 11}),
    "structure.module_rows": Call(structure.module_rows, {"model": convolution()}),
    "structure.module_table": Call(
        structure.module_table, {"model": convolution(), "example_input": IMAGES}
    ),
    "structure.watch_forward": Call(
        structure.watch_forward, {"model": convolution(), "example_input": IMAGES}
    ),
    "inputs.to_annotations": Call(
        inputs.to_annotations,
        {
            "given": THERE,
            "box_format": "xyxy",
            "image_sizes": None,
            "num_classes": 2,
            "image_ids": None,
        },
    ),
    "inputs.to_boxes": Call(
        inputs.to_boxes,
        {"boxes": BOXES, "scores": SCORES, "labels": LABELS, "box_format": "xyxy"},
    ),
    "inputs.to_detections": Call(
        inputs.to_detections,
        {
            "given": FOUND,
            "box_format": "xyxy",
            "image_sizes": None,
            "num_classes": 2,
            "image_ids": None,
        },
    ),
    "inputs.to_images": Call(
        inputs.to_images, {"images": IMAGES, "mean": 0.5, "std": 0.5, "window": None}
    ),
    "inputs.to_probabilities": Call(
        inputs.to_probabilities, {"preds": PROBS, "task": "binary", "num_classes": None}
    ),
    "inputs.to_stops": Call(inputs.to_stops, {"thresholds": 11}),
    "inputs.to_targets": Call(
        inputs.to_targets,
        {"target": TARGETS, "shape": PROBS.shape, "task": "binary", "ignore_index": None},
        more=("shape",),
    ),
    "figures.gradient_figure": Call(figures.gradient_figure, {"source": history()}),
    "figures.histogram_figure": Call(
        figures.histogram_figure,
        {"source": convolution(), "layers": None, "of": "weights", "bins": 60},
    ),
    "figures.loss_figure": Call(figures.loss_figure, {"source": history(), "names": None}),
    "figures.operating_map_figure": Call(
        figures.operating_map_figure,
        {"source": boxes_preview(), "metric": "f1", "average": "micro"},
    ),
    "figures.precision_recall_figure": Call(
        figures.precision_recall_figure, {"source": curves(), "average": "micro"}
    ),
    "figures.threshold_curve_figure": Call(
        figures.threshold_curve_figure,
        {"source": curves(), "metrics": ["dice"], "average": "micro"},
    ),
}
