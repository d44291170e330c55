"""A small anchor-free detector and a training that fits it to the boxes of digit scenes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from torchdial.demo.digit_scenes import DigitScenes
from torchdial.demo.training_loop import check_images, check_positive, fit

_DETECTOR_STRIDE = 8
_NEAR = 8.0  # an object's points are inside its box, across and down no further from its centre
_FARTHEST = 160.0  # the longest distance, in pixels, from a point to a side


class PointPredictions(NamedTuple):
    """What the detector says at each of its P points, one for every 8 x 8 pixels.

    Attributes:
        objects: Logits of "an object's centre is near", float (n, P).
        classes: Logits of the classes, float (n, P, C).
        boxes: x1, y1, x2, y2 in pixels, float (n, P, 4).
    """

    objects: Tensor
    classes: Tensor
    boxes: Tensor


class DigitDetector(nn.Module):
    """A detector without anchors that returns its raw candidates, before NMS.

    At every eighth pixel it says whether an object's centre is near, which class it is of and how
    far away the sides of its box are. Several points answer for one object: that is what NMS is
    for, and what the dials of a detection preview are for.

    Args:
        num_classes: Classes 0 ... num_classes - 1, at least 1.
        width: Channels at half the resolution, at least 1; doubled at every halving.
        score_floor: Candidates of a lower score are left out, in [0, 1).

    Raises:
        ValueError: If an argument is out of the range given above.

    Example:
        >>> model = DigitDetector(width=4, score_floor=0.0).eval()
        >>> found = model(torch.zeros(2, 3, 64, 96))
        >>> len(found), found[0]["boxes"].shape
        (2, torch.Size([960, 4]))
    """

    def __init__(self, num_classes: int = 10, width: int = 24, score_floor: float = 0.01) -> None:
        """Build the layers; weights come from torch's global generator, as in any module."""
        super().__init__()
        check_positive("num_classes", num_classes)
        check_positive("width", width)
        if not 0 <= score_floor < 1:
            raise ValueError(f"score_floor must be in [0, 1), got {score_floor!r}; try 0.01.")
        self.num_classes = num_classes
        self.score_floor = score_floor
        self.body = nn.Sequential(
            _layer(3, width, stride=2),
            _layer(width, 2 * width, stride=2),
            _layer(2 * width, 2 * width),
            _layer(2 * width, 4 * width, stride=2),
            _layer(4 * width, 4 * width),
        )
        self.head = nn.Conv2d(4 * width, 1 + num_classes + 4, kernel_size=1)
        # At first few points have an object, and boxes are 32 pixels wide.
        nn.init.constant_(self.head.get_parameter("bias")[:1], -3.0)
        nn.init.constant_(self.head.get_parameter("bias")[-4:], math.log(16.0))

    def forward(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Return the raw candidates of a batch of images, as torchvision's detectors return boxes.

        Args:
            images: Float (n, 3, H, W) in [0, 1], with H and W divisible by 8.

        Returns:
            For each image "boxes" (N, 4) as x1, y1, x2, y2 in pixels, inside the image, "scores"
            (N,) and "labels" int64 (N,), one for every point and class above `score_floor`.

        Raises:
            ValueError: If the shape is another one.
        """
        points = self.points(images)
        height, width = images.shape[2:]
        frame = points.boxes.new_tensor([width, height, width, height])
        boxes = torch.minimum(points.boxes.clamp(min=0), frame)
        scores = points.objects.sigmoid()[..., None] * points.classes.softmax(-1)
        return [
            _above(own_boxes, own_scores, self.score_floor)
            for own_boxes, own_scores in zip(boxes, scores, strict=True)
        ]

    def points(self, images: Tensor) -> PointPredictions:
        """Return the raw output at every point, for images as `forward` takes them."""
        check_images(images, 3, _DETECTOR_STRIDE)
        # Convolutions are faster in this layout on a CPU, and give the same result.
        features = self.body(images.contiguous(memory_format=torch.channels_last))
        raw = self.head(features).flatten(2).transpose(1, 2)
        objects, classes, sides = raw.split([1, self.num_classes, 4], dim=-1)
        near, far = sides.clamp(max=math.log(_FARTHEST)).exp().chunk(2, dim=-1)
        places = _places(features.shape[2], features.shape[3]).to(raw)
        return PointPredictions(
            objects[..., 0], classes, torch.cat([places - near, places + far], dim=-1)
        )


def train_detector(
    model: DigitDetector,
    scenes: DigitScenes,
    *,
    epochs: int = 7,
    batch_size: int = 8,
    lr: float = 6e-3,
    seed: int = 0,
    on_step: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Fit a detector to the boxes and labels of scenes, on the device the model is on.

    A point is assigned the object whose centre is nearest, if it lies inside the box and within 8
    pixels of the centre across and down. The loss is the focal loss of "is there one?", and at
    points that answer the cross entropy of the class and the generalised IoU of the box. Adam with
    a one-cycle learning rate; the model's training or evaluation mode is put back. The loop itself
    neither reads nor changes torch's global random state.

    On 1,500 scenes of 96 x 96 pixels the defaults take about a minute of one core's time, and find
    and name the digits of held-out scenes with an AP of 0.75 to 0.8 at a match IoU of 0.5.

    Args:
        model: Its weights change in place.
        scenes: What to fit; labels below the model's `num_classes`.
        epochs: Passes over the scenes, at least 1.
        batch_size: Scenes per step, at least 1.
        lr: The highest learning rate, above 0.
        seed: Chooses the order of the scenes.
        on_step: Called after every step with its number, from 0, and its loss.

    Returns:
        The loss of every step; epochs * ceil(len(scenes) / batch_size) of them.

    Raises:
        ValueError: If an argument is out of the range given above.

    Example:
        >>> from torchdial.demo import digit_scenes
        >>> losses = train_detector(DigitDetector(width=4), digit_scenes(8, size=32), epochs=2)
        >>> len(losses)
        2
    """
    highest = max((int(labels.max()) for labels in scenes.labels if len(labels)), default=0)
    if highest >= model.num_classes:
        raise ValueError(
            f"labels must be below num_classes={model.num_classes}, got {highest}; "
            f"build the model with num_classes={highest + 1}."
        )
    device = next(model.parameters()).device
    images = scenes.images.to(device)
    check_images(images, 3, _DETECTOR_STRIDE)
    places = _places(images.shape[2] // _DETECTOR_STRIDE, images.shape[3] // _DETECTOR_STRIDE)
    pairs = zip(scenes.boxes, scenes.labels, strict=True)
    assigned = [_assign(boxes, labels, places) for boxes, labels in pairs]
    true_labels = torch.stack([labels for labels, _ in assigned]).to(device)
    true_boxes = torch.stack([boxes for _, boxes in assigned]).to(device)

    def loss_of(batch: Tensor) -> Tensor:
        return _loss(model.points(images[batch]), true_labels[batch], true_boxes[batch])

    return fit(
        model,
        len(scenes),
        loss_of,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        on_step=on_step,
    )


def _layer(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution, normalised over the batch and rectified.

    Group norm, as in the U-Net, learns which digit it is ten times as slowly here.
    """
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _places(rows: int, columns: int) -> Tensor:
    """Return x and y of each point, float32 (P, 2), row after row."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return _DETECTOR_STRIDE * torch.stack([x, y], dim=-1).reshape(-1, 2) + _DETECTOR_STRIDE / 2


def _above(boxes: Tensor, scores: Tensor, floor: float) -> dict[str, Tensor]:
    """Return the candidates of one image above a score."""
    point, label = (scores > floor).nonzero().unbind(1)
    return {"boxes": boxes[point], "scores": scores[point, label], "labels": label}


def _assign(boxes: Tensor, labels: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return the label of each point, int64 (P,), -1 without an object, and its box, (P, 4)."""
    label, box = labels.new_full((len(places),), -1), boxes.new_zeros(len(places), 4)
    if len(boxes):
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        reach = torch.minimum((boxes[:, 2:] - boxes[:, :2]) / 2, boxes.new_tensor(_NEAR))
        outside = ((places[:, None] - centres).abs() > reach).any(dim=-1)
        nearest = torch.cdist(places, centres).masked_fill(outside, torch.inf).min(dim=1)
        found, own = nearest.values.isfinite(), nearest.indices
        label[found], box[found] = labels[own[found]], boxes[own[found]]
    return label, box


def _loss(raw: PointPredictions, labels: Tensor, boxes: Tensor) -> Tensor:
    """Return the loss of a batch; labels (n, P), -1 without an object, and boxes (n, P, 4)."""
    found = labels >= 0
    count = found.sum().clamp(min=1)
    wanted = found.to(raw.objects.dtype)
    entropy = functional.binary_cross_entropy_with_logits(raw.objects, wanted, reduction="none")
    focus = (raw.objects.sigmoid() - wanted).detach().square()
    of_class = functional.cross_entropy(raw.classes[found], labels[found], reduction="sum")
    of_box = (1 - _generalised_iou(raw.boxes[found], boxes[found])).sum()
    return ((focus * entropy).sum() + of_class + of_box) / count


def _generalised_iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the generalised IoU of pairs of boxes (N, 4) with an area: -1 ... 1, (N,)."""
    starts, ends = torch.stack([one[:, :2], other[:, :2]]), torch.stack([one[:, 2:], other[:, 2:]])
    common = (ends.amin(0) - starts.amax(0)).clamp(min=0).prod(1)
    union = (ends - starts).prod(2).sum(0) - common
    hull = (ends.amax(0) - starts.amin(0)).prod(1)
    return common / union - (hull - union) / hull
