"""The rules applied to a run as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis import (
    amp_loss_scale as scale,
    data_wait as data,
    dead_layers as dead,
    exploding_gradients as exploding,
    loss_divergence as divergence,
    loss_plateau as plateau,
    loss_spikes as spikes,
    nonfinite_values as nonfinite,
    update_ratios as updates,
    vanishing_gradients as vanishing,
    zero_learning_rate as rates,
)
from torchdial.training.diagnosis.episodes import REST, Episodes
from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.loss_baseline import BLOCK, Level, begun, continued
from torchdial.training.diagnosis.loss_names import losses
from torchdial.training.diagnosis.run_view import Reading
from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.history.measured_names import GRAD_NORM, is_one_of

Rule = Callable[[Reading], Iterable[Finding]]

AT_ONCE: tuple[Rule, ...] = (nonfinite.judge, spikes.judge, scale.judge)
"""Rules about single points: judged in every look."""

NOW_AND_THEN: tuple[Rule, ...] = (
    divergence.judge,
    plateau.judge,
    exploding.judge,
    vanishing.judge,
    dead.judge,
    updates.judge,
    rates.judge,
    data.judge,
)
"""Rules about a state that lasts: judged every 25 steps, later every hundredth of the run."""

SPACING = 25
SHARE = 100
FIRST_COLUMNS = 32
FIRST_POINTS = 8
FOREVER = 1 << 62


class Diagnosis:
    """Says in words what goes wrong in a run, soon after it does, and once.

    A step is judged when a later one has come, for then all of it is there. What is found depends
    on what was recorded, not on when it was looked at. A look costs time for what is new, however
    long the run already is. It reads the history and changes nothing in it.

    Args:
        history: the run; it may be growing, or one that was loaded.

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
        """Take the run up at its first step; what it had before that is only looked back on."""
        self._first_step = self._checkpoint = self.history.start_step
        self._taken_up = self.history.replaced, self.history.start_step
        self._episodes = Episodes()
        self._looked: dict[str, int] = {}
        self._judged: dict[str, int] = {}
        self._levels: dict[str, Level] = {}
        self._reference: dict[str, float] = {}
        if self._first_step:
            self._advance(self._looked, self._first_step)
            self._advance(self._judged, self._first_step)

    def look(self, total_steps: int | None = None, final: bool = False) -> list[Event]:
        """Return what has gone wrong since the last look, in order of its steps.

        Args:
            total_steps: how many steps the run will have in all, if known.
            final: whether nothing will follow, so that the last step is judged, too.
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
            found += self._find(AT_ONCE, self._looked, self._checkpoint, total_steps, final)
            found += self._find(NOW_AND_THEN, self._judged, self._checkpoint, total_steps, final)
        last = FOREVER if final else whole
        found += self._find(AT_ONCE, self._looked, last, total_steps, final)
        return [self._event(finding) for finding in sorted(found, key=lambda f: f.step)]

    def _newest_step(self) -> int | None:
        """The run's clock: its gradients' and losses' last step, else that of anything."""
        names = self.history.names
        norms = [name for name in names if is_one_of(name, GRAD_NORM) or name == "grad_norm"]
        kept = norms + list(losses(names).judged)
        ends = [self.history[name].last for name in kept or names]
        return max((end[0] for end in ends if end is not None), default=None)

    def _next_checkpoint(self) -> int:
        return self._checkpoint + self._spacing()

    def _spacing(self) -> int:
        return max(SPACING, (self._checkpoint - self._first_step) // SHARE)

    def _find(
        self,
        rules: tuple[Rule, ...],
        cursor: dict[str, int],
        step: int,
        total_steps: int | None,
        final: bool,
    ) -> Iterator[Finding]:
        since = dict(cursor)
        self._advance(cursor, step)
        reading = Reading(
            self.history,
            step,
            since,
            dict(cursor),
            self._levels,
            self._reference,
            self._first_step,
            total_steps,
            final,
        )
        if rules is NOW_AND_THEN:
            self._remember(reading)
        for rule in rules:
            for finding in rule(reading):
                seen = finding.step if rules is AT_ONCE else step
                if self._episodes.is_news(finding, seen, REST // SPACING * self._spacing()):
                    yield finding

    def _advance(self, cursor: dict[str, int], step: int) -> None:
        """Move a cursor past the points up to a step, in order of arrival."""
        for name in self.history.names:
            n = cursor.get(name, 0)
            cursor[name] = n + _count_until(self.history[name].since(n)[0], step)

    def _remember(self, reading: Reading) -> None:
        """Note how the losses stand, and what the gradients' norms began with."""
        for name in reading.losses.judged:
            level = self._levels.get(name) or begun(self.history[name].values[:FIRST_POINTS])
            if level is not None:
                self._levels[name] = continued(level, reading.newest(name, BLOCK).values)
        matrix = self.history.layers.get("grad_norm")
        if matrix is not None and len(self._reference) < len(matrix.names):
            first = exploding.reference(matrix.names, matrix.mean[:, :FIRST_COLUMNS])
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
        """When a step was, by the first scalar that goes so far."""
        for name in self.history.names:
            steps, _, times = self.history[name].since(0)
            if len(steps) and steps[-1] >= step:
                return float(times[int(np.searchsorted(steps, step))])
        return self.history.now


def _count_until(steps: npt.NDArray[np.int64], step: int) -> int:
    """Return how many steps come before the first that is later, looking little further."""
    start, size = 0, 64
    while start < len(steps):
        later = steps[start : start + size] > step
        if later.any():
            return start + int(later.argmax())
        start, size = start + size, 2 * size
    return len(steps)
