"""The torchmetrics metrics: they count as the sweeps do, wherever torchmetrics takes them."""

import copy
import json
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.functional.classification import (
    binary_stat_scores,
    multiclass_confusion_matrix,
    multilabel_stat_scores,
)

from tests.inputs.error_messages import says
from tests.sweeps.boxes import coco
from tests.sweeps.boxes.test_detection_sweep import same as same_boxes
from tests.sweeps.pixels.test_threshold_sweep import same
from tests.sweeps.processes import (
    CLASSES,
    PATIENCE,
    SHARES,
    batch_of,
    detections_of,
    metric_of,
    run,
)
from torchdial import (
    DetectionCurves,
    DetectionSweep,
    ThresholdCurves,
    ThresholdSweep,
    quantile_stops,
)
from torchdial.sweeps.torchmetrics import DetectionSweepMetric, ThresholdSweepMetric

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
OTHER_SETTINGS = says("metric states", "same settings", "others", "same arguments")


def curves_of(task: Any) -> ThresholdCurves:
    sweep = ThresholdSweep(task=task, num_classes=CLASSES[task], thresholds=11, ignore_index=7)
    sweep.update(*batch_of(task))
    return sweep.compute()


def updated(task: str) -> ThresholdSweepMetric:
    metric = metric_of(task)
    metric.update(*batch_of(task))
    return metric


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("task", CLASSES)
def test_the_numbers_of_the_sweep_in_any_batches(task: str, size: int, device: str) -> None:
    metric = metric_of(task).to(device)
    for probs, target in zip(*(t.split(size) for t in batch_of(task)), strict=True):
        metric.update(probs.to(device).requires_grad_(), target.to(device))
    assert same(metric.compute(), curves_of(task))
    assert metric.compute() is metric.compute()
    assert torch.cat(metric.tp).cpu().equal(curves_of(task).counts.tp)


def test_scores_of_any_range_are_counted_as_by_the_sweep() -> None:
    scores = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0)) * 40
    stops = quantile_stops(scores, 21)
    metric, sweep = ThresholdSweepMetric(thresholds=stops), ThresholdSweep(thresholds=stops)
    for counted in (metric, sweep):
        counted.update(scores, scores > 30)
    assert metric.compute().stops == stops
    assert metric.compute().best("dice") == sweep.compute().best("dice")
    with pytest.raises(ValueError, match="from_logits=True"):
        ThresholdSweepMetric(thresholds=stops, from_logits=True)


def test_the_numbers_of_torchmetrics() -> None:
    stops = [0.1, 0.35, 0.5, 0.8]
    for k, stop in enumerate(torch.tensor(stops).tolist()):
        for task in ("binary", "multilabel"):
            metric = ThresholdSweepMetric(
                task=task, num_classes=CLASSES[task], thresholds=stops, ignore_index=7
            )
            probs, target = batch_of(task)
            metric.update(probs, target)
            if task == "binary":
                scores = binary_stat_scores(probs, target, stop, ignore_index=7)[None]
            else:
                scores = multilabel_stat_scores(probs, target, 3, stop, None, ignore_index=7)
            curves = metric.compute()
            ours = torch.stack([curves.tp, curves.fp, curves.tn, curves.fn], dim=1)[..., k]
            assert ours.equal(scores[:, :4])
    curves = updated("multiclass").compute()
    theirs = multiclass_confusion_matrix(*batch_of("multiclass"), 3, ignore_index=7)
    assert curves.confusion(0.0)[:, :3].equal(theirs)


@pytest.mark.parametrize("task", CLASSES)
def test_forward_gives_the_curves_of_the_batch_and_keeps_all(task: str) -> None:
    metric, (probs, target) = metric_of(task), batch_of(task)
    assert metric(probs[:1], target[:1]).num_images == 1
    second = metric(probs[1:], target[1:])
    assert second.num_images == 3
    assert second.counts.tp.equal(curves_of(task).counts.tp[1:])
    assert same(metric.compute(), curves_of(task))
    metric.to("cpu")  # moves what is cached too
    assert same(metric.compute(), curves_of(task))


