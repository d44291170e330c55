"""A plugin for pytest: public functions get tensors of `python_device`, whatever a test passes.

`pytest -p tests.device.on_device tests/sweeps` runs these tests as they are; what a function
returns has to lie where it says, and goes back to the CPU for the test to look at.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

from tests.device import python_device

if not python_device.set_up():
    pytest.exit("A device made in Python needs torch 2.10: its tests are skipped.", returncode=0)

# Functions, or classes' methods, and whether what they return lies on the device of what is given.
PUBLIC = {
    "torchdial.inputs.boxes.boxes:to_boxes": False,
    "torchdial.inputs.boxes.detection_targets:to_annotations": False,
    "torchdial.inputs.boxes.detections:to_detections": False,
    "torchdial.inputs.images.preview_images:to_images": False,
    "torchdial.inputs.images.preview_images:to_image_list": False,
    "torchdial.inputs.probability_maps:to_probabilities": True,
    "torchdial.inputs.segmentation_targets:to_targets": True,
    "torchdial.sweeps.boxes.detect:detect": True,
    "torchdial.sweeps.boxes.detection_sweep:DetectionSweep.update": False,
    "torchdial.sweeps.boxes.nms:nms_sweep": True,
    "torchdial.sweeps.pixels.segment:segment": True,
    "torchdial.sweeps.pixels.threshold_levels:threshold_levels": True,
    "torchdial.sweeps.pixels.threshold_sweep:ThresholdSweep.update": False,
}


def moved(leaf: Any) -> Any:
    """Return an ordinary tensor of the CPU on the device, and anything else as it is."""
    plain = type(leaf) is torch.Tensor and leaf.device.type == "cpu"
    if plain and leaf.layout is torch.strided and not (leaf.is_nested or leaf.is_quantized):
        return leaf.to(python_device.NAME)
    return leaf


def _on_device(function: Callable[..., Any], returns_there: bool) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = tree_leaves((args, kwargs))
        args, kwargs = tree_map(moved, (args, kwargs))
        if all(a is b for a, b in zip(given, tree_leaves((args, kwargs)), strict=True)):
            return function(*args, **kwargs)
        first = tree_leaves([*args, *kwargs.values()][0])
        expected = returns_there and isinstance(first[0] if first else None, There)
        result = function(*args, **kwargs)
        found = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        assert all(isinstance(leaf, There) == expected for leaf in found), function
        return tree_map(_back, result)

    return call


def _back(leaf: Any) -> Any:
    """Return a tensor on the CPU, and boxes with their masks there."""
    if isinstance(leaf, torch.Tensor):
        return leaf.cpu()
    if not is_dataclass(leaf):
        return leaf
    inside = {field.name: getattr(leaf, field.name) for field in fields(leaf)}
    there = {
        name: value for name, value in inside.items() if name == "masks" or isinstance(value, There)
    }
    return replace(leaf, **{name: _back(value) for name, value in there.items()})


There = python_device.DeviceTensor


def _patch() -> None:
    for name in ("torchdial.sweeps", "torchdial.widgets.preview.segmentation_preview"):
        importlib.import_module(name)
    found = []
    for path, returns_there in PUBLIC.items():
        module, _, names = path.partition(":")
        owner, *parts = [importlib.import_module(module), *names.split(".")]
        for part in parts[:-1]:
            owner = getattr(owner, part)
        found.append((owner, parts[-1], returns_there))
    for owner, name, returns_there in found:
        function = _on_device(getattr(owner, name), returns_there)
        packages = [sys.modules[f"torchdial.{name}"] for name in ("inputs", "sweeps")]
        for place in (owner, *(package for package in packages if hasattr(package, name))):
            setattr(place, name, function)


_patch()
