"""Every position of a dial, computed once: pure functions and plain dataclasses on torch alone.

`torchdial.sweeps.metrics` stands apart: it alone imports torchmetrics.
"""

from torchdial.sweeps.calibration import Calibration
from torchdial.sweeps.curves import ThresholdCurves
from torchdial.sweeps.detect import detect
from torchdial.sweeps.detection_curves import DetectionCurves
from torchdial.sweeps.detections import DetectionSweep
from torchdial.sweeps.levels import threshold_levels
from torchdial.sweeps.nms import nms_sweep
from torchdial.sweeps.segment import segment
from torchdial.sweeps.thresholds import ThresholdSweep

__all__ = [
    "Calibration",
    "DetectionCurves",
    "DetectionSweep",
    "ThresholdCurves",
    "ThresholdSweep",
    "detect",
    "nms_sweep",
    "segment",
    "threshold_levels",
]
