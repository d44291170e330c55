"""Random stops and probabilities, many of them on a stop or beside one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from torchdial.inputs import Stops, to_stops

UNIT = st.floats(0, 1, width=32)
DTYPES = st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16])
STOPS = st.one_of(
    st.integers(2, 12).map(to_stops),
    st.lists(UNIT, min_size=1, max_size=12, unique=True).map(sorted).map(to_stops),
)


def near(stops: Stops) -> st.SearchStrategy[float]:
    """A number in [0, 1], often a stop in float32, or the next float32 below or above one."""
    table = np.float32(stops.values)
    beside = np.concatenate([table, np.nextafter(table, 0), np.nextafter(table, np.float32(2))])
    return st.one_of(st.sampled_from(np.clip(beside, 0, 1).tolist()), UNIT)


@st.composite
def batches(draw: Any, task: str) -> tuple[torch.Tensor, torch.Tensor, Stops]:
    """Draw (N, C, 1, P) probabilities of any type, targets with ignored pixels (7), and stops."""
    stops = draw(STOPS)
    num_images, num_pixels = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    num_classes = 1 if task == "binary" else draw(st.integers(2, 3))
    shape = (num_images, num_classes, 1, num_pixels)
    values = draw(st.lists(near(stops), min_size=(n := int(np.prod(shape))), max_size=n))
    probs = torch.tensor(values, dtype=torch.float64).view(shape).to(draw(DTYPES))
    labels = [*range(num_classes), 7] if task == "multiclass" else [0, 1, 7]
    shape = (num_images, 1, num_pixels) if task == "multiclass" else shape
    truth = draw(st.lists(st.sampled_from(labels), min_size=(n := int(np.prod(shape))), max_size=n))
    return probs, torch.tensor(truth).view(shape), stops
