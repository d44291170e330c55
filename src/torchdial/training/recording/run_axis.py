"""Steps that a user gives to `log`: the run's own count, or numbers of another kind."""

from __future__ import annotations

from collections.abc import Iterable


class RunAxis:
    """Finds whether the steps that come with a scalar advance as the optimizer's count does.

    A resumed global step does: of two logs it grew by as much as the count. The run's axis then
    moves to it. An epoch does not, so it is the scalar's own x.

    Example:
        >>> axis = RunAxis()
        >>> axis.place(["loss"], given=5001, step=1)
        >>> axis.place(["loss"], given=5002, step=2)
        5000
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}

    def place(self, names: Iterable[str], given: int, step: int) -> int | None:
        """Return by how much the run's axis has to move, None if these are no steps of the run.

        Args:
            names: the scalars that are logged.
            given: the step the user gave.
            step: the run's step.
        """
        shift = None
        for name in names:
            given_before, before = self._last.get(name, (given, step))
            if step > before and given - given_before == step - before:
                shift = given - step
            self._last[name] = given, step
        return 0 if given == step else shift

    def moved(self, shift: int) -> None:
        """Count from where the axis has moved to."""
        self._last = {name: (given, step + shift) for name, (given, step) in self._last.items()}
