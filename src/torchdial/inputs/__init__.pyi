from .boxes.boxes import to_boxes
from .boxes.detection_targets import Annotations, to_annotations
from .boxes.detections import Detections, to_detections
from .images.preview_images import to_images
from .probability_maps import Task, to_probabilities
from .segmentation_targets import to_targets
from .stops import Stops, to_stops

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
