"""Values that no function takes, to be passed as each of its arguments."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


class Odd:
    """An object that is nothing, and cannot be turned into anything."""

    def __repr__(self) -> str:
        return "Odd()"


class Rude:
    """An object whose every question raises."""

    def __len__(self) -> int:
        raise RuntimeError("planted in len")

    def __iter__(self) -> Any:
        raise RuntimeError("planted in iter")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("planted in array")

    def __repr__(self) -> str:
        return "Rude()"


def deep(levels: int) -> Any:
    value: Any = 1.0
    for _ in range(levels):
        value = [value]
    return value


PLAIN: list[Any] = [
    *(None, True, False, 0, -1, 1, 3, 256, 2**31, 2**70, -(2**70), 0.5, 1.5, -0.5),
    *(math.nan, math.inf, -math.inf, 1j, Decimal("0.5"), "", "x", "nan", "binary", b"x"),
    *([], [[]], (), {}, set(), {1}, range(3), [1], [0.5], [1, "a"], ["a"], [None], [math.nan]),
    *([[1, 2], [3]], deep(70), {"a": 1}, {None: None}, {"boxes": 1}, {"scores": []}),
    *({"boxes": torch.zeros(2, 4)}, [{"boxes": [[0, 0, 1, 1]]}], [{}], [[{}]]),
    *(object, len, lambda x: x, lambda: 1 / 0, Odd(), [Odd()], Rude(), Path("nowhere")),
    *(nn.Linear(2, 1), nn.Identity(), torch.device("cpu"), torch.float32, np.float32, slice(3)),
]
TENSORS: list[Any] = [
    *(torch.zeros(shape) for shape in ((), (0,), (3,), (2, 4), (0, 4), (1, 3, 8, 8), (2, 0, 3))),
    *(torch.rand(2, 1, 8, 8), torch.rand(1, 2, 3, 4, 5), torch.ones(2, 8, 8), torch.ones(2, 3)),
    *(torch.tensor([math.nan, 1]), torch.tensor([[0.0, 0, math.inf, 1]]), torch.tensor([1e38])),
    *(torch.zeros(2, 4, dtype=dtype) for dtype in (torch.int8, torch.bool, torch.complex64)),
    *(torch.zeros(2, 1, 8, 8, dtype=d) for d in (torch.float16, torch.int64, torch.complex64)),
    *(torch.zeros(2, 4, device="meta"), torch.zeros(2, 1, 8, 8, device="meta")),
    *(torch.zeros(2, 4).to_sparse(), torch.zeros(2, 4, requires_grad=True) * 1),
    torch.quantize_per_tensor(torch.zeros(2, 4), 1.0, 0, torch.quint8),
    torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
]
ARRAYS: list[Any] = [
    *(np.zeros(0), np.zeros(()), np.zeros((2, 4)), np.zeros((2, 1, 8, 8), np.uint8)),
    *(np.array(["a", "b"]), np.array([None, 1], object), np.array([b"a"]), np.zeros(3, "M8[s]")),
    *(np.zeros(2, [("a", "f4")]), np.zeros((2, 4), ">f4"), np.zeros((2, 4), np.longdouble)),
    *(np.zeros((2, 4), np.uint64), np.ma.masked_all((2, 4)), np.float64("nan"), np.int8(3)),
]
JUNK = [*PLAIN, *TENSORS, *ARRAYS]
DOZEN: list[Any] = [
    *(None, True, -1, math.nan, "x", [], [[1, 2], [3]], {"boxes": 1}, Rude(), nn.Identity()),
    *(torch.zeros(2, 0, 3), torch.tensor([math.nan, 1]), torch.zeros(2, 4, device="meta")),
    np.array([None, 1], object),
]
"""One of each kind of junk."""
