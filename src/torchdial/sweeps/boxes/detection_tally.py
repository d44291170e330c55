"""What a detection sweep keeps of each image: enough for every setting of every dial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from torchdial.inputs.boxes.boxes import Boxes
from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.sweeps.boxes.bitsets import ALMOST_ONE, pack_bits
from torchdial.sweeps.boxes.matching import Pairs, find_pairs, to_xywh

COCO_LEAST = 0.5  # the lowest of COCO's match IoUs


@dataclass(frozen=True)
class DetectionTally:
    """Flat tensors on the CPU, image after image; each can be concatenated as it is.

    For 101 stops it takes 29 bytes a detection, 14 a target and 16 a pair of detection and target
    that overlap enough to match; no boxes. 5,000 images of 100 detections: about 25 MB.

    Attributes:
        images: numbers of detections, targets and pairs of each image, int64 (I, 3).
        scores: float32 (N,), descending in each image, equal ones in the order of the input.
        labels: int32 (N,).
        areas: float64 (N,).
        kept: packed bits, "kept by NMS at stop k", uint8 (N, ceil(T / 8)).
        target_labels: int32 (G,).
        target_areas: float64 (G,).
        crowd: whether it is a box around a crowd, bool (G,).
        ignore: whether it counts neither as found nor as missed, bool (G,).
        pair_detection: index in its image of the detection, int32 (P,), in the order of `Pairs`.
        pair_target: index in its image of the target, int32 (P,).
        pair_iou: float64 (P,).
    """

    images: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor
    areas: torch.Tensor
    kept: torch.Tensor
    target_labels: torch.Tensor
    target_areas: torch.Tensor
    crowd: torch.Tensor
    ignore: torch.Tensor
    pair_detection: torch.Tensor
    pair_target: torch.Tensor
    pair_iou: torch.Tensor

    @property
    def num_images(self) -> int:
        """Number of images I."""
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """One more than the highest label; 0 without any."""
        labels = np.concatenate([self.labels.numpy(), self.target_labels.numpy()])
        return 1 + int(labels.max(initial=-1))

    @property
    def of_image(self) -> torch.Tensor:
        """The image of each detection, int64 (N,)."""
        return _repeated(np.arange(self.num_images), self.images[:, 0])

    @property
    def of_target(self) -> torch.Tensor:
        """The image of each target, int64 (G,)."""
        return _repeated(np.arange(self.num_images), self.images[:, 1])

    def pairs(self) -> Pairs:
        """Return all pairs, with indices into the flat tensors."""
        start = _repeated((self.images.cumsum(0) - self.images).numpy(), self.images[:, 2])
        detection, target = start[:, 0] + self.pair_detection, start[:, 1] + self.pair_target
        return Pairs(detection, target, self.pair_iou)

    def pairs_of_a_class(self, pairs: Pairs) -> torch.Tensor:
        """Return whether detection and target have the same label, bool (P,)."""
        labels = self.labels.numpy()[pairs.detection.numpy()]
        return torch.from_numpy(labels == self.target_labels.numpy()[pairs.target.numpy()])

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the tensors by name, in the order of the constructor."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def empty(num_stops: int) -> DetectionTally:
        """Return what is kept of no images, for T stops."""

        def none(dtype: torch.dtype, *shape: int) -> torch.Tensor:
            return torch.empty(0, *shape, dtype=dtype)

        return DetectionTally(
            images=none(torch.int64, 3),
            scores=none(torch.float32),
            labels=none(torch.int32),
            areas=none(torch.float64),
            kept=none(torch.uint8, -(-num_stops // 8)),
            target_labels=none(torch.int32),
            target_areas=none(torch.float64),
            crowd=none(torch.bool),
            ignore=none(torch.bool),
            pair_detection=none(torch.int32),
            pair_target=none(torch.int32),
            pair_iou=none(torch.float64),
        )

    @staticmethod
    def cat(parts: Sequence[DetectionTally]) -> DetectionTally:
        """Return what was kept of several batches, images in order."""
        columns = zip(*(part.tensors().values() for part in parts), strict=True)
        return DetectionTally(*(torch.cat(column) for column in columns))


def tally_image(
    found: Boxes, kept: torch.Tensor, target: Annotations, match_iou: float
) -> DetectionTally:
    """Return what to keep of one image.

    Args:
        found: the detections; see `to_boxes`.
        kept: from `nms_sweep`, bool (N, T).
        target: what is true in the image; see `to_annotations`.
        match_iou: the IoU that counts as found.
    """
    order = np.argsort(-found.scores.numpy(), kind="stable")
    boxes, scores, labels = (torch.from_numpy(t.numpy()[order]) for t in found)
    same = labels.numpy()[:, None] == target.labels.numpy()
    confused = np.where(target.ignore.numpy(), np.inf, min(match_iou, ALMOST_ONE))  # of two classes
    least = np.where(same, min(match_iou, COCO_LEAST), confused)
    pairs = find_pairs(boxes, target, torch.from_numpy(least))
    return DetectionTally(
        images=torch.tensor([[len(boxes), len(target), len(pairs.iou)]]),
        scores=scores,
        labels=labels.to(torch.int32),
        areas=to_xywh(boxes)[:, 2:].prod(1),
        kept=pack_bits(torch.from_numpy(kept.numpy()[order])),
        target_labels=target.labels.to(torch.int32),
        target_areas=target.area,
        crowd=target.iscrowd,
        ignore=target.ignore,
        pair_detection=pairs.detection.to(torch.int32),
        pair_target=pairs.target.to(torch.int32),
        pair_iou=pairs.iou,
    )


def _repeated(values: np.ndarray, times: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.repeat(values, times.numpy(), axis=0))


def keep_first(kept: torch.Tensor, sizes: torch.Tensor, at_most: int) -> None:
    """Keep, in place, at most some detections of each group at each stop, the first ones.

    Args:
        kept: bool (N, T), groups one after the other.
        sizes: how many of the N belong to each group, int64.
        at_most: how many may stay.
    """
    ends = sizes.cumsum(0)
    for i in (sizes > at_most).nonzero().flatten().tolist():
        group = kept[int(ends[i] - sizes[i]) : int(ends[i])]
        group &= group.cumsum(0) <= at_most
