"""Counts of each image, class and stop, from one histogram over (class, truth, level)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.probability_maps import Task, check_task
from torchdial.inputs.segmentation_targets import IGNORED
from torchdial.inputs.stops import Stops
from torchdial.sweeps.pixels.threshold_levels import levels_of


@dataclass(frozen=True)
class Counts:
    """Counts at T stops in N images and C classes; fn and tn follow from these.

    Attributes:
        tp: true positives, (N, C, T).
        fp: false positives, (N, C, T).
        positives: pixels of the class, (N, C).
        negatives: pixels of other classes, (N, C); ignored pixels are in neither.
    """

    tp: torch.Tensor
    fp: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor

    @property
    def fn(self) -> torch.Tensor:
        """False negatives, (N, C, T)."""
        return self.positives[..., None] - self.tp

    @property
    def tn(self) -> torch.Tensor:
        """True negatives, (N, C, T)."""
        return self.negatives[..., None] - self.fp

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the four tensors in the order of the constructor."""
        return self.tp, self.fp, self.positives, self.negatives

    def to(self, device: torch.device | str) -> Counts:
        """Return the counts on another device."""
        return Counts(*(t.to(device) for t in self.tensors()))

    def pooled(self, dim: int | tuple[int, ...]) -> Counts:
        """Return sums over images (0), classes (1) or both, kept as dimensions of size one."""
        return Counts(*(t.sum(dim, keepdim=True) for t in self.tensors()))

    def of_classes(self, classes: slice) -> Counts:
        """Return the counts of some classes."""
        return Counts(*(t[:, classes] for t in self.tensors()))

    def at(self, stops: Sequence[int]) -> Counts:
        """Return the counts with class c at stop `stops[c]`, as T = 1."""
        index = torch.tensor(stops, device=self.tp.device)[None, :, None].expand(
            len(self.tp), -1, 1
        )
        return Counts(self.tp.gather(2, index), self.fp.gather(2, index), *self.tensors()[2:])

    @staticmethod
    def cat(parts: Sequence[Counts]) -> Counts:
        """Return the counts of several batches, images in order, on the first one's device."""
        device = parts[0].tp.device
        columns = zip(*(part.to(device).tensors() for part in parts), strict=True)
        return Counts(*(torch.cat(column) for column in columns))


@dataclass(frozen=True)
class Tally:
    """Everything counted in a batch.

    Attributes:
        classes: each class against the rest.
        argmax: for multiclass, the class of the highest probability unless that is ≤ t.
        joint: for multiclass, pixels over (target, argmax, level of the maximum), (C, C, T + 1),
            all images together.
        of_samples: whether samples are counted in place of pixels, all of them in one row.
    """

    classes: Counts
    argmax: Counts | None = None
    joint: torch.Tensor | None = None
    of_samples: bool = False

    @staticmethod
    def cat(parts: Sequence[Tally]) -> Tally:
        """Return what was counted in several batches."""
        classes = Counts.cat([part.classes for part in parts])
        argmax = [part.argmax for part in parts if part.argmax is not None]
        joint = [part.joint.to(classes.tp.device) for part in parts if part.joint is not None]
        whole = Tally(classes)
        if argmax:
            whole = Tally(classes, Counts.cat(argmax), sum(joint[1:], start=joint[0]))
        return as_samples(whole) if parts[0].of_samples else whole

    def on_host(self) -> Tally:
        """Return what was counted, in host memory."""
        argmax = () if self.argmax is None else self.argmax.tensors()
        joint = () if self.joint is None else (self.joint,)
        tables = copy_together("cpu", *self.classes.tensors(), *argmax, *joint)
        return Tally(
            Counts(*tables[:4]),
            Counts(*tables[4:8]) if argmax else None,
            tables[-1] if joint else None,
            self.of_samples,
        )


