from . import (
    figures as figures,
    inputs as inputs,
    structure as structure,
    sweeps as sweeps,
    training as training,
)
from .inputs.quantile_stops import quantile_stops as quantile_stops
from .models.raw_candidates import raw_candidates as raw_candidates
from .models.streaming import stream as stream
from .sweeps.boxes.detect import detect as detect
from .sweeps.boxes.detection_curves import DetectionCurves as DetectionCurves
from .sweeps.boxes.detection_sweep import DetectionSweep as DetectionSweep
from .sweeps.boxes.nms import nms_sweep as nms_sweep
from .sweeps.pixels.segment import segment as segment
from .sweeps.pixels.threshold_curves import ThresholdCurves as ThresholdCurves
from .sweeps.pixels.threshold_levels import threshold_levels as threshold_levels
from .sweeps.pixels.threshold_sweep import ThresholdSweep as ThresholdSweep
from .training.control.control import StopTraining as StopTraining
from .training.control.worker_thread import Handle as Handle
from .training.history.history import Event as Event, History as History
from .training.monitor import TrainingMonitor as TrainingMonitor
from .training.readers.read_runs import read_runs as read_runs
from .training.runs import compare_runs as compare_runs, runs as runs
from .version import __version__ as __version__
from .visualization import Visualization as Visualization
from .widgets.image_grid import ImageGrid as ImageGrid
from .widgets.live.follow import follow as follow
from .widgets.live.gradient_plot import GradientPlot as GradientPlot
from .widgets.live.loss_plot import LossPlot as LossPlot
from .widgets.live.training_panel import TrainingPanel as TrainingPanel
from .widgets.model_tree import ModelTree as ModelTree
from .widgets.preview.classification_preview import ClassificationPreview as ClassificationPreview
from .widgets.preview.comparison import compare as compare
from .widgets.preview.detection_preview import DetectionPreview as DetectionPreview
from .widgets.preview.segmentation_preview import SegmentationPreview as SegmentationPreview
from .widgets.save_html import save_html as save_html
