"""Validation of what users pass, and its conversion to one canonical form.

Nothing here imports widgets. Each function validates once; its result is used without checks.
"""

from torchdial.inputs.boxes.boxes import to_boxes
from torchdial.inputs.boxes.detection_targets import Annotations, to_annotations
from torchdial.inputs.boxes.detections import Detections, to_detections
from torchdial.inputs.images.preview_images import to_images
from torchdial.inputs.probability_maps import Task, to_probabilities
from torchdial.inputs.segmentation_targets import to_targets
from torchdial.inputs.stops import Stops, to_stops

__all__ = [
    "Annotations",
    "Detections",
    "Stops",
    "Task",
    "to_annotations",
    "to_boxes",
    "to_detections",
    "to_images",
    "to_probabilities",
    "to_stops",
    "to_targets",
]
