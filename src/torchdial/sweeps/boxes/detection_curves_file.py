"""Files of detection curves: the tally and the settings it was made with."""

from __future__ import annotations

from os import PathLike

import torch

from torchdial.inputs.arguments import refuse_no_path
from torchdial.inputs.boxes.class_names import MAX_LABEL
from torchdial.inputs.errors import refusal
from torchdial.sweeps.boxes.detection_settings import DetectionSettings
from torchdial.sweeps.boxes.detection_tally import DetectionTally
from torchdial.sweeps.npz_archive import read_archive, write_archive

FORMAT = "torchdial.DetectionCurves/1"


def write_tally(
    path: str | PathLike[str], tally: DetectionTally, settings: DetectionSettings
) -> None:
    """Write one .npz file of plain arrays, without pickle."""
    arrays = {name: tensor.numpy() for name, tensor in tally.tensors().items()}
    write_archive(path, {"format": FORMAT, **settings.as_json()}, arrays)


def read_tally(path: str | PathLike[str]) -> tuple[DetectionTally, DetectionSettings]:
    """Read what `write_tally` wrote.

    Raises:
        ValueError: the file is not such a file, or is damaged.
    """
    refuse_no_path("path", path)
    about, arrays = read_archive(path, FORMAT)
    try:
        settings = DetectionSettings.from_json(about)
        tally = DetectionTally(**{name: torch.from_numpy(a) for name, a in arrays.items()})
        _check_shapes(tally, len(settings.nms))
        _check_values(tally, settings.num_classes or MAX_LABEL + 1)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise refusal(
            "load",
            expected="a tally that goes together",
            got=f"{path}, which is damaged ({error!r:.200})",
            remedy="Save it again.",
        ) from error
    return tally, settings


_DTYPES = {
    "images": torch.int64,
    "scores": torch.float32,
    "areas": torch.float64,
    "kept": torch.uint8,
    "target_areas": torch.float64,
    "crowd": torch.bool,
    "ignore": torch.bool,
    "pair_iou": torch.float64,
}


def _check_shapes(tally: DetectionTally, num_stops: int) -> None:
    images = tally.images
    if images.dtype != torch.int64 or images.shape != (len(images), 3) or bool((images < 0).any()):
        raise ValueError(f"images: {images.dtype} {tuple(images.shape)}")
    detections, targets, pairs = [(number,) for number in images.sum(0).tolist()]
    shapes = dict.fromkeys(tally.tensors(), targets) | {"images": tuple(images.shape)}
    shapes |= dict.fromkeys(("scores", "labels", "areas"), detections)
    shapes |= {"kept": (*detections, -(-num_stops // 8))}
    shapes |= dict.fromkeys(("pair_detection", "pair_target", "pair_iou"), pairs)
    for name, tensor in tally.tensors().items():
        if tensor.dtype != _DTYPES.get(name, torch.int32) or tensor.shape != shapes[name]:
            raise ValueError(f"{name}: {tensor.dtype} {tuple(tensor.shape)}")


def _check_values(tally: DetectionTally, num_classes: int) -> None:
    of_pairs = tally.images.repeat_interleave(tally.images[:, 2], dim=0)
    for name, values, most in (
        ("labels", tally.labels, num_classes - 1),
        ("target_labels", tally.target_labels, num_classes - 1),
        ("pair_detection", tally.pair_detection, of_pairs[:, 0] - 1),
        ("pair_target", tally.pair_target, of_pairs[:, 1] - 1),
        ("scores", tally.scores, 1),
    ):
        if not bool(((values >= 0) & (values <= most)).all()):
            raise ValueError(f"{name}: values out of range")