def test_one_image_one_class_one_stop_keep_their_dimensions() -> None:
    metric = ThresholdSweepMetric(thresholds=[0.5])
    assert metric(torch.ones(2, 2), torch.ones(2, 2)).tp.shape == (1, 1)
    assert metric.compute().counts.tp.shape == (1, 1, 1)


def test_reset_forgets() -> None:
    metric = updated("multiclass")
    metric.compute()
    metric.reset()
    message = says("compute", "one update", "none", "Call update")
    with pytest.warns(UserWarning, match="before"), pytest.raises(ValueError, match=message):
        metric.compute()
    metric.update(*batch_of("multiclass"))
    assert same(metric.compute(), curves_of("multiclass"))


def test_a_refused_batch_leaves_the_counts() -> None:
    metric = updated("multiclass")
    probs, target = batch_of("multiclass")
    with pytest.raises(ValueError, match=says("preds", "[0, 1]", "values in", "Scores")):
        metric.update(probs + 1, target)
    with pytest.raises(ValueError, match=says("target", "labels 0 … 2", "[3]", "ignore_index")):
        metric.update(probs, target.clamp(max=3))
    assert same(metric.compute(), curves_of("multiclass"))


def test_a_collection_keeps_apart_what_only_begins_the_same() -> None:
    """Torchmetrics lets metrics share their states if those are equal after the first batch."""
    metrics = MetricCollection(
        {
            "low": ThresholdSweepMetric(thresholds=[0.2, 0.5]),
            "high": ThresholdSweepMetric(thresholds=[0.3, 0.5]),
            "strict": ThresholdSweepMetric(thresholds=[0.2, 0.5], zero_division=0.0),
        }
    )
    metrics.update(torch.tensor([[0.1, 0.9]]), torch.tensor([[0, 1]]))
    metrics(torch.tensor([[0.1, 0.25]]), torch.tensor([[0, 1]]))
    metrics.update(torch.tensor([[0.25, 0.0]]), torch.tensor([[0, 0]]))
    assert sorted(map(sorted, metrics.compute_groups.values())) == [["high"], ["low", "strict"]]
    curves = metrics.compute()
    assert curves["low"].tp.tolist() == [[2, 1]]
    assert curves["high"].tp.tolist() == [[1, 1]]
    assert curves["low"].dice("image").tolist() == [2 / 3, 2 / 3]
    assert curves["strict"].dice("image").tolist() == [2 / 3, 1 / 3]


@pytest.mark.parametrize("task", CLASSES)
def test_checkpoints(task: str, tmp_path: Path) -> None:
    model = torch.nn.ModuleDict({"layer": torch.nn.Linear(1, 1), "sweep": metric_of(task)})
    assert set(model.state_dict()) == {"layer.weight", "layer.bias"}
    model["sweep"].persistent(True)
    model["sweep"].update(*(t[:2] for t in batch_of(task)))
    torch.save(model.state_dict(), tmp_path / "model.pt")
    restored = torch.nn.ModuleDict({"layer": torch.nn.Linear(1, 1), "sweep": metric_of(task)})
    restored.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    restored["sweep"].update(*(t[2:] for t in batch_of(task)))
    assert same(restored["sweep"].compute(), curves_of(task))


def test_a_checkpoint_of_other_settings_is_refused() -> None:
    metric, other = (ThresholdSweepMetric(thresholds=t) for t in ([0.5], [0.6]))
    metric.persistent(True)
    metric.update(*(t.clamp(max=1) for t in batch_of("binary")))
    other.load_state_dict(metric.state_dict())
    other.update(torch.rand(4, 4), torch.ones(4, 4))
    with pytest.raises(ValueError, match=OTHER_SETTINGS):
        other.compute()


