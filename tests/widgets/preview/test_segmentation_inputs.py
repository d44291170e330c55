"""What a segmentation preview takes besides plain batches, and what it gives back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics.functional.classification as reference
from torch import nn

import torchdial as td
from tests.widgets.preview.test_segmentation_preview import STOPS, multiclass, scene
from torchdial.sweeps.torchmetrics import ThresholdSweepMetric


def thresholded(probs: torch.Tensor, stop: int) -> torch.Tensor:
    """Return the argmax, -1 where its probability is at most the stop's."""
    top = probs.max(1)
    return torch.where(top.values > STOPS[stop], top.indices, -1)


@pytest.mark.parametrize("own", [False, True])
def test_labels_are_the_argmax_unless_it_is_at_most_the_threshold(own: bool) -> None:
    images, probs, _ = multiclass()
    each = [0.26, 0.3, 0.26, 0.2] if own else [0.26] * 4
    preview = td.SegmentationPreview(
        images,
        probs,
        task="multiclass",
        threshold=0.26,
        class_thresholds=each if own else None,
    )
    at = STOPS[torch.tensor([round(100 * t) for t in each])]
    for i in range(3):
        top = probs[i].max(0)
        expected = torch.where(top.values > at[top.indices], top.indices, -1)
        labels = preview.labels(i)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(labels, expected)
    with pytest.raises(ValueError, match=r"task='multiclass'.*Use mask\(image, label\)"):
        td.SegmentationPreview(*scene()).labels(0)


def f1(probs: torch.Tensor, labels: torch.Tensor, stop: int, average: str) -> torch.Tensor:
    """Return F1 over classes 1 … C - 1 as torchmetrics has it; a pixel of none is class C."""
    predicted = thresholded(probs, stop)
    predicted = torch.where(predicted < 0, 4, predicted).flatten()
    matrix = reference.multiclass_confusion_matrix(predicted, labels.flatten(), 5)
    tp, rows, columns = matrix.diagonal()[1:4], matrix.sum(1)[1:4], matrix.sum(0)[1:4]
    if average == "micro":
        tp, rows, columns = tp.sum()[None], rows.sum()[None], columns.sum()[None]
    return (2 * tp / (rows + columns)).mean()


@pytest.mark.parametrize("stop", [0, 26, 30])
@pytest.mark.parametrize("average", ["micro", "macro"])
def test_without_background_the_averages_leave_class_0_out(stop: int, average: Any) -> None:
    _, probs, labels = multiclass()
    expected = float(f1(probs, labels, stop, average))
    sweep = td.ThresholdSweep(task="multiclass", num_classes=4, include_background=False)
    metric = ThresholdSweepMetric(task="multiclass", num_classes=4, include_background=False)
    for counted in (sweep, metric):
        counted.update(probs, labels)
        curves = counted.compute()
        assert float(curves.argmax.dice(average)[stop]) == pytest.approx(expected, abs=1e-6)
        assert curves.argmax.at(stop / 100, average)["dice"] == pytest.approx(expected, abs=1e-6)
    predicted = thresholded(probs, stop)
    wrong = int(((predicted > 0) & (predicted != labels)).sum())  # background pixels among them
    assert curves.argmax.at(stop / 100)["fp"] == wrong
    np.testing.assert_array_equal(curves.argmax.metric("dice", None).shape, (4, 101))


def test_the_image_average_leaves_class_0_out_too() -> None:
    _, probs, labels = multiclass()
    sweep = td.ThresholdSweep(task="multiclass", num_classes=4, include_background=False)
    sweep.update(probs, labels)
    each = [f1(p[None], t[None], 26, "micro").item() for p, t in zip(probs, labels, strict=True)]
    found = float(sweep.compute().argmax.dice("image")[26])
    assert found == pytest.approx(np.mean(each), abs=1e-6)


def test_without_background_goes_through_files_previews_and_merges(tmp_path: Any) -> None:
    images, probs, labels = multiclass()
    sweep = td.ThresholdSweep(task="multiclass", num_classes=4, include_background=False)
    sweep.update(probs, labels)
    curves = sweep.compute()
    curves.save(tmp_path / "curves.npz")
    again = td.ThresholdCurves.load(tmp_path / "curves.npz")
    assert again.include_background is False
    torch.testing.assert_close(again.dice("macro"), curves.dice("macro"), equal_nan=True)
    preview = td.SegmentationPreview(
        images, probs, labels, task="multiclass", include_background=False
    )
    assert preview.metrics["dice"] == curves.argmax.at(0.5)["dice"]
    assert preview._config["include_background"] is False
    with pytest.raises(ValueError, match=r"curves: .*include_background=True, got .*=False"):
        td.SegmentationPreview(images, probs, labels, task="multiclass", curves=curves)
    with pytest.raises(ValueError, match=r"merge: .*include_background=True"):
        td.ThresholdSweep(task="multiclass", num_classes=4).merge(sweep)
    with pytest.raises(ValueError, match=r"include_background: .*Leave it out"):
        td.ThresholdSweep(include_background=False)
    with pytest.raises(ValueError, match=r"include_background: .*Leave it out"):
        td.SegmentationPreview(*scene(), include_background=False)


