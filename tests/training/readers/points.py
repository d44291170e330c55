"""What a history holds, as plain values."""

from __future__ import annotations

from torchdial.training import History


def points(history: History) -> dict[str, list[tuple[int, float]]]:
    """Return step and value of each point, by scalar; NaN as text, since it is not itself."""
    return {
        name: [
            (step, value if value == value else "nan")
            for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True)
        ]
        for name, series in history.scalars.items()
    }