def as_samples(tally: Tally) -> Tally:
    """Return what was counted pooled into one row, of samples."""
    argmax = None if tally.argmax is None else tally.argmax.pooled(0)
    return Tally(tally.classes.pooled(0), argmax, tally.joint, of_samples=True)


def check_tally(tally: Tally, task: str, num_stops: int) -> None:
    """Raise ValueError if a tally from a file is not one of this task and number of stops."""
    num_images, num_classes, *_ = tally.classes.tp.shape
    check_task(task, num_classes)
    table, row = (num_images, num_classes, num_stops), (num_images, num_classes)
    tensors, shapes = [*tally.classes.tensors()], [table, table, row, row]
    if tally.argmax is not None:
        tensors, shapes = [*tensors, *tally.argmax.tensors()], shapes * 2
    if tally.joint is not None:
        tensors, shapes = (
            [*tensors, tally.joint],
            [*shapes, (num_classes, num_classes, num_stops + 1)],
        )
    right = (tally.joint is None) == (task != "multiclass")
    for tensor, shape in zip(tensors, shapes, strict=True):
        right &= tuple(tensor.shape) == shape and tensor.dtype == torch.int64
    if not right:
        raise refusal(
            "counts",
            expected=f"int64 tables {shapes} for task={task!r}",
            got=", ".join(map(describe, tensors)),
            remedy="Count again.",
        )


@dataclass(frozen=True)
class Levels:
    """One byte a pixel for what a dial shows.

    Attributes:
        classes: levels of each class, uint8 (N, C, H, W).
        argmax: for multiclass, the class of the highest probability, the first of equal ones,
            uint8 (N, H, W).
        maximum: for multiclass, that probability's level, uint8 (N, H, W).
    """

    classes: torch.Tensor
    argmax: torch.Tensor | None = None
    maximum: torch.Tensor | None = None

    def images(self) -> Iterator[Levels]:
        """Yield the levels of each image, (C, H, W) and (H, W)."""
        for i, classes in enumerate(self.classes):
            planes = (None if plane is None else plane[i] for plane in (self.argmax, self.maximum))
            yield Levels(classes, *planes)


def measure_levels(probs: torch.Tensor, task: Task, stops: Stops) -> Levels:
    """Return the levels of canonical probabilities (N, C, H, W)."""
    classes = levels_of(probs, stops)
    if task != "multiclass":
        return Levels(classes)
    argmax = probs.max(dim=1, keepdim=True).indices  # as argmax, and ten times as fast
    maximum = classes.gather(1, argmax)
    return Levels(classes, argmax[:, 0].to(torch.uint8), maximum[:, 0])


def count_levels(levels: Levels, targets: torch.Tensor, num_stops: int) -> Tally:
    """Count levels against canonical targets, image by image so that memory stays small.

    Args:
        levels: from `measure_levels`.
        targets: from `torchdial.inputs.to_targets`.
        num_stops: T.
    """
    parts: list[Tally] = []
    for image, target in zip(levels.images(), targets, strict=True):
        append_tally(parts, count_image(image, target, num_stops)[0])
    return Tally.cat(parts)


def append_tally(tallies: list[Tally], tally: Tally) -> None:
    """Append, with one joint table for all, held by the first: each takes 8 C² (T + 1) bytes.

    Samples are pooled with those before.

    Raises:
        ValueError: samples and images are mixed.
    """
    if any(other.of_samples != tally.of_samples for other in tallies[:1]):
        words = ("images", "samples")
        raise refusal(
            "update",
            expected=f"{words[tallies[0].of_samples]} as in the updates before",
            got=words[tally.of_samples],
            remedy="Make a ThresholdSweep of its own for these.",
        )
    if tally.of_samples:
        tallies[:] = [Tally.cat([*tallies, tally])]
        return
    first = tallies[0].joint if tallies else None
    if first is None or tally.joint is None:
        tallies.append(tally)
        return
    joint = first + tally.joint.to(first.device)
    tallies[0] = replace(tallies[0], joint=joint)
    tallies.append(replace(tally, joint=None))


