"""Previews of detectors: run without a trace, whatever they return."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from tests.models.test_raw_candidates import OneStage, nms_per_class, scene as candidates

IMAGES = [
    torch.rand(3, 150 + 10 * i, 160, generator=torch.Generator().manual_seed(i)) for i in range(5)
]
TARGETS = [{k: v[::7] for k, v in candidates(i).items() if k != "scores"} for i in range(5)]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class Retina(OneStage):
    """torchvision's RetinaNet as seen from outside: a list of images in, a list of dicts out.

    The real one is in tests/real/previews/test_torchvision_detectors.py.
    """

    def __init__(self) -> None:
        super().__init__("level")
        self.dropout = nn.Dropout(0.5)
        self.calls: list[int] = []

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        assert isinstance(images, list)
        assert not torch.is_grad_enabled()
        assert not self.training
        torch.rand(1)
        self.calls.append(len(images))
        device = self.head.weight.device
        assert all(image.device == device for image in images)
        seeds = [(image.shape[1] - 150) // 10 for image in images]
        return [
            {key: value.to(device) for key, value in one.items()} for one in super().forward(seeds)
        ]


class Heads(nn.Module):
    """Another detector: a batch in, a dict with everything out."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> dict[str, Any]:
        assert images.ndim == 4
        found = [candidates(i) for i in range(len(images))]
        one = {"pred": [(f["boxes"], f["scores"] * self.scale, f["labels"]) for f in found]}
        return one | {"loss": torch.zeros(())}


@pytest.mark.parametrize("device", DEVICES)
def test_torchvisions_give_their_candidates_and_are_put_back(device: str) -> None:
    model = Retina().to(device)
    model.dropout.eval()
    modes = [module.training for module in model.modules()]
    random_state = torch.get_rng_state()
    preview = td.DetectionPreview.from_model(model, IMAGES, TARGETS, batch_size=2)
    assert model.calls == [2, 2, 1]
    assert (model.score_thresh, model.nms_thresh, model.detections_per_img) == (0.05, 0.5, 8)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()
    assert preview._config["after_nms"] is False
    preview.score_threshold, preview.nms_iou, preview.max_det = 0.05, 0.5, 8
    model.eval()
    with torch.no_grad():
        own = model([image.to(device) for image in IMAGES])
    for i, one in enumerate(own):
        kept = preview.kept(i)
        for name in ("boxes", "scores", "labels"):
            assert torch.equal(kept[name], one[name].cpu())


def test_torchvisions_get_a_list_of_a_batch_and_are_before_nms_whatever_they_find() -> None:
    class Sparse(Retina):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            assert isinstance(images, list)
            left = torch.arange(60) * 20.0
            boxes = torch.stack([left, left * 0, left + 10, left * 0 + 10], dim=1)
            return [{"boxes": boxes, "scores": left / 1200, "labels": left.long() * 0}]

    one = torch.rand(1, 3, 160, 160)
    assert td.DetectionPreview.from_model(Sparse(), one)._config["after_nms"] is False
    assert td.DetectionPreview.from_model(Sparse(), one, after_nms=True)._config["after_nms"]


def test_setting_exported_makes_the_detector_find_what_is_drawn() -> None:
    """The stand-in runs NMS and thresholds by itself, with the exported arguments.

    Built with them in tests/real/previews/test_torchvision_detectors.py.
    """
    model = Retina()
    preview = td.DetectionPreview.from_model(model, IMAGES, TARGETS)
    preview.score_threshold, preview.nms_iou, preview.max_det = 0.3, 0.3, 6
    for name, value in preview.export("retinanet").items():
        assert hasattr(model, name)
        setattr(model, name, value)
    model.eval()
    with torch.no_grad():
        own = model(IMAGES)
    for i, one in enumerate(own):
        assert torch.equal(preview.kept(i)["boxes"], one["boxes"])


@pytest.mark.parametrize(
    "output", ["pred", lambda output: output["pred"]], ids=["a key", "a function"]
)
def test_other_models_by_an_adapter(output: Any) -> None:
    images = torch.rand(5, 3, 150, 150)
    model = Heads()
    preview = td.DetectionPreview.from_model(model, images, output=output, batch_size=5)
    for i in range(5):
        expected = td.detect(**candidates(i), score_threshold=0.25, nms_iou=0.5)
        assert torch.equal(preview.kept(i)["indices"], expected["indices"])
    with torch.no_grad():
        model.scale.fill_(0.1)
    assert preview.refresh()
    assert sum(len(preview.kept(i)["scores"]) for i in range(5)) == 0


def test_a_model_may_index_a_raw_head() -> None:
    """As Ultralytics': (B, 4 + classes, N) and the feature maps; the head is written into after."""
    head = torch.zeros(2, 6, 7)
    head[:, :4] = torch.tensor([30.0, 30, 20, 20])[:, None]
    head[:, 0] += torch.arange(7) * 30
    head[:, 5] = torch.linspace(0, 0.6, 7)

    class Yolo(nn.Module):
        def __init__(self, num_classes: int) -> None:
            super().__init__()
            self.nc = 80  # of the file that the model was made of
            self.model = nn.Sequential(nn.Identity(), nn.Identity())
            self.model[-1].nc = num_classes

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
            return head, [images]

    images = torch.rand(2, 3, 64, 64)
    with pytest.raises(ValueError, match="scores of 2 classes"):
        td.DetectionPreview.from_model(Yolo(9), images)
    preview = td.DetectionPreview.from_model(Yolo(2), images, score_floor=0.15)
    assert (preview._config["after_nms"], preview.nms_iou) == (False, 0.5)
    head.fill_(-1)
    preview.score_threshold = 0
    assert preview.kept(1)["indices"].tolist() == [6, 5, 4, 3, 2]
    assert preview.kept(1)["boxes"][0].tolist() == [200, 20, 220, 40]


