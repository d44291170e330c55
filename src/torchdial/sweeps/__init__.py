"""Every position of a dial, computed once: pure functions and plain dataclasses on torch alone.

`torchdial.sweeps.metrics` stands apart: it alone imports torchmetrics.
"""

from torchdial.sweeps.calibration import Calibration
from torchdial.sweeps.curves import ThresholdCurves
from torchdial.sweeps.levels import threshold_levels
from torchdial.sweeps.thresholds import ThresholdSweep

__all__ = ["Calibration", "ThresholdCurves", "ThresholdSweep", "threshold_levels"]