def bincount(values: torch.Tensor, size: int) -> torch.Tensor:
    """Return how often each of 0 … size - 1 occurs among whole numbers (P,), int64 (size,).

    `torch.bincount` waits for a GPU to tell the largest value; sorting does not.
    """
    if values.is_cpu:
        return torch.bincount(values, minlength=size)
    numbers = torch.arange(size, dtype=values.dtype, device=values.device)
    below = torch.searchsorted(values.sort().values, numbers)
    return torch.diff(below, append=torch.full_like(below[:1], len(values)))


def count_image(levels: Levels, target: torch.Tensor, num_stops: int) -> tuple[Tally, torch.Tensor]:
    """Count the levels of one image against its canonical target.

    Returns:
        The tally, and the pixels of each class at each level, ignored ones too, (C, T + 1).
    """
    planes = levels.classes
    by_truth = _count_by_truth(planes.flatten(1), _truth(target, len(planes)), num_stops)
    classes, histogram = _against_rest(by_truth), by_truth.sum(1)
    if levels.argmax is None or levels.maximum is None:
        return Tally(classes), histogram
    joint = count_joint(target, levels.argmax, levels.maximum, len(planes), num_stops)
    return Tally(classes, _argmax_counts(joint), joint), histogram


def _truth(target: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Return 0 (no), 1 (yes) or 2 (ignored) for each class and pixel, uint8 (C, P)."""
    flat = target.flatten(-2)
    if target.ndim == 3:  # a mask for each class
        return flat.clamp(max=2)
    labels = torch.arange(num_classes, dtype=torch.uint8, device=target.device)
    yes = (flat[None] == labels[:, None]).to(torch.uint8)
    return yes.masked_fill_((flat == IGNORED)[None], 2)


def _count_by_truth(levels: torch.Tensor, truth: torch.Tensor, num_stops: int) -> torch.Tensor:
    """Return the pixels of each class over (truth, level), (C, 3, T + 1)."""
    bins = num_stops + 1
    return torch.stack(
        [
            # int16 holds 3 * 256 and halves what bincount reads
            bincount(t.to(torch.int16).mul_(bins).add_(level), 3 * bins)
            for level, t in zip(levels, truth, strict=True)
        ]
    ).view(-1, 3, bins)


def _against_rest(histogram: torch.Tensor) -> Counts:
    above = _above(histogram)
    total = histogram.sum(-1)
    return _per_image(above[:, 1], above[:, 0], total[:, 1], total[:, 0])


def count_joint(
    target: torch.Tensor,
    argmax: torch.Tensor,
    maximum: torch.Tensor,
    num_classes: int,
    num_stops: int,
) -> torch.Tensor:
    """Return the pixels of an image over (target, argmax, level of the maximum), (C, C, T + 1)."""
    bins = num_stops + 1
    row = target.flatten().to(torch.int32).clamp(max=num_classes)  # ignored: the last row
    cell = (row * num_classes + argmax.flatten()) * bins + maximum.flatten()
    histogram = bincount(cell, (num_classes + 1) * num_classes * bins)
    return histogram.view(num_classes + 1, num_classes, bins)[:-1]


def _argmax_counts(joint: torch.Tensor) -> Counts:
    right = _above(joint.diagonal().T)
    predicted = _above(joint.sum(0))
    positives = joint.sum((1, 2))
    return _per_image(right, predicted - right, positives, joint.sum() - positives)


def _above(histogram: torch.Tensor) -> torch.Tensor:
    """Return how many lie above each stop: from (…, T + 1) levels to (…, T) stops."""
    return histogram.flip(-1).cumsum(-1).flip(-1)[..., 1:]


def _per_image(*counts: torch.Tensor) -> Counts:
    return Counts(*(count[None] for count in counts))