def test_spare_numbers_of_a_head_are_left_out_by_the_adapter_that_the_error_names() -> None:
    """As a -pose model's: a tuple of (B, 4 + classes + 3 for each keypoint, N) and a dict."""

    class Pose(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            head = torch.full((1, 4 + 1 + 6, 20), 0.5)
            head[:, :4] = torch.tensor([30.0, 30, 20, 20])[:, None]
            return head, {"kpts": head[:, 5:]}

    images, names = torch.rand(1, 3, 64, 64), ["person"]
    with pytest.raises(ValueError, match=r"output=lambda out: out\[0\]\[:, :5\] in"):
        td.DetectionPreview.from_model(Pose(), images, class_names=names)
    preview = td.DetectionPreview.from_model(
        Pose(), images, class_names=names, output=lambda out: out[0][:, :5], nms_iou=1
    )
    assert preview.kept(0)["boxes"].tolist() == [[20, 20, 40, 40]] * 20


def test_refreshes_while_the_model_trains() -> None:
    model = Heads()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    preview = td.DetectionPreview.from_model(model, torch.rand(2, 3, 150, 150), output="pred")
    for step in range(3):
        optimizer.zero_grad()
        (model.scale**2).backward()
        assert preview.refresh()
        optimizer.step()
        assert preview._frame["version"] == step + 1
    assert model.scale.item() == pytest.approx(0.8**3)
    with torch.no_grad():
        model.scale.fill_(torch.nan)
    assert not preview.refresh()
    assert "not finite" in preview.notice


@pytest.mark.parametrize("wrong", ["boxes", 3])
def test_an_adapter_that_finds_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"output: expected a key .* keys \['pred', 'loss'\]"):
        td.DetectionPreview.from_model(Heads(), torch.rand(1, 3, 8, 8), output=wrong)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        pytest.param(torch.rand(3, 8, 8), r"a batch \(N, C, H, W\)", id="one image"),
        pytest.param([torch.rand(1, 3, 8, 8)], r"images\[0\]: expected an image", id="batches"),
    ],
)
def test_refuses_what_a_model_does_not_take(images: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        td.DetectionPreview.from_model(Heads(), images, output="pred")


def test_too_many_images_are_refused() -> None:
    def model(images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        return [candidates(i) for i in range(3)]

    with pytest.raises(ValueError, match=r"each of 2 images, got at least 3"):
        td.DetectionPreview.from_model(model, torch.rand(2, 3, 8, 8))


def test_evaluate_runs_the_model_on_other_images() -> None:
    preview = td.DetectionPreview.from_model(Retina(), IMAGES[:2], TARGETS[:2])
    preview.score_threshold = 0.3
    whole = td.DetectionPreview.from_model(Retina(), IMAGES, TARGETS, score_threshold=0.3)
    found = preview.evaluate([(IMAGES[:3], TARGETS[:3]), (IMAGES[3:], TARGETS[3:])])
    assert found == whole.metrics


def test_closing_frees_the_model() -> None:
    model = Heads()
    preview = td.DetectionPreview.from_model(model, torch.rand(1, 3, 8, 8), output="pred")
    seen = weakref.ref(model)
    preview.close()
    del model, preview
    gc.collect()
    assert seen() is None


def test_stand_in_agrees_with_detect() -> None:
    one = candidates(3)
    found = td.detect(**one, score_threshold=0, nms_iou=0.5)
    assert torch.equal(found["indices"], nms_per_class(one, 0.5))


class _Bands(nn.Module):
    """Finds one box in images of any number of bands."""

    def forward(self, images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        box = torch.tensor([[1.0, 1.0, 6.0, 6.0]])
        return [
            {"boxes": box, "scores": torch.tensor([0.9]), "labels": torch.tensor([0])}
            for _ in images
        ]


def test_display_is_shown_in_place_of_bands_and_windows_are_kept() -> None:
    bands = torch.rand(2, 13, 8, 10)
    preview = td.DetectionPreview.from_model(
        _Bands(), bands, display=lambda images: images[:, [3, 2, 1]]
    )
    expected = (bands[:, [3, 2, 1]] * 255).round().permute(0, 2, 3, 1)
    np.testing.assert_array_equal(np.stack(preview.pictures), expected)
    slices = torch.arange(160).reshape(2, 1, 8, 10).short() * 10
    preview = td.DetectionPreview.from_model(_Bands(), slices)
    assert preview._config["window"] == [0, 1590]
    assert preview.look_at(slices // 2)
    np.testing.assert_array_equal(
        np.stack(preview.pictures)[..., 0], np.round((slices[:, 0] // 2).numpy() / 1590 * 255)
    )


def test_evaluate_unpacks_dicts() -> None:
    images = torch.rand(2, 3, 8, 10)
    truth = [{"boxes": torch.tensor([[1.0, 1.0, 6.0, 6.0]]), "labels": torch.tensor([0])}] * 2
    preview = td.DetectionPreview.from_model(_Bands(), images, truth)
    found = preview.evaluate([{"image": images, "boxes": truth}], unpack=("image", "boxes"))
    assert (found["tp"], found["fp"], found["fn"]) == (2, 0, 0)
    with pytest.raises(ValueError, match=r"loader: .*unpack=\('image', 'boxes'\)"):
        preview.evaluate([{"image": images, "boxes": truth}])
