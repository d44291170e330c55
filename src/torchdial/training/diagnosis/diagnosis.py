"""The rules applied to a run as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from torchdial.training.diagnosis import (
    exploding_and_vanishing_gradients as gradients,
    update_ratios as updates,
)
from torchdial.training.diagnosis.amp_loss_scale import find_collapsed_scale
from torchdial.training.diagnosis.data_wait import find_data_wait
from torchdial.training.diagnosis.dead_layers import find_dead_layers
from torchdial.training.diagnosis.findings import EPISODE_REST, Episodes, Finding
from torchdial.training.diagnosis.loss_divergence import find_divergence
from torchdial.training.diagnosis.loss_plateau import find_plateau
from torchdial.training.diagnosis.loss_spikes import find_spikes
from torchdial.training.diagnosis.losses import LEVEL_POINTS, Level, begun, continued, losses
from torchdial.training.diagnosis.nonfinite_values import find_nonfinite
from torchdial.training.diagnosis.run_view import RunView
from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.history.measured_names import GRAD_NORM, is_one_of

Rule = Callable[[RunView], Iterable[Finding]]

POINT_RULES: tuple[Rule, ...] = (find_nonfinite, find_spikes, find_collapsed_scale)
"""Rules about single points, applied at every look."""

STATE_RULES: tuple[Rule, ...] = (
    find_divergence,
    find_plateau,
    gradients.find_exploding,
    gradients.find_vanishing,
    find_dead_layers,
    updates.find_unusual_updates,
    updates.find_zero_rates,
    find_data_wait,
)
"""Rules about a state that lasts, applied at checkpoints."""

CHECK_SPACING = 25
"""Steps from one checkpoint to the next, at least."""

CHECKS_PER_RUN = 100
"""Later they are a hundredth of the run apart."""

REFERENCE_COLUMNS = 32
"""First columns of the gradient norms that say what the layers began with."""

BEGINNING_POINTS = 8
"""First points of a loss among which those are that say where it began."""

LAST_OF_ALL_STEPS = 1 << 62


class Diagnosis:
    """Applies the rules to a run as it grows, and reports each problem once, as a sentence.

    A step is judged once a later one was recorded, because it is complete then. What is found
    depends on what was recorded, not on when `look` was called. A look takes time for what is new,
    however long the run already is. It reads the history and changes nothing in it.

    Args:
        history: the run, growing or loaded.

    Example:
        >>> from torchdial.training import History
        >>> history = History()
        >>> for step in range(1, 51):
        ...     history.record(step, {"loss": 2.0 if step < 40 else float("nan")})
        >>> [event] = Diagnosis(history).look()
        >>> event.step, event.kind, event.where
        (40, 'nonfinite_loss', 'loss')
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._version = -1
        self._begin()

    def _begin(self) -> None:
        """Begin at the run's first step in this process; earlier points serve for comparison."""
        self._first_step = self._checkpoint = self.history.start_step
        self._taken_up = self.history.replaced, self.history.start_step
        self._episodes = Episodes()
        self._looked: dict[str, int] = {}
        self._judged: dict[str, int] = {}
        self._levels: dict[str, Level] = {}
        self._reference: dict[str, float] = {}
        if self._first_step:
            self._looked = self._judged = self._points_until(self._first_step)

    def look(self, total_steps: int | None = None, final: bool = False) -> list[Event]:
        """Return what has gone wrong since the last look, in order of its steps.

        Args:
            total_steps: how many steps the run will have in all, if known.
            final: whether the run is over, so that its last step is judged, too.
        """
        version = self.history.version
        if version == self._version and not final:
            return []
        self._version = version
        if (self.history.replaced, self.history.start_step) != self._taken_up:
            self._begin()
        newest = self._newest_step()
        if newest is None:
            return []
        whole = newest if final else newest - 1
        found: list[Finding] = []
        while self._next_checkpoint() <= whole:
            self._checkpoint = self._next_checkpoint()
            found += self._look_until(self._checkpoint, total_steps, final)
            run = self._view(self._judged, self._checkpoint, total_steps, final)
            self._judged = self._looked
            self._remember(run)
            found += self._find(STATE_RULES, run, self._checkpoint)
        found += self._look_until(LAST_OF_ALL_STEPS if final else whole, total_steps, final)
        return [self._event(finding) for finding in sorted(found, key=lambda f: f.step)]

    def _newest_step(self) -> int | None:
        """Return the last step of the gradients and losses, or else of any scalar."""
        names = self.history.names
        norms = [name for name in names if is_one_of(name, GRAD_NORM) or name == "grad_norm"]
        kept = norms + list(losses(names).judged)
        counted = {series.name: series for series in self.history.counted()}
        ends = [counted[name].last for name in kept or names if name in counted]
        return max((end[0] for end in ends if end is not None), default=None)

    def _next_checkpoint(self) -> int:
        return self._checkpoint + self._spacing()

    def _spacing(self) -> int:
        return max(CHECK_SPACING, (self._checkpoint - self._first_step) // CHECKS_PER_RUN)

    def _look_until(self, step: int, total_steps: int | None, final: bool) -> Iterator[Finding]:
        """Apply the rules about single points to those up to a step."""
        since, self._looked = self._looked, self._points_until(step)
        return self._find(POINT_RULES, self._view(since, step, total_steps, final))

    def _view(
        self, since: Mapping[str, int], step: int, total_steps: int | None, final: bool
    ) -> RunView:
        return RunView(
            self.history,
            step,
            since,
            self._looked,
            self._levels,
            self._reference,
            self._first_step,
            total_steps,
            final,
        )

    def _find(
        self, rules: tuple[Rule, ...], run: RunView, seen: int | None = None
    ) -> Iterator[Finding]:
        """Apply rules, and return what is news; `seen` is when, None for each one's own step."""
        rest = EPISODE_REST // CHECK_SPACING * self._spacing()
        for rule in rules:
            for finding in rule(run):
                if self._episodes.is_news(finding, finding.step if seen is None else seen, rest):
                    yield finding

    def _points_until(self, step: int) -> dict[str, int]:
        """Return how many points of each scalar, in order of arrival, come up to a step."""
        return {
            name: _count_until(self.history, name, self._looked.get(name, 0), step)
            for name in self.history.names
        }

    def _remember(self, run: RunView) -> None:
        """Update the levels of the losses, and what the gradients' norms began with."""
        for name in run.losses.judged:
            level = self._levels.get(name) or begun(self.history[name].values[:BEGINNING_POINTS])
            if level is not None:
                self._levels[name] = continued(level, run.newest(name, LEVEL_POINTS).values)
        matrix = self.history.layers.get("grad_norm")
        if matrix is not None and len(self._reference) < len(matrix.names):
            first = gradients.reference(matrix.names, matrix.mean[:, :REFERENCE_COLUMNS])
            self._reference.update(first | self._reference)

    def _event(self, finding: Finding) -> Event:
        return Event(
            finding.step,
            finding.kind,
            finding.where,
            f"step {finding.step}: {finding.message}",
            finding.evidence,
            self._time(finding.step),
        )

    def _time(self, step: int) -> float:
        """Return when a step was, by the first scalar that reaches it."""
        for series in self.history.counted():
            steps, _, times = series.since(0)
            if len(steps) and steps[-1] >= step:
                return float(times[int(np.searchsorted(steps, step))])
        return self.history.now


def _count_until(history: History, name: str, start: int, step: int) -> int:
    """Return how many points of a scalar come before the first from `start` on that is later.

    It reads little more than them.
    """
    series, size = history[name], 64
    count = len(series)
    while start < count:
        some = slice(start, min(start + size, count))
        later = history.points_along_run(series, some)[0] > step
        if later.any():
            return start + int(later.argmax())
        start, size = start + size, 2 * size
    return count
