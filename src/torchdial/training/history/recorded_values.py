"""What can be recorded: a number for a scalar, a row of numbers for layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.errors import describe, refusal

VALUES = 'Pass {"loss": 0.5}, say.'


def layer_values(values: Any, count: int) -> npt.NDArray[np.float32]:
    """Return one value for each of `count` layers, float32 (count,).

    Raises:
        ValueError: they are more or fewer, or no numbers.
    """
    try:
        array = np.asarray(values, np.float32)
        if array.shape == (count,):
            return array
    except Exception:  # noqa: S110 - whatever it is, it is no list of numbers
        pass
    raise refusal(
        "values",
        expected=f"a number for each of {count} names",
        got=describe(values),
        remedy="Pass one for each layer, in the order of the names.",
    )
