"""What becomes of each detection of an image, by the way a sweep goes."""

from __future__ import annotations

import torch

from torchdial.inputs.boxes.boxes import Boxes
from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.sweeps.boxes.detection_counts import decide
from torchdial.sweeps.boxes.detection_tally import tally_image

SUPPRESSED, FALSE, TRUE, IGNORED = range(4)


def match_codes(
    found: Boxes, kept: torch.Tensor, target: Annotations, match_iou: float = 0.5
) -> torch.Tensor:
    """Return one of the four codes for each detection, in the order given, and stop, uint8 (N, T).

    Args:
        found: the detections of an image.
        kept: whether each is kept at each stop, bool (N, T).
        target: what is true in the image.
        match_iou: the IoU that counts as found.
    """
    tally = tally_image(found, kept, target, match_iou)
    kept, true, ignored = decide(tally, kept.shape[1], match_iou).rows(slice(None))
    codes = kept.byte() + true.byte() + 2 * ignored.byte()
    order = torch.sort(found.scores, descending=True, stable=True).indices
    return torch.empty_like(codes).index_copy_(0, order, codes)
