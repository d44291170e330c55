"""Common wrong arguments and their errors: what was expected, what came, and a remedy.

At most five for each public name; the finer points stand beside the tests of each module.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from tests.faults.public_calls import BOXES, CALLS, FOUND, IMAGES, PROBS, THERE, preview
from tests.inputs.error_messages import says
from torchdial import figures, inputs, structure, sweeps, training

NOT_FINITE = PROBS.clone().index_fill_(3, torch.tensor([0]), torch.nan)
OTHER = td.SegmentationPreview(IMAGES, PROBS[:, 0], thresholds=5)

OTHER_NAMES = [  # by which some arguments are known to people, or that they have inside them
    *("model", "compare", "load_state_dict", "loss", "metric", "dial", "targets", "detections"),
    "probs",
]

# (what is called, what is changed in a call that works, expected, got, remedy)
CASES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("DetectionPreview", {"images": IMAGES * 255}, "in [0, 1]", "values in", "window=(0, 255)"),
    ("DetectionPreview", {"detections": FOUND[:1]}, "2 images", "1", "empty"),
    ("DetectionPreview", {"nms_iou": "0.5"}, "a number in [0, 1]", "'0.5'", "Percent"),
    ("DetectionPreview", {"class_names": "ab"}, "a name for each label", "'ab'", "dict"),
    ("DetectionPreview", {"curves": 3}, "DetectionCurves", "int 3", "compute()"),
    ("DetectionPreview.from_model", {"model": IMAGES}, "Module", "tensor", "the model itself"),
    ("DetectionPreview.from_model", {"batch_size": 0}, "from 1", "0", "8 is usual"),
    ("DetectionSweep", {"match_iou": 50}, "(0, 1]", "50", "0.5"),
    ("DetectionSweep", {"max_det": 0.5}, "a whole number", "0.5", "300"),
    ("DetectionSweep", {"box_format": "voc"}, "xyxy", "voc", "corners"),
    ("DetectionSweep", {"zero_division": "one"}, "a number or NaN", "'one'", "1.0"),
    ("DetectionSweep.update", {"target": FOUND[:1]}, "2", "1", "no boxes"),
    ("DetectionCurves.best", {"metric": "dice"}, "'f1'", "'dice'", "Choose"),
    ("DetectionCurves.best", {"at_least": 0.9}, "by the name", "0.9", "recall"),
    ("DetectionCurves.at", {"nms_iou": np.nan}, "a number in [0, 1]", "nan", "Percent"),
    ("DetectionCurves.load", {"path": None}, "a path", "None", "text"),
    ("GradientPlot", {"source": [1.0]}, "or a model", "list", "GradientPlot(monitor)"),
    ("History", {"config": 3}, "settings by name", "int 3", "lr"),
    ("History.record", {"step": 1.5}, "a whole number", "1.5", "steps"),
    ("History.record", {"values": {"loss": "low"}}, "a number", "'low'", "loss"),
    ("History.record", {"time": np.nan}, "a finite number", "nan", "seconds"),
    ("History.record_layers", {"values": [1.0]}, "for each of 2 names", "list", "each layer"),
    ("History.load_state_dict", {"state": {}}, "what state_dict", "else", "monitor"),
    ("ImageGrid", {"images": []}, "images", "none", "at least one"),
    ("ImageGrid", {"captions": ["a"]}, "each of 2 pictures", "['a']", "list of strings"),
    ("ImageGrid", {"targets": PROBS[:1]}, "one for each of 2", "1", "None"),
    ("ImageGrid", {"cmap": "blau"}, "", "'blau'", ""),
    ("ImageGrid", {"normalize": (1, 0)}, "low < high", "(1, 0)", "normalize=(0, 255)"),
    ("LossPlot", {"source": {"loss": "low"}}, "a list", "'low'", "one dimension"),
    ("ModelTree", {"model": "resnet18"}, "a torch.nn.Module", "'resnet18'", "itself"),
    ("ClassificationPreview", {"scores": torch.rand(8, 2)}, "(N,)", "(8, 2)", "[:, 1]"),
    ("ClassificationPreview", {"targets": torch.zeros(7)}, "shape (8,)", "(7,)", "this shape"),
    ("ClassificationPreview", {"costs": {"fp": 1}}, "'fp' and 'fn'", "{'fp': 1}", "20"),
    ("ClassificationPreview", {"average": "image"}, "'micro'", "'image'", "Choose"),
    ("ClassificationPreview", {"samples": IMAGES}, "each of 8", "(2, 3, 8, 8)", "in their order"),
    ("SegmentationPreview", {"probs": PROBS * 9 - 4}, "[0, 1]", "values in", "from_logits=True"),
    ("SegmentationPreview", {"probs": NOT_FINITE}, "finite", "16 of 128", "Look for"),
    ("SegmentationPreview", {"probs": PROBS > 0.5}, "floating-point", "bool", "argmax"),
    ("SegmentationPreview", {"keep": 3}, "at least 4", "3", "keep=24"),
    ("SegmentationPreview", {"monitor": 7}, "TrainingMonitor", "int", "refresh(step=...)"),
    ("SegmentationPreview", {"task": "semantic"}, "'binary'", "'semantic'", "softmax"),
    ("SegmentationPreview", {"class_thresholds": [0.1]}, "None for a single", "0.1", "threshold="),
    ("SegmentationPreview.from_model", {"model": None}, "Module", "None", "the model itself"),
    ("SegmentationPreview.from_model", {"images": IMAGES[0]}, "(N, C, H, W)", "(3, 8, 8)", "None]"),
    ("SegmentationPreview.from_model", {"output": "mask"}, "key or index", "'mask'", "function"),
    ("ThresholdCurves.at", {"threshold": [0.1, 0.2]}, "each of 1 class", "2 numbers", "one number"),
    ("ThresholdCurves.best", {"at_least": {"recall": "all"}}, "a finite number", "'all'", "0.9"),
    ("ThresholdCurves.metric", {"name": "f1"}, "'dice'", "'f1'", "Choose"),
    ("ThresholdCurves.for_label", {"label": 1}, "from 0 to 0", "1", "from 0"),
    ("quantile_stops", {"scores": PROBS.long()}, "floating-point", "int64", ".float()"),
    ("quantile_stops", {"count": 256}, "from 2 to 255", "256", "101"),
    ("ThresholdSweep", {"num_classes": None}, "from 2 to 255", "None", "channels"),
    ("ThresholdSweep", {"thresholds": 256}, "a count from 2 to 255", "256", "101"),
    ("ThresholdSweep", {"thresholds": [0.9, 0.1]}, "increasing", "[0.9, 0.1]", "Sort"),
    (
        "ThresholdSweep.update",
        {"target": PROBS[:1]},
        "one label for each pixel",
        "(1,",
        "of these 2 images",
    ),
    ("ThresholdSweep.update", {"target": PROBS}, "labels 0 … 1", "also", "target > 0.5"),
    ("TrainingMonitor", {"model": "net"}, "Module", "'net'", "parameters"),
    ("TrainingMonitor", {"optimizer": 0.1}, "torch.optim.Optimizer", "0.1", ""),
    ("TrainingMonitor", {"budget": 5}, "at most 1", "5", "0.01"),
    ("TrainingMonitor", {"include": "nothing.*"}, "at least one", "none of 2", "Names"),
    ("TrainingMonitor", {"autosave": True}, "a path", "True", "text"),
    ("TrainingMonitor.loop", {"epochs": 0}, "from 1", "0", "number of epochs"),
    ("TrainingMonitor.loop", {"loader": 7}, "an iterable", "7", "loader itself"),
    ("TrainingMonitor.dial", {"min": 1.0, "max": 0.0}, "min < max", "min=1, max=0", "Pass min="),
    ("TrainingMonitor.dial", {"setter": 3}, "a function", "3", "lambda"),
    ("TrainingMonitor.start", {"train": None}, "", "None", ""),
    ("TrainingPanel", {"monitor": None}, "a TrainingMonitor", "None", "LossPlot(history)"),
    ("Visualization", {"model": "net"}, "Module", "'net'", ""),
    ("compare", {"names": "ab"}, "a name for each of two", "'ab'", "names=["),
    ("compare", {"second": OTHER}, "differ in the models' output", "thresholds", "Make"),
    ("compare", {"second": IMAGES}, "two SegmentationPreviews", "Tensor", "each model"),
    ("compare_runs", {"histories": ["run 1"]}, "a History", "'run 1'", "runs()"),
    ("detect", {"boxes": BOXES / 0}, "finite", "", "zero"),
    ("detect", {"scores": BOXES[:, 0] + 5}, "[0, 1]", "values in", "logits"),
    ("detect", {"score_threshold": "0.5"}, "a finite number", "'0.5'", "above"),
    ("detect", {"max_det": -1}, "from 1", "-1", "large"),
    ("follow", {"path": 3}, "a path, or a list of paths", "3", "runs"),
    (
        "follow",
        {"path": "s3://a/run.td"},
        "files that this machine sees",
        "the URL",
        "td.read_runs",
    ),
    ("nms_sweep", {"labels": [0]}, "each of the 2 boxes", "1", "the same mask"),
    ("nms_sweep", {"boxes": BOXES[:, :3]}, "(N, 4)", "(2, 3)", ""),
    ("raw_candidates", {}, "RetinaNet", "Conv2d", "pass the boxes"),
    ("read_runs", {"path": []}, "a path, or a list of paths", "an empty list", "runs"),
    ("read_runs", {"path": ["a.td", None]}, "a path", "None", "text"),
    ("read_runs", {"path": __file__}, "a CSV with a column of steps", "another file", '"step"'),
    ("save_html", {"widgets": []}, "a list of torchdial's widgets", "list []", "save_html(["),
    ("save_html", {"widgets": [IMAGES]}, "torchdial's widgets", "tensor", "other widgets"),
    ("save_html", {"path": None}, "a path", "None", "text"),
    ("save_html", {"max_bytes": 0}, "from 1", "0", "64 << 20"),
    ("save_html", {"max_bytes": 1000}, "room for one", "1,000", "None"),
    ("SegmentationPreview", {"min_sizes": [3, 0]}, "begin with 0", "3", "removes nothing"),
    ("ThresholdSweep", {"min_sizes": [25]}, "begin with 0", "25", "removes nothing"),
    ("segment", {"min_size": 0.5}, "a whole number", "0.5", "pixels"),
    ("segment", {"connectivity": 6}, "4 or 8", "6", "corners"),
    ("segment", {"threshold": 128}, "[0, 1]", "128", "above"),
    ("segment", {"class_thresholds": [0.1, 0.2]}, "each channel", "2 for", "threshold="),
    ("stream", {"fps": 0}, "above 0", "0", "fps=30"),
    ("stream", {"preview": None}, "SegmentationPreview", "None", "from_model"),
    ("threshold_levels", {"probs": [0.5]}, "a torch tensor", "list [0.5]", "as_tensor"),
    ("threshold_levels", {"probs": PROBS > 0.5}, "floating-point", "bool", "argmax"),
    ("structure.module_rows", {"model": IMAGES}, "Module", "tensor", "itself"),
    ("structure.module_table", {"model": nn.Linear}, "Module", "Linear", "itself"),
    ("structure.watch_forward", {"model": None}, "Module", "None", "itself"),
    ("inputs.to_annotations", {"given": [{}]}, "boxes, labels", "only []", "for each image"),
    ("inputs.to_annotations", {"num_classes": 1}, "labels 0 … 0", "also [1]", "largest label"),
    ("inputs.to_boxes", {"boxes": BOXES.flip(1)}, "x1 ≤ x2", "other way round", "box_format"),
    ("inputs.to_detections", {"given": None}, "", "None", ""),
    ("inputs.to_images", {"images": "cat.png"}, "a torch tensor", "'cat.png'", "PIL.Image.open"),
    ("inputs.to_images", {"mean": [0.5, 0.5]}, "3 channels", "2 numbers", "normalised"),
    ("inputs.to_probabilities", {"preds": PROBS.to_sparse()}, "dense", "sparse", "to_dense"),
    ("inputs.to_stops", {"thresholds": "many"}, "a count", "'many'", "example 101"),
    ("inputs.to_targets", {"target": PROBS.to("meta")}, "a dense tensor", "meta device", "Convert"),
    ("figures.gradient_figure", {"source": None}, "TrainingMonitor", "None", ""),
    ("figures.histogram_figure", {"layers": ["bais"]}, "names among", "'bais'", ""),
    ("figures.histogram_figure", {"of": "biases"}, "'weights'", "'biases'", "activations"),
    ("figures.histogram_figure", {"bins": 2**31}, "to 10,000", "2147483648", "60"),
    ("figures.loss_figure", {"names": 3}, "names", "3", "Pass"),
    ("figures.operating_map_figure", {"source": preview()}, "DetectionCurves", "", "compute()"),
    ("figures.precision_recall_figure", {"average": "mean"}, "'micro'", "'mean'", "Choose"),
    ("figures.threshold_curve_figure", {"metrics": []}, "at least one", "none", "dice"),
    ("figures.threshold_curve_figure", {"metrics": ["f1"]}, "'dice'", "'f1'", "Choose"),
]


@pytest.mark.parametrize(
    ("key", "changed", "expected", "got", "remedy"),
    CASES,
    ids=[f"{key} {'and '.join(changed)}" for key, changed, *_ in CASES],
)
def test_the_error_has_what_was_expected_what_came_and_a_remedy(
    key: str, changed: dict[str, Any], expected: str, got: str, remedy: str
) -> None:
    with pytest.raises(ValueError, match=says("", "", got, remedy).replace("^", "")) as caught:
        CALLS[key](**changed)
    before, after = str(caught.value).split(", got ", 1)
    assert expected in before.partition(": expected ")[2]
    named = [*changed, key.partition(".")[0], *OTHER_NAMES]
    assert any(name in before.partition(":")[0] for name in named)
    assert after


# What the remedies of these errors say, done literally: the arguments with which a call works.
REMEDIED: list[tuple[str, dict[str, Any]]] = [
    ("DetectionPreview", {"images": IMAGES * 255, "window": (0, 255)}),
    ("DetectionPreview", {"detections": [FOUND[0], ([], [], [])]}),
    ("DetectionPreview", {"class_names": ["a", "b"]}),
    ("DetectionPreview", {"class_names": {0: "a", 1: "b"}}),
    ("DetectionSweep.update", {"target": [THERE[0], {"boxes": [], "labels": []}]}),
    ("DetectionCurves.best", {"metric": "f1"}),
    ("DetectionCurves.best", {"at_least": {"recall": 0.5}}),
    ("History", {"config": {"lr": 0.1}}),
    ("History.record", {"values": {"loss": 0.5}}),
    ("ImageGrid", {"captions": ["a", "b"]}),
    ("ImageGrid", {"targets": [PROBS[0, 0] > 0.5, None]}),
    ("ImageGrid", {"cmap": "viridis"}),
    ("ImageGrid", {"normalize": (0, 255)}),
    ("LossPlot", {"source": {"loss": [1.0, 0.5]}}),
    ("ClassificationPreview", {"scores": torch.rand(8, 2)[:, 1]}),
    ("ClassificationPreview", {"costs": {"fp": 1, "fn": 20}}),
    ("SegmentationPreview", {"probs": PROBS * 9 - 4, "from_logits": True}),
    ("SegmentationPreview", {"keep": 24}),
    ("SegmentationPreview", {"keep": 1}),
    ("SegmentationPreview", {"threshold": 0.1}),
    ("SegmentationPreview.from_model", {"images": IMAGES[0][None], "targets": None}),
    ("SegmentationPreview.from_model", {"output": lambda maps: maps}),
    ("ThresholdCurves.best", {"at_least": {"recall": 0.5}}),
    ("quantile_stops", {"scores": torch.as_tensor(PROBS.long()).float()}),
    ("ThresholdSweep", {"thresholds": 101}),
    ("ThresholdSweep", {"thresholds": sorted([0.9, 0.1])}),
    ("ThresholdSweep", {"min_sizes": (0, 25, 100, 400)}),
    ("ThresholdSweep.update", {"target": PROBS > 0.5}),
    ("TrainingMonitor", {"budget": 0.01}),
    ("TrainingMonitor.dial", {"setter": print}),
    ("compare", {"names": ["small", "large"]}),
    ("detect", {"scores": (BOXES[:, 0] + 5).sigmoid()}),
    ("nms_sweep", {"labels": None}),
    ("save_html", {"max_bytes": 64 << 20}),
    ("save_html", {"max_bytes": None}),
    ("segment", {"min_size": 25}),
    ("segment", {"min_size": 0}),
    ("segment", {"connectivity": 8}),
    ("stream", {"fps": 30}),
    ("threshold_levels", {"probs": torch.as_tensor([0.5])}),
    ("inputs.to_boxes", {"boxes": BOXES.flip(1), "box_format": "cxcywh"}),
    ("inputs.to_probabilities", {"preds": PROBS.to_sparse().to_dense()}),
    ("figures.histogram_figure", {"bins": 60}),
    ("figures.threshold_curve_figure", {"metrics": ["dice"]}),
]


@pytest.mark.parametrize(
    ("key", "changed"),
    REMEDIED,
    ids=[f"{key} {' and '.join(changed)}" for key, changed in REMEDIED],
)
@pytest.mark.filterwarnings("ignore")
def test_a_remedy_that_is_followed_works(
    key: str, changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write a file
    assert key in {refused for refused, *_ in CASES}
    CALLS[key](**changed)


# Results, which only torchdial makes, and a type.
RESULTS = {
    *("DetectionCurves", "ThresholdCurves", "Calibration", "ForwardFailure", "ForwardPass"),
    *("Fold", "ModuleRow", "ModuleTable", "ModuleUse", "Annotations", "Detections", "Stops"),
    *("Event", "Handle", "Task"),
}
TAKES_NOTHING = {"StopTraining", "runs"}


@pytest.mark.parametrize("room", [td, sweeps, structure, inputs, figures, training])
def test_every_public_name_is_in_the_table(room: Any) -> None:
    tried = {key.removeprefix(f"{room.__name__.partition('.')[2]}.") for key, *_ in CASES}
    called = {name for name in room.__all__ if callable(getattr(room, name))}
    wanted = called - RESULTS - TAKES_NOTHING
    assert wanted <= tried | {key.partition(".")[0] for key in tried}
    assert not inspect.signature(td.runs).parameters
