"""Sphinx: demo models are trained once, and kept in build/demo_models by what they depend on.

That is the source of `torchdial.demo`, the untrained weights, the scenes and the settings.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

import torchdial.demo

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MODELS = Path(__file__).parents[2] / "build" / "demo_models"


def trained_once(train: Callable[..., list[float]]) -> Callable[..., list[float]]:
    """Return a training that reads what an earlier call with the same arguments ended with.

    One that is watched at every step runs each time.
    """

    @functools.wraps(train)
    def read_or_train(model: nn.Module, scenes: Any, **options: Any) -> list[float]:
        if options.keys() & {"on_step", "optimizer"}:
            return train(model, scenes, **options)
        file = MODELS / f"{_key(train.__name__, model, scenes, options)}.pt"
        if not file.exists():
            losses = train(model, scenes, **options)
            MODELS.mkdir(parents=True, exist_ok=True)
            torch.save({"weights": model.state_dict(), "losses": losses}, file)
        kept = torch.load(file, weights_only=True)
        model.load_state_dict(kept["weights"])
        return kept["losses"]

    return read_or_train


def _key(name: str, model: nn.Module, scenes: Any, options: dict[str, Any]) -> str:
    digest = hashlib.sha256(f"{name} {sorted(options.items())} {torch.__version__}".encode())
    for source in sorted(Path(torchdial.demo.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for tensor in [*model.state_dict().values(), scenes.images, scenes.classes]:
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the trainings that pages call."""
    for name in ("train_unet", "train_detector"):
        setattr(torchdial.demo, name, trained_once(getattr(torchdial.demo, name)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
