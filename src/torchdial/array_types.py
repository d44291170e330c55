"""Names for the types of arrays that many modules pass on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
"""Pixels, masks, levels: one byte each."""
