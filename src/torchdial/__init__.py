"""torchdial: Jupyter widgets for people who train PyTorch models.

Turn a dial and see, at once and exactly, what a model's output becomes.

Names are imported when they are first used, so that `import torchdial` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchdial.models.raw_candidates import raw_candidates
    from torchdial.models.streaming import stream
    from torchdial.report.save_html import save_html
    from torchdial.sweeps.boxes.detect import detect
    from torchdial.sweeps.boxes.detection_curves import DetectionCurves
    from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
    from torchdial.sweeps.boxes.nms import nms_sweep
    from torchdial.sweeps.pixels.segment import segment
    from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
    from torchdial.sweeps.pixels.threshold_levels import threshold_levels
    from torchdial.sweeps.pixels.threshold_sweep import ThresholdSweep
    from torchdial.training.history.history import History
    from torchdial.training.monitor import TrainingMonitor
    from torchdial.training.runs import compare_runs, runs
    from torchdial.visualization import Visualization
    from torchdial.widgets.image_grid import ImageGrid
    from torchdial.widgets.live.gradient_plot import GradientPlot
    from torchdial.widgets.live.loss_plot import LossPlot
    from torchdial.widgets.live.training_panel import TrainingPanel
    from torchdial.widgets.model_tree import ModelTree
    from torchdial.widgets.preview.comparison import (
        DetectionComparison,
        SegmentationComparison,
        compare,
    )
    from torchdial.widgets.preview.detection_preview import DetectionPreview
    from torchdial.widgets.preview.segmentation_preview import SegmentationPreview

__version__ = "0.1.0"

_HOMES = {
    "DetectionComparison": "torchdial.widgets.preview.comparison",
    "DetectionCurves": "torchdial.sweeps.boxes.detection_curves",
    "DetectionPreview": "torchdial.widgets.preview.detection_preview",
    "DetectionSweep": "torchdial.sweeps.boxes.detection_sweep",
    "GradientPlot": "torchdial.widgets.live.gradient_plot",
    "LossPlot": "torchdial.widgets.live.loss_plot",
    "History": "torchdial.training.history.history",
    "ImageGrid": "torchdial.widgets.image_grid",
    "ModelTree": "torchdial.widgets.model_tree",
    "SegmentationComparison": "torchdial.widgets.preview.comparison",
    "SegmentationPreview": "torchdial.widgets.preview.segmentation_preview",
    "ThresholdCurves": "torchdial.sweeps.pixels.threshold_curves",
    "ThresholdSweep": "torchdial.sweeps.pixels.threshold_sweep",
    "TrainingMonitor": "torchdial.training.monitor",
    "TrainingPanel": "torchdial.widgets.live.training_panel",
    "Visualization": "torchdial.visualization",
    "compare": "torchdial.widgets.preview.comparison",
    "compare_runs": "torchdial.training.runs",
    "detect": "torchdial.sweeps.boxes.detect",
    "nms_sweep": "torchdial.sweeps.boxes.nms",
    "raw_candidates": "torchdial.models.raw_candidates",
    "runs": "torchdial.training.runs",
    "save_html": "torchdial.report.save_html",
    "segment": "torchdial.sweeps.pixels.segment",
    "stream": "torchdial.models.streaming",
    "threshold_levels": "torchdial.sweeps.pixels.threshold_levels",
}

__all__ = [
    "DetectionComparison",
    "DetectionCurves",
    "DetectionPreview",
    "DetectionSweep",
    "GradientPlot",
    "History",
    "ImageGrid",
    "LossPlot",
    "ModelTree",
    "SegmentationComparison",
    "SegmentationPreview",
    "ThresholdCurves",
    "ThresholdSweep",
    "TrainingMonitor",
    "TrainingPanel",
    "Visualization",
    "compare",
    "compare_runs",
    "detect",
    "nms_sweep",
    "raw_candidates",
    "runs",
    "save_html",
    "segment",
    "stream",
    "threshold_levels",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'torchdial' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
