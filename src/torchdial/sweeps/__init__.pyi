from .boxes.detect import detect
from .boxes.detection_curves import DetectionCurves
from .boxes.detection_sweep import DetectionSweep
from .boxes.nms import nms_sweep
from .pixels.calibration import Calibration
from .pixels.segment import segment
from .pixels.threshold_curves import ThresholdCurves
from .pixels.threshold_levels import threshold_levels
from .pixels.threshold_sweep import ThresholdSweep

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
