"""A frame: what the detection dials show of a model at one moment, in host memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from torchdial.array_types import Bytes
from torchdial.inputs.boxes.boxes import Boxes
from torchdial.inputs.boxes.detection_targets import Annotations, to_annotations
from torchdial.inputs.boxes.detections import Detections
from torchdial.sweeps.boxes.bitsets import unpack_bits
from torchdial.sweeps.boxes.detection_counts import DetectionCounts
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_setting import confuse, errors_at, shown_at
from torchdial.sweeps.boxes.detection_settings import METRICS, DetectionSettings, evaluate
from torchdial.sweeps.boxes.detection_tally import DetectionTally, tally_image
from torchdial.sweeps.boxes.instance_masks import pack_masks
from torchdial.sweeps.boxes.nms import kept_at


@dataclass(frozen=True, eq=False)
class DetectionFrame:
    """Candidates of I images in descending score, what NMS keeps, and how they match targets.

    Attributes:
        boxes: float32 (N, 4) xyxy, image after image.
        index: each one's place in what was given for its image, int64 (N,).
        masks: of each image the instance masks in the same order, see `pack_masks`, or None; I.
        tally: scores, labels, where NMS keeps what, and overlaps with targets.
        settings: how it was counted.
        has_targets: whether there are any; without, all is counted as if nothing were there.
    """

    boxes: torch.Tensor
    index: torch.Tensor
    masks: tuple[Bytes | None, ...]
    tally: DetectionTally
    settings: DetectionSettings
    has_targets: bool

    @cached_property
    def curves(self) -> DetectionCurves | None:
        """Counts and metrics against the targets, where there are any."""
        return DetectionCurves(self.tally, self.settings) if self.has_targets else None

    @property
    def score_floor(self) -> float | None:
        """The lowest score of a candidate, None without any."""
        scores = self.tally.scores
        return float(scores.min()) if len(scores) else None

    @cached_property
    def overlap(self) -> float | None:
        """The lowest NMS stop that keeps every candidate: no two overlap by more.

        None without candidates, and where some are suppressed at every stop.
        """
        stops = self.settings.nms.values
        every = unpack_bits(self.tally.kept, len(stops)).all(dim=0).nonzero()
        return stops[int(every[0])] if len(every) and len(self.boxes) else None

    def rows(self, image: int) -> slice:
        """Return where an image's candidates are."""
        end = int(self.tally.images[: image + 1, 0].sum())
        return slice(end - int(self.tally.images[image, 0]), end)

    def shown(self, stop: int, thresholds: torch.Tensor, max_det: int) -> torch.Tensor:
        """Return which candidates remain at a setting, bool (N,).

        Args:
            stop: of the NMS dial.
            thresholds: a score for each label, float32.
            max_det: the most boxes of an image.
        """
        byte, bit = divmod(stop, 8)
        kept = (self.tally.kept[:, byte] >> bit & 1).bool()
        return shown_at(self.tally, kept, thresholds, max_det)

    def kept(self, image: int, shown: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the boxes of an image that remain, as `torchdial.detect` does."""
        rows = self.rows(image)
        here = shown[rows]
        return {
            "boxes": self.boxes[rows][here],
            "scores": self.tally.scores[rows][here],
            "labels": self.tally.labels[rows][here].long(),
            "indices": self.index[rows][here],
        }

    def errors(
        self, image: int, shown: torch.Tensor, label: int | None = None
    ) -> dict[str, torch.Tensor]:
        """Return which boxes of an image that remain are true or ignored, and what is missed.

        Args:
            image: its index.
            shown: which candidates remain, bool (N,).
            label: of which targets to look for those that are missed, None for all.
        """
        rows = self.rows(image)
        true, ignored, missed = errors_at(self.tally, shown, self.settings.match_iou)
        if label is not None:
            missed &= self.tally.target_labels == label
        return {
            "true": true[rows][shown[rows]],
            "ignored": ignored[rows][shown[rows]],
            "missed": missed[self.tally.of_target == image].nonzero().flatten(),
        }

    def images_at(self, shown: torch.Tensor, label: int | None = None) -> dict[str, torch.Tensor]:
        """Return counts and metrics of each image at a setting.

        Args:
            shown: which candidates remain, bool (N,).
            label: of which class, None for all.

        Returns:
            kept, tp, fp, fn, int64 (I,), and every metric, float64 (I,).
        """
        tally, settings = self.tally, self.settings
        true, ignored, missed = errors_at(tally, shown, settings.match_iou)
        if label is not None:
            shown = shown & (tally.labels == label)
            missed = missed & (tally.target_labels == label)
        kept, tp, fp = (
            tally.of_image[chosen].bincount(minlength=tally.num_images)
            for chosen in (shown, shown & true, shown & ~true & ~ignored)
        )
        fn = tally.of_target[missed].bincount(minlength=tally.num_images)
        counts = DetectionCounts(tp[:, None, None], fp[:, None, None], tp + fn)
        table = {"kept": kept, "tp": tp, "fp": fp, "fn": fn}
        for metric in METRICS:
            table[metric] = evaluate(metric, counts, settings.zero_division)[:, 0, 0]
        return table

    def count_cell(
        self, shown: torch.Tensor, truth: int, found: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return what a cell of the confusion matrix counts; `Confusion` says which are there.

        Returns:
            How many in each image, int64 (I,); which detections, bool (N,); and which targets are
            missed or confused with these, bool (G,).
        """
        tally, settings = self.tally, self.settings
        confusion = confuse(tally, shown, settings.match_iou, settings.num_classes or 0)
        detections, missed = confusion.cell(truth, found)
        images = torch.cat([tally.of_image[detections], tally.of_target[missed]])
        targets = missed.clone()
        with_target = confusion.target[detections]
        targets[with_target[with_target >= 0]] = True
        return images.bincount(minlength=tally.num_images), detections, targets

    @staticmethod
    def cat(parts: Sequence[DetectionFrame]) -> DetectionFrame:
        """Return one frame of the images of several, of the same settings."""
        return DetectionFrame(
            torch.cat([part.boxes for part in parts]),
            torch.cat([part.index for part in parts]),
            sum((part.masks for part in parts), ()),
            DetectionTally.cat([part.tally for part in parts]),
            parts[0].settings,
            parts[0].has_targets,
        )


def measure_image(
    found: Detections,
    target: Annotations | None,
    settings: DetectionSettings,
    size: tuple[int, int],
) -> DetectionFrame:
    """Return the frame of one image.

    Args:
        found: candidates.
        target: the targets of the image, if there are any.
        settings: how to count.
        size: height and width of the image, for instance masks.

    Raises:
        ValueError: masks have other proportions than the image.
    """
    order = torch.sort(found.scores, descending=True, stable=True).indices
    boxes = Boxes(found.boxes[order], found.scores[order], found.labels[order])
    kept = kept_at(boxes, settings.nms, class_agnostic=settings.class_agnostic)
    truth = to_annotations({"boxes": [], "labels": []})[0] if target is None else target
    masks = None
    if found.masks is not None:
        masks = pack_masks((found.masks[i] for i in order.tolist()), boxes.boxes, size)
    return DetectionFrame(
        boxes.boxes,
        order if found.index is None else found.index[order],
        (masks,),
        tally_image(boxes, kept, truth, settings.match_iou),
        settings,
        target is not None,
    )
