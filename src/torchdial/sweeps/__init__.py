"""Every position of a dial, computed once: pure functions and plain dataclasses on torch alone.

Only `torchdial.sweeps.torchmetrics` imports torchmetrics.
"""

from torchdial.sweeps.boxes.detect import detect
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.boxes.nms import nms_sweep
from torchdial.sweeps.pixels.calibration import Calibration
from torchdial.sweeps.pixels.segment import segment
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
from torchdial.sweeps.pixels.threshold_levels import threshold_levels
from torchdial.sweeps.pixels.threshold_sweep import ThresholdSweep

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