BATCHES = {
    "pairs": (lambda p, t: (p, t), None),
    "three": (lambda p, t: (p, t, ["a.png"] * len(p)), (0, 1)),
    "a dict": (lambda p, t: {"image": p, "mask": t, "path": "a.png"}, ("image", "mask")),
    "a function": (
        lambda p, t: {"in": {"x": p}, "y": t},
        lambda batch: (batch["in"]["x"], batch["y"]),
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_evaluate_unpacks_what_loaders_give(name: str) -> None:
    make, unpack = BATCHES[name]
    images, probs, targets = scene()
    preview = td.SegmentationPreview(images, probs, targets)
    loader = [make(probs[i : i + 2], targets[i : i + 2]) for i in (0, 2)]
    assert preview.evaluate(loader, unpack=unpack)["dice"] == preview.metrics["dice"]


@pytest.mark.parametrize("name", ["three", "a dict"])
def test_evaluate_names_the_argument_that_unpacks(name: str) -> None:
    images, probs, targets = scene()
    preview = td.SegmentationPreview(images, probs, targets)
    loader = [BATCHES[name][0](probs, targets)]
    with pytest.raises(ValueError, match=r"loader: .* such as unpack=\(") as refused:
        preview.evaluate(loader)
    unpack = eval(str(refused.value).partition("unpack=")[2].rstrip("."))
    assert preview.evaluate(loader, unpack=unpack)["dice"] == preview.metrics["dice"]


def test_evaluate_takes_no_batch_of_two_images_apart() -> None:
    images, probs, targets = scene()
    preview = td.SegmentationPreview(images, probs, targets)
    with pytest.raises(ValueError, match=r"loader: expected batches of two, .*got a float32 ten"):
        preview.evaluate([probs[:2]])
    with pytest.raises(ValueError, match=r"unpack: expected .* 'mask'"):
        preview.evaluate([{"image": probs, "mask": targets}], unpack=("image", "masks"))


def test_a_function_that_returns_numpy_is_taken() -> None:
    images, probs, _ = scene()
    preview = td.SegmentationPreview.from_model(
        lambda batch: probs[: len(batch)].numpy(), images, from_logits=False
    )
    np.testing.assert_array_equal(preview.mask(0), td.SegmentationPreview(images, probs).mask(0))


BANDS = torch.rand(2, 13, 8, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "display",
    [
        pytest.param(lambda images: images[:, [3, 2, 1]], id="a function"),
        pytest.param(BANDS[:, [3, 2, 1]], id="a tensor"),
        pytest.param(BANDS[:, [3, 2, 1]].permute(0, 2, 3, 1).numpy(), id="an array"),
    ],
)
def test_display_is_shown_in_place_of_the_models_input(display: Any) -> None:
    model = nn.Conv2d(13, 1, 1)
    preview = td.SegmentationPreview.from_model(model, BANDS, from_logits=True, display=display)
    expected = (BANDS[:, [3, 2, 1]] * 255).round().permute(0, 2, 3, 1)
    np.testing.assert_array_equal(preview.pictures, expected)
    if callable(display):
        assert preview.look_at(BANDS.flip(0))
        np.testing.assert_array_equal(preview.pictures, expected.flip(0))
    else:
        with pytest.raises(TypeError, match=r"look_at: .*is a function"):
            preview.look_at(BANDS)


def test_bands_without_display_are_refused_with_a_line_that_works() -> None:
    model = nn.Conv2d(13, 1, 1)
    with pytest.raises(ValueError, match=r"bands pass 3, such as .* in from_model as display="):
        td.SegmentationPreview.from_model(model, BANDS, from_logits=True)
    display = BANDS[..., :3, :, :]
    preview = td.SegmentationPreview.from_model(model, BANDS, from_logits=True, display=display)
    assert preview.pictures.shape == (2, 8, 10, 3)