@pytest.mark.parametrize("task", CLASSES)
def test_merging_states(task: str) -> None:
    first, second = metric_of(task), metric_of(task)
    first.update(*(t[3:] for t in batch_of(task)))
    second.update(*(t[:3] for t in batch_of(task)))
    first.merge_state(second)
    assert same(first.compute(), curves_of(task))
    with pytest.raises(ValueError, match=OTHER_SETTINGS):
        first.merge_state(
            ThresholdSweepMetric(
                task=task, num_classes=CLASSES[task], thresholds=[0.5], ignore_index=7
            )
        )


@pytest.mark.parametrize(
    "other",
    [
        {"match_iou": 0.6},
        {"class_agnostic": True},
        {"nms_ious": [0.3, 0.5]},
        {"num_classes": coco.CLASSES + 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_detections_counted_with_another_setting_are_not_merged(other: dict[str, Any]) -> None:
    first = DetectionSweepMetric(num_classes=coco.CLASSES)
    second = DetectionSweepMetric(**{"num_classes": coco.CLASSES} | other)
    for metric in (first, second):
        metric.update(*detections_of())
    with pytest.raises(ValueError, match=OTHER_SETTINGS):
        first.merge_state(second)


def test_merging_detections() -> None:
    first, second = (
        DetectionSweepMetric(num_classes=coco.CLASSES),
        DetectionSweepMetric(num_classes=coco.CLASSES),
    )
    found, true = detections_of()
    first.update(found[3:], true[3:])
    second.update(found[:3], true[:3])
    first.merge_state(second)
    assert same_boxes(first.compute(), detection_curves())


COPIES = [
    pytest.param(lambda m: pickle.loads(pickle.dumps(m)), id="pickled"),
    pytest.param(copy.deepcopy, id="copied"),
    pytest.param(lambda m: m.clone(), id="cloned"),
    pytest.param(lambda m: m.half().double().to(torch.float16), id="in other floats"),
]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_count_on_by_themselves(copied: Any) -> None:
    metric = metric_of("multiclass")
    metric(*(t[:2] for t in batch_of("multiclass")))
    metric.compute()
    other = copied(metric)
    other.update(*(t[2:] for t in batch_of("multiclass")))
    assert same(other.compute(), curves_of("multiclass"))
    if other is not metric:
        assert metric.compute().num_images == 2


def test_arguments_are_checked_and_passed_on() -> None:
    assert ThresholdSweepMetric(compute_on_cpu=True).compute_on_cpu
    with pytest.raises(ValueError, match="Unexpected keyword arguments: `threshold`"):
        ThresholdSweepMetric(threshold=5)
    with pytest.raises(ValueError, match=says("num_classes", "2 to 255", "None", "channels")):
        ThresholdSweepMetric(task="multiclass")


def detection_curves() -> DetectionCurves:
    sweep = DetectionSweep(num_classes=coco.CLASSES)
    sweep.update(*detections_of())
    return sweep.compute()


def test_the_sweep_itself_needs_no_torchmetrics() -> None:
    sweep = "torchdial.sweeps.pixels.threshold_sweep"
    code = f"import sys, {sweep}; sys.exit('torchmetrics' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_processes_give_the_numbers_of_one(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=run, args=(rank, str(tmp_path))) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    for rank in range(2):
        for name in SHARES:
            for task in CLASSES:
                loaded = ThresholdCurves.load(tmp_path / f"{task}, {name}, {rank}.npz")
                assert same(loaded, curves_of(task)), (task, name, rank)
            boxes = DetectionCurves.load(tmp_path / f"boxes, {name}, {rank}.npz")
            assert same_boxes(boxes, detection_curves()), (name, rank)
        received = json.loads((tmp_path / f"received by {rank}.json").read_text())
        assert "expected counts made with the same settings" in received["refused"]
        assert received["images on step"] == 3
