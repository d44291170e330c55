"""Files of threshold curves: what was counted and the settings it was counted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import torch

from torchdial.inputs.arguments import refuse_no_path
from torchdial.inputs.errors import refusal
from torchdial.inputs.probability_maps import check_background
from torchdial.inputs.stops import Stops, score_stops, to_stops
from torchdial.sweeps.npz_archive import read_archive, write_archive
from torchdial.sweeps.pixels.pixel_counts import Counts, Tally, check_tally

FORMAT = "torchdial.ThresholdCurves/1"
COUNTS = ("tp", "fp", "positives", "negatives")


def write_tally(
    path: str | PathLike[str], tally: Tally, stops: Stops, settings: Mapping[str, Any]
) -> None:
    """Write one .npz file of plain arrays, without pickle."""
    arrays = dict(zip(COUNTS, tally.classes.tensors(), strict=True))
    if tally.argmax is not None:
        more = zip(COUNTS, tally.argmax.tensors(), strict=True)
        arrays |= {f"argmax_{name}": tensor for name, tensor in more}
    if tally.joint is not None:
        arrays["joint"] = tally.joint
    about = {
        "format": FORMAT,
        "stops": stops.values,
        "even": stops.even,
        "of_scores": stops.of_scores,
        "of_samples": tally.of_samples,
        **settings,
    }
    write_archive(path, about, {name: tensor.numpy() for name, tensor in arrays.items()})


def read_tally(path: str | PathLike[str]) -> tuple[Tally, dict[str, Any]]:
    """Read what `write_tally` wrote: what was counted, and its stops and settings by name.

    Raises:
        ValueError: the file is not such a file, or is damaged.
    """
    refuse_no_path("path", path)
    about, arrays = read_archive(path, FORMAT)
    try:
        values, task = about["stops"], about["task"]
        if about.get("of_scores", False):
            stops = score_stops(values)
        else:
            stops = to_stops(len(values) if about["even"] else values)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        counts = Counts(*(tensors.pop(name) for name in COUNTS))
        of_samples = bool(about.get("of_samples", False))
        tally = Tally(counts, joint=tensors.pop("joint", None), of_samples=of_samples)
        if "argmax_tp" in tensors:
            argmax = Counts(*(tensors.pop(f"argmax_{name}") for name in COUNTS))
            tally = replace(tally, argmax=argmax)
        if tensors:
            raise ValueError(f"more tables: {list(tensors)}")
        check_tally(tally, task, len(stops))
        settings = {
            "task": task,
            "stops": stops,
            "zero_division": float(about["zero_division"]),
            "include_background": check_background(about.get("include_background", True), task),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise refusal(
            "load",
            expected="counts that go together",
            got=f"{path}, which is damaged ({error!r:.200})",
            remedy="Save it again.",
        ) from error
    return tally, settings
