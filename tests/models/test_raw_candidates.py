"""Raw candidates: what torchvision's detectors have before NMS, and that they are put back.

torchvision is not needed: the stand-ins have its attributes and its order of steps, a score
threshold, the top k of each group, NMS per class, and a cap. The same with its own models is in
tests/real/previews/test_torchvision_detectors.py.
"""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from tests.inputs.error_messages import says
from torchdial.inputs.boxes.detections import to_detections
from torchdial.inputs.boxes.lazy_masks import BoxMasks
from torchdial.models.raw_candidates import raw_candidates
from torchdial.sweeps.boxes.instance_masks import pack_masks


def iou(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    # a GPU may round the IoU of two equal boxes to a little above 1
    return (1 + 1e-6) * width * height / (sum(areas) - width * height)


def nms_per_class(found: dict[str, torch.Tensor], threshold: float) -> torch.Tensor:
    boxes, labels = found["boxes"].tolist(), found["labels"].tolist()
    kept: list[int] = []
    for i in found["scores"].argsort(descending=True, stable=True).tolist():
        same = [j for j in kept if labels[j] == labels[i]]
        if not any(iou(boxes[i], boxes[j]) > threshold for j in same):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def scene(seed: int = 0, count: int = 60) -> dict[str, torch.Tensor]:
    """Clusters of boxes, every tenth one twice."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 4, (count, 2), generator=rng) * 30.0
    corner += torch.rand(count, 2, generator=rng) * 8
    boxes = torch.cat([corner, corner + 25], dim=1)
    boxes[1::10] = boxes[::10]
    labels = torch.randint(1, 4, (count,), generator=rng)
    labels[1::10] = labels[::10]
    return {"boxes": boxes, "scores": torch.rand(count, generator=rng), "labels": labels}


class PostProcess(nn.Module):
    """What the three detectors of one stage and `RoIHeads` have in common."""

    def __init__(self, groups: str | None = None) -> None:
        super().__init__()
        self.score_thresh = 0.05
        self.nms_thresh = 0.5
        self.detections_per_img = 8
        self.groups = groups

    def postprocess_detections(self, found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        chosen = self._top_k(found) if self.groups else torch.arange(len(found["scores"]))
        chosen = chosen[found["scores"][chosen] > self.score_thresh]
        found = {key: value[chosen] for key, value in found.items()}
        kept = nms_per_class(found, self.nms_thresh)[: self.detections_per_img]
        return {key: value[kept] for key, value in found.items()}

    def _top_k(self, found: dict[str, torch.Tensor]) -> torch.Tensor:
        places = torch.arange(len(found["scores"]))
        group = found["labels"] if self.groups == "class" else places % 3
        above = found["scores"] > self.score_thresh
        best = found["scores"].argsort(descending=True, stable=True)
        return torch.cat(
            [best[above[best] & (group[best] == g)][: self.topk_candidates] for g in group.unique()]
        )


class OneStage(PostProcess):
    """RetinaNet and FCOS take the top k of each level, SSD of each class."""

    def __init__(self, groups: str) -> None:
        super().__init__(groups)
        self.topk_candidates = 15
        self.head = nn.Linear(2, 2)

    def forward(self, seeds: list[int]) -> list[dict[str, torch.Tensor]]:
        return [self.postprocess_detections(scene(seed)) for seed in seeds]


class RoIHeads(PostProcess):
    """Where an R-CNN keeps its settings, and the heads of Mask and Keypoint R-CNN."""

    def __init__(self, late: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.box_head = nn.Linear(2, 2)
        for kind in ("mask", "keypoint"):
            there = kind in late
            setattr(self, f"{kind}_roi_pool", nn.Identity() if there else None)
            setattr(self, f"{kind}_head", nn.Linear(2, 2) if there else None)
            setattr(self, f"{kind}_predictor", nn.Linear(2, 2) if there else None)

    def has_mask(self) -> bool:
        parts = (self.mask_roi_pool, self.mask_head, self.mask_predictor)
        return all(part is not None for part in parts)

    def forward(self, seeds: list[int]) -> list[dict[str, torch.Tensor]]:
        found = [self.postprocess_detections(scene(seed)) for seed in seeds]
        if self.has_mask():
            for one in found:
                one["masks"] = torch.ones(len(one["boxes"]), 1, 4, 4)
        parts = (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)
        if all(part is not None for part in parts):
            for one in found:
                one["keypoints"] = torch.ones(len(one["boxes"]), 17, 3)
        return found


class RCNN(nn.Module):
    """Faster, Mask and Keypoint R-CNN; the proposals have an NMS of their own."""

    def __init__(self, *late: str) -> None:
        super().__init__()
        self.rpn = nn.Identity()
        self.rpn.nms_thresh = 0.7
        self.rpn.score_thresh = 0.0
        self.roi_heads = RoIHeads(late)

    def forward(self, seeds: list[int]) -> list[dict[str, torch.Tensor]]:
        return self.roi_heads(seeds)


MODELS = [
    pytest.param(lambda: OneStage("level"), id="RetinaNet and FCOS"),
    pytest.param(lambda: OneStage("class"), id="SSD"),
    pytest.param(lambda: RCNN(), id="Faster R-CNN"),
    pytest.param(lambda: RCNN("mask"), id="Mask R-CNN"),
    pytest.param(lambda: RCNN("keypoint"), id="Keypoint R-CNN"),
]


def settings(model: nn.Module) -> PostProcess:
    return getattr(model, "roi_heads", model)


def state(model: nn.Module) -> list[Any]:
    """Everything that a person could tell a changed model by."""
    names = ("score_thresh", "nms_thresh", "detections_per_img", "topk_candidates")
    return [
        [(name, id(module), module.training) for name, module in model.named_modules()],
        [[getattr(m, name, None) for name in names] for m in model.modules()],
        [(key, id(value)) for key, value in model.state_dict(keep_vars=True).items()],
        [(name, id(child)) for name, child in settings(model)._modules.items()],
    ]


@pytest.mark.parametrize("score_thresh", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("nms_thresh", [0.2, 0.5, 0.99])
@pytest.mark.parametrize("make", MODELS)
def test_nms_on_the_candidates_gives_what_the_model_gives(
    make: Any, score_thresh: float, nms_thresh: float
) -> None:
    model = make()
    with raw_candidates(model) as same:
        candidates = same([0, 1])
    settings(model).score_thresh, settings(model).nms_thresh = score_thresh, nms_thresh
    for raw, expected in zip(candidates, model([0, 1]), strict=True):
        above = {key: value[raw["scores"] > score_thresh] for key, value in raw.items()}
        kept = nms_per_class(above, nms_thresh)[: settings(model).detections_per_img]
        for key, value in above.items():
            assert value[kept].equal(expected[key])


@pytest.mark.parametrize("make", MODELS)
def test_nothing_is_suppressed_and_nothing_cut(make: Any) -> None:
    model = make()
    settings(model).topk_candidates = 60
    with raw_candidates(model, score_floor=0.1):
        (raw,) = model([0])
    above = scene()["scores"] > 0.1
    assert len(raw["scores"]) == int(above.sum()) > 8
    assert raw["scores"].sort().values.equal(scene()["scores"][above].sort().values)
    assert raw.keys() == {"boxes", "scores", "labels"}


def test_the_floor_may_be_nothing() -> None:
    model = RCNN()
    with raw_candidates(model, score_floor=0):
        assert len(model([0])[0]["scores"]) == 60


@pytest.mark.parametrize("make", MODELS)
def test_what_comes_before_nms_is_left_alone(make: Any) -> None:
    model = make()
    with raw_candidates(model):
        assert getattr(settings(model), "topk_candidates", 15) == 15
        if hasattr(model, "rpn"):
            assert (model.rpn.nms_thresh, model.rpn.score_thresh) == (0.7, 0.0)


@pytest.mark.parametrize("make", MODELS)
def test_the_model_is_put_back(make: Any) -> None:
    model = make()
    model.eval()
    before, found = state(model), model([0])
    with raw_candidates(model):
        assert state(model) != before
    assert state(model) == before
    assert found[0].keys() == model([0])[0].keys()
    assert all(value.equal(model([0])[0][key]) for key, value in found[0].items())


@pytest.mark.parametrize("make", MODELS)
def test_the_model_is_put_back_after_an_error(make: Any) -> None:
    model = make()
    before = state(model)
    with pytest.raises(KeyboardInterrupt), raw_candidates(model):
        raise KeyboardInterrupt
    assert state(model) == before


def test_the_weights_of_a_mask_head_stay_in_the_model() -> None:
    model = RCNN("mask", "keypoint")
    weights = list(model.state_dict())
    with raw_candidates(model):
        assert list(model.state_dict()) == weights
        model.to(torch.float64)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert model([0])[0].keys() >= {"masks", "keypoints"}


def test_one_inside_another() -> None:
    model = RCNN("mask")
    before = state(model)
    with raw_candidates(model, score_floor=0.2):
        with raw_candidates(model, score_floor=0.4):
            assert model.roi_heads.score_thresh == 0.4
        assert model.roi_heads.score_thresh == 0.2
    assert state(model) == before


def test_a_model_that_resists_is_put_back() -> None:
    class Frozen(PostProcess):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "detections_per_img" and value > 1000:
                raise AttributeError("frozen")
            super().__setattr__(name, value)

    model = Frozen()
    before = state(model)
    with pytest.raises(AttributeError, match="frozen"), raw_candidates(model):
        pytest.fail("not reached")
    assert state(model) == before


@pytest.mark.parametrize("make", MODELS)
def test_a_compiled_detector(make: Any) -> None:
    model = make()
    before = state(model)
    with raw_candidates(torch.compile(model, backend="eager")):
        assert (settings(model).score_thresh, settings(model).nms_thresh) == (0.01, 2.0)
    assert state(model) == before


def test_candidates_are_read_like_any_detections() -> None:
    model = RCNN("mask")
    with raw_candidates(model):
        found = to_detections(model([0, 1]), num_classes=4)
    assert [one.after_nms for one in found] == [None, None], "a dict does not tell"
    assert all(one.masks is None for one in found)
    assert to_detections(model([0]))[0].masks is not None


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = RCNN()


@pytest.mark.parametrize(
    ("model", "got"),
    [
        pytest.param(nn.Linear(2, 2), "Linear", id="no detector"),
        pytest.param(Wrapper(), "Wrapper", id="a wrapper"),
        pytest.param(None, "NoneType None", id="nothing"),
        pytest.param(len, "builtin_function", id="a function"),
        pytest.param(
            SimpleNamespace(roi_heads=SimpleNamespace(test_score_thresh=0.5)),
            "SimpleNamespace",
            id="detectron2's names",
        ),
        pytest.param(
            SimpleNamespace(score_thresh=0.5, nms_thresh=0.5), "SimpleNamespace", id="one missing"
        ),
        pytest.param(
            SimpleNamespace(score_thresh=0.5, nms_thresh=None, detections_per_img=3),
            "SimpleNamespace",
            id="one that is no number",
        ),
    ],
)
def test_models_that_are_refused(model: Any, got: str) -> None:
    message = says("model", "RetinaNet, FCOS, SSD", got, "before its own NMS")
    with pytest.raises(ValueError, match=message), raw_candidates(model):
        pytest.fail("not reached")


@pytest.mark.parametrize("floor", [-0.1, 1, 2.0, float("nan"), True, "0.01", None])
def test_floors_that_are_refused(floor: Any) -> None:
    model = RCNN("mask")
    before = state(model)
    message = says("score_floor", "a number in [0, 1)", repr(floor), "0.01 keeps")
    with pytest.raises(ValueError, match=message), raw_candidates(model, score_floor=floor):
        pytest.fail("not reached")
    assert state(model) == before


class Transform(nn.Module):
    """torchvision's GeneralizedRCNNTransform: boxes and masks in pixels of the image as it was."""

    def postprocess(self, result: Any, image_shapes: Any, sizes: Any) -> Any:
        for one, (h, w), (height, width) in zip(result, image_shapes, sizes, strict=True):
            scale = torch.tensor([width / w, height / h] * 2)
            one["boxes"] = one["boxes"] * scale
            if "masks" in one:
                pairs = zip(one["masks"], one["boxes"], strict=True)
                pasted = [paste(mask[0], box, height, width) for mask, box in pairs]
                one["masks"] = torch.stack(pasted)[:, None]
        return result


def paste(mask: torch.Tensor, box: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """What torchvision's `paste_masks_in_image` does to one mask, pixel by pixel."""
    x1, y1, x2, y2 = box
    grow = (len(mask) + 2) / len(mask)
    half_w, half_h = (x2 - x1) * 0.5 * grow, (y2 - y1) * 0.5 * grow
    cx, cy = (x2 + x1) * 0.5, (y2 + y1) * 0.5
    left, top, right, below = (int(v) for v in (cx - half_w, cy - half_h, cx + half_w, cy + half_h))
    w, h = max(right - left + 1, 1), max(below - top + 1, 1)
    padded = nn.functional.pad(mask, (1, 1, 1, 1))[None, None]
    large = nn.functional.interpolate(padded, (h, w), mode="bilinear", align_corners=False)[0, 0]
    image = torch.zeros(height, width)
    for y in range(height):
        for x in range(width):
            if left <= x <= right and top <= y <= below:
                image[y, x] = large[y - top, x - left]
    return image


class MaskRCNN(RCNN):
    """Its masks depend on the box, as a head's do."""

    def __init__(self) -> None:
        super().__init__("mask", "keypoint")
        self.transform = Transform()
        self.scores = nn.Parameter(torch.ones(()))

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        found = self.roi_heads(range(len(images)))
        for one in found:
            if "masks" in one:
                rows = torch.arange(28.0)
                waves = (one["boxes"].sum(1)[:, None] + rows * 0.4).sin() * 0.5 + 0.5
                one["masks"] = (waves[:, None, :, None] * waves[:, None, None, :]).sqrt()
        sizes = [tuple(image.shape[-2:]) for image in images]
        return self.transform.postprocess(found, [(150, 140)] * len(images), sizes)


IMAGES = [torch.zeros(3, 75, 140), torch.zeros(3, 90, 84)]


def test_the_masks_of_candidates_are_those_that_the_model_pastes() -> None:
    model = MaskRCNN()
    before = state(model)
    with raw_candidates(model, masks=True):
        raw = model(IMAGES)
    assert state(model) == before
    assert "postprocess" not in vars(model.transform)
    found = to_detections(raw, score_floor=0.05)
    for image, own in zip(found, model(IMAGES), strict=True):
        assert len(image) > len(own["boxes"]) > 5
        for box, mask in zip(own["boxes"], own["masks"], strict=True):
            (i,) = (image.boxes == box).all(1).nonzero()[:1, 0].tolist()
            assert image.masks[i].equal(mask[0])
            assert 0 < (mask > 0.5).float().mean() < 1


def test_a_preview_shows_the_masks_of_a_mask_rcnn() -> None:
    model = MaskRCNN()
    preview = td.DetectionPreview.from_model(model, IMAGES, nms_iou=0.5, score_threshold=0.05)
    preview.max_det = 8
    source = preview._frame["sources"][0]
    assert source["has_masks"] == [True, True]
    model.eval()
    for i, own in enumerate(model(IMAGES)):
        drawn = preview.kept(i)
        assert drawn["boxes"].equal(own["boxes"])
        packed = preview._shown[1][0].masks[i]
        boxes = preview._shown[1][0].boxes[preview._shown[1][0].rows(i)]
        with raw_candidates(model, masks=True):
            raw = model(IMAGES)[i]
        order = raw["scores"].sort(descending=True, stable=True).indices
        pasted = [raw["masks"][k] > 0.5 for k in order.tolist()]
        assert packed.tolist() == pack_masks(pasted, boxes, IMAGES[i].shape[-2:]).tolist()


@pytest.mark.parametrize(
    "box",
    [[2.5, 3.5, 9.5, 8.25], [-4.0, -3.0, 5.0, 6.0], [7, 5, 30, 40], [-9, -9, -5, -5], [3, 3, 3, 3]],
    ids=["inside", "over the corner", "over the other", "outside", "without area"],
)
def test_a_mask_is_pasted_as_torchvision_does(box: list[float]) -> None:
    mask = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([box], dtype=torch.float32)
    masks = BoxMasks(mask[None], corners, (10, 12))
    assert len(masks) == 1
    assert masks[0].equal(paste(mask, corners[0], 10, 12))
