"""transformers' own post-processing of small models with random weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
import transformers as tr
from torch import nn

import torchdial as td
from tests.inputs.error_messages import follow
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.real.random_weights import settle_batch_norm, spread

pytestmark = pytest.mark.real("transformers")

IMAGES = photographs(64, 96)
SIZES = [(64, 96)] * 4
NAMES = {0: "cat", 1: "cup", 2: "rocket"}
RESNET = {
    "embedding_size": 8,
    "hidden_sizes": [8, 16, 16, 16],
    "depths": [1, 1, 1, 1],
    "out_features": ["stage2", "stage3", "stage4"],
}
DETR = {
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "num_queries": 30,
    "id2label": NAMES,
}


def yolos() -> nn.Module:
    config = tr.YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[64, 96],
        num_detection_tokens=30,
        id2label=NAMES,
    )
    return tr.YolosForObjectDetection(config)


def detr(kind: str, **more: Any) -> nn.Module:
    config = getattr(tr, f"{kind}Config")(backbone_config=tr.ResNetConfig(**RESNET), **DETR | more)
    return getattr(tr, f"{kind}ForObjectDetection")(config)


def rt_detr(kind: str) -> nn.Module:
    backbone = tr.RTDetrResNetConfig(**RESNET, layer_type="basic")
    config = getattr(tr, f"{kind}Config")(
        backbone_config=backbone,
        encoder_hidden_dim=16,
        encoder_in_channels=[16, 16, 16],
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        d_model=16,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16,
        decoder_attention_heads=2,
        decoder_layers=2,
        num_queries=30,
        id2label=NAMES,
    )
    return getattr(tr, f"{kind}ForObjectDetection")(config)


DETECTORS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "YOLOS": (yolos, tr.YolosImageProcessor),
    "DETR": (lambda: detr("Detr"), tr.DetrImageProcessor),
    "Conditional DETR": (lambda: detr("ConditionalDetr"), tr.ConditionalDetrImageProcessor),
    "Deformable DETR": (
        lambda: detr("DeformableDetr", d_model=32),
        tr.DeformableDetrImageProcessor,
    ),
    "RT-DETR": (lambda: rt_detr("RTDetr"), tr.RTDetrImageProcessor),
    "RT-DETR v2": (lambda: rt_detr("RTDetrV2"), tr.RTDetrImageProcessor),
}


@cache
def run(name: str) -> tuple[Any, Any]:
    """Return the outputs of a model, and its image processor."""
    make, processor = DETECTORS[name]
    torch.manual_seed(0)
    model = make().eval()
    settle_batch_norm(model, lambda: model(IMAGES))
    with torch.no_grad():
        outputs = model(IMAGES)
    logits = outputs.logits
    outputs.logits = (logits - logits.mean()) / logits.std() * 2 - 1
    return outputs, processor()


def found_by(name: str, threshold: float) -> list[dict[str, torch.Tensor]]:
    outputs, processor = run(name)
    return processor.post_process_object_detection(outputs, threshold=threshold, target_sizes=SIZES)


@pytest.mark.parametrize("name", DETECTORS)
def test_the_score_dial_keeps_what_their_threshold_keeps(name: str, cases: Cases) -> None:
    preview = td.DetectionPreview(IMAGES, found_by(name, 0.0), class_names=NAMES, nms_iou=1.0)
    for threshold in (0.0, 0.1, 0.25, 0.5, 0.73, 0.9):
        preview.score_threshold = threshold
        for i, theirs in enumerate(found_by(name, threshold)):
            order = theirs["scores"].sort(descending=True, stable=True).indices
            ours = preview.kept(i)
            for key, values in theirs.items():
                cases.compare(f"{key} of image {i} above {threshold}", ours[key], values[order])
    assert cases.differing == []


def test_they_open_as_they_are(cases: Cases) -> None:
    for name in DETECTORS:
        found = found_by(name, 0.3)
        preview = td.DetectionPreview(IMAGES, found, class_names=NAMES)
        for i, theirs in enumerate(found):
            kept = preview.kept(i)["indices"].sort().values
            cases.compare(f"{name}, image {i}", kept, range(len(theirs["scores"])))
    assert cases.differing == []


@pytest.mark.parametrize("name", DETECTORS)
def test_raw_outputs_are_refused_with_the_call_that_reads_them(name: str, cases: Cases) -> None:
    outputs, processor = run(name)
    preview = follow(
        lambda given: td.DetectionPreview(IMAGES, given),
        outputs,
        r"Pass (processor\.post_process_object_detection.+)\.$",
        "detections",
        processor=processor,
        outputs=outputs,
        images=IMAGES,
    )
    for i, theirs in enumerate(found_by(name, 0.0)):
        order = theirs["scores"].sort(descending=True, stable=True).indices
        cases.compare(f"image {i}", preview.kept(i)["boxes"], theirs["boxes"][order])
    assert cases.differing == []


def test_targets_as_their_models_take_them(cases: Cases) -> None:
    boxes = torch.tensor([[0.5, 0.5, 0.25, 0.5]])
    targets = [{"class_labels": torch.tensor([1]), "boxes": boxes}] * 4
    corners = torch.tensor([[36.0, 16.0, 60.0, 48.0]])
    found = [(corners, torch.tensor([0.9]), torch.tensor([1]))] * 4
    cases.compare("tp", td.DetectionPreview(IMAGES, found, targets).metrics["tp"], 4)
    assert cases.differing == []


def segformer() -> nn.Module:
    config = tr.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 16],
        num_attention_heads=[1, 2, 2, 2],
        decoder_hidden_size=16,
        id2label=NAMES,
    )
    return tr.SegformerForSemanticSegmentation(config)


def test_the_class_of_each_pixel(cases: Cases) -> None:
    torch.manual_seed(0)
    model = segformer().eval()
    settle_batch_norm(model, lambda: model(IMAGES))
    spread([model.decode_head.classifier], lambda: model(IMAGES))

    def maps(outputs: Any) -> torch.Tensor:
        return nn.functional.interpolate(outputs.logits, SIZES[0], mode="bilinear")

    preview = td.SegmentationPreview.from_model(
        model, IMAGES, task="multiclass", from_logits=True, output=maps, threshold=0.0
    )
    with torch.no_grad():
        outputs = model(IMAGES)
    theirs = tr.SegformerImageProcessor().post_process_semantic_segmentation(outputs, SIZES)
    for i, labels in enumerate(theirs):
        assert len(labels.unique()) > 1
        cases.compare(f"image {i}", preview.classes(i), labels)
    assert cases.differing == []


def test_maps_that_are_no_probabilities(cases: Cases) -> None:
    """What their semantic post-processing takes the argmax of; no sigmoid makes sense of it."""
    config = tr.MaskFormerConfig(
        backbone_config=tr.SwinConfig(
            embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2
        ),
        decoder_config=tr.DetrConfig(**DETR),
        fpn_feature_size=32,
        mask_feature_size=16,
        id2label=NAMES,
    )
    model = tr.MaskFormerForInstanceSegmentation(config).eval()
    with torch.no_grad():
        outputs = model(IMAGES)
    classes = outputs.class_queries_logits.softmax(-1)[..., :-1]
    maps = torch.einsum("bqc,bqhw->bchw", classes, outputs.masks_queries_logits.sigmoid())
    assert maps.max() > 1
    images = nn.functional.interpolate(IMAGES, maps.shape[-2:])
    with pytest.raises(ValueError, match="scores") as refused:
        td.SegmentationPreview(images, maps, task="multiclass")
    assert "from_logits=True" not in str(refused.value)
    remedy = re.search(r"pass (\(probs - .+)\.$", str(refused.value))
    assert remedy is not None
    scaled = eval(remedy[1], {"probs": maps})
    preview = td.SegmentationPreview(images, scaled, task="multiclass", threshold=0.0)
    for i in range(len(IMAGES)):
        cases.compare(f"image {i}", preview.classes(i), maps[i].argmax(0))
    assert cases.differing == []
