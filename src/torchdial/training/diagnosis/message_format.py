"""Numbers and names in messages, short enough to read at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float) -> str:
    """Format a number with three significant digits.

    Example:
        >>> number(0.012345), number(1234567.0), number(float("nan")), number(2.0)
        ('0.0123', '1.23e+06', 'NaN', '2')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinity" if value > 0 else "−infinity"
    return f"{value:,.0f}" if 1000 <= abs(value) < 100_000 else f"{value:.3g}"


def times(ratio: float) -> str:
    """Format a ratio.

    Example:
        >>> times(9.04), times(1.52), times(123456.0)
        ('9×', '1.5×', '1.2e+05×')
    """
    return f"{ratio:.1e}×" if ratio >= 10_000 else f"{ratio:,.{0 if ratio >= 3 else 1}f}×"


def percent(share: float) -> str:
    """Format a share of 1 as a percentage.

    Example:
        >>> percent(0.613)
        '61 %'
    """
    return f"{100 * share:.0f} %"


def several(names: Sequence[str]) -> str:
    """Return one or two names, or the first and how many more there are.

    Example:
        >>> several(["a"]), several(["a", "b"]), several(["a", "b", "c", "d"])
        ('a', 'a and b', 'a and 3 more')
    """
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def module(parameter: str) -> str:
    """Return the module a parameter belongs to.

    Example:
        >>> module("layer4.0.conv2.weight"), module("scale")
        ('layer4.0.conv2', 'scale')
    """
    return parameter.rpartition(".")[0] or parameter


def layer(name: str) -> str:
    """Return a module's name so that a message can begin with it: some are numbers.

    Example:
        >>> layer("layers.1"), layer("4")
        ('layers.1', 'layer 4')
    """
    return f"layer {name}" if name[:1].isdigit() else name
