"""Traits of dials, which take any kind of number and refuse what is out of range."""

from __future__ import annotations

import math
from typing import Any

import traitlets as t

from torchdial.inputs.numbers import to_float, to_fraction, to_whole
from torchdial.inputs.stops import Stops

PERCENT_REMEDY = "Percent are divided by 100."


class Fraction(t.Float):  # type: ignore[type-arg]
    """A number in [0, 1]."""

    def validate(self, _obj: Any, value: Any) -> float:
        """Return the number as float.

        Raises:
            ValueError: it is not a number in [0, 1].
        """
        return to_fraction(str(self.name), value, PERCENT_REMEDY)

    def nearest(self, _obj: Any, value: Any) -> Any:
        """Return a number moved into [0, 1], and anything else as it is."""
        return _moved(value, 0.0, 1.0)


class Threshold(t.Float):  # type: ignore[type-arg]
    """A number in the range of the stops of a widget."""

    def validate(self, obj: Any, value: Any) -> float:
        """Return the number as float.

        Raises:
            ValueError: it is not a number in the range.
        """
        return _stops_of(obj).in_range(value, str(self.name))

    def nearest(self, obj: Any, value: Any) -> Any:
        """Return a number moved into the range, and anything else as it is."""
        return _moved(value, *_stops_of(obj).range)


def _stops_of(widget: Any) -> Stops:
    stops: Stops = widget._stops
    return stops


def _moved(value: Any, low: float, high: float) -> Any:
    number = to_float(value)
    return value if math.isnan(number) else min(max(number, low), high)


class Whole(t.Int):  # type: ignore[type-arg]
    """A whole number from 1."""

    def validate(self, _obj: Any, value: Any) -> int:
        """Return the number as int.

        Raises:
            ValueError: it is not a whole number from 1.
        """
        return to_whole(str(self.name), value, 1, remedy="Pass for example 100.")

    def nearest(self, _obj: Any, value: Any) -> Any:
        """Return 1 for a number below, and anything else as it is."""
        return 1 if to_float(value) < 1 else value


class OwnThresholds(t.List):  # type: ignore[type-arg]
    """Thresholds of the classes of a preview, set as its argument `class_thresholds` is."""

    def validate(self, obj: Any, value: Any) -> list[float | None]:
        """Return a threshold for each class, None where it has none of its own.

        Raises:
            ValueError: there is no such class, or a number is out of range.
        """
        own: list[float | None] = obj._to_class_thresholds(value)
        return own
