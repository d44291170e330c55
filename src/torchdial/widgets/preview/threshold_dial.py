"""What previews with one threshold share: its trait, and the thresholds that classes have."""

from __future__ import annotations

from typing import Any

import traitlets as t

from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.widgets.preview.number_traits import Threshold
from torchdial.widgets.preview.preview import Preview
from torchdial.widgets.preview.shown_images import Frame


class ThresholdDial(Preview[Frame]):
    """The trait `threshold`, whose positions are computed once."""

    _DIAL = "threshold"

    threshold = Threshold(0.5).tag(sync=True, echo_update=False)
    """What is above is on, or positive. Moves to the nearest stop, in [0, 1] or of the scores."""

    _stops: Stops
    _task: Task

    @property
    def task(self) -> Task:
        """The task: "binary", "multilabel" or "multiclass"."""
        return self._task

    def _setting(self) -> float | list[float]:
        """Return the threshold, or one for each class where any has its own."""
        return self._setting_of_classes() if self.class_thresholds else float(self.threshold)

    def _setting_of_classes(self) -> list[float]:
        """Return the threshold of each class."""
        own = self.class_thresholds or [None] * len(self._class_names)
        return [self.threshold if each is None else each for each in own]

    def _scope_setting(self) -> float | list[float]:
        """Return the part of the setting that the shown class follows."""
        setting = self._setting()
        if isinstance(setting, list) and self.label is not None:
            return setting[self.label]
        return setting

    @t.validate("threshold")
    def _valid_threshold(self, proposal: Any) -> float:
        return self._to_own(proposal["value"])

    def _to_own(self, given: float) -> float:
        return self._stops.values[self._stops.nearest(given)]
