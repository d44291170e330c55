"""A run's settings, as names and values that JSON can hold."""

from __future__ import annotations

import argparse
import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any

import numpy as np


def named_settings(config: Any) -> Any:
    """Return the attributes of what argparse returns, or of a dataclass, as a dict."""
    if isinstance(config, (argparse.Namespace, types.SimpleNamespace)):
        return vars(config)
    is_instance = dataclasses.is_dataclass(config) and not isinstance(config, type)
    return dataclasses.asdict(config) if is_instance else config


def plain(value: Any) -> Any:
    """Return what JSON can hold of a value: numbers that are not finite and others become text.

    Example:
        >>> plain({"lr": np.float32(0.5), "loss": float("nan"), "model": type(None)})
        {'lr': 0.5, 'loss': 'nan', 'model': "<class 'NoneType'>"}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)
