"""How long steps take, what part of it watching takes, and how often gradients can be read."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from torchdial.training.recording.batch_size import batch_size
from torchdial.training.recording.step_records import Depth

WARM_UP = 3  # steps whose time says little about the others
WINDOW = 32  # steps whose median is the time of a step
LASTING = 512  # steps after which what was measured counts half
LONG = 4  # a gap of so many steps is no step: an epoch's end, another cell
SELDOM = 10  # steps between two samples, at least
SELDOMEST = 10_000  # in words; a longer distance is no plan but a lack of time
CHEAP = 0.005  # seconds; readings below come often enough to see something in a short run, too
EARLY = {"norms": 8, "sample": 4}  # after another eighth or quarter of the steps there were


class Clock:
    """Measures steps and what watching takes of them.

    Written by the training thread, but for `busy`; read by any.

    Args:
        budget: fraction of a step that watching may take; 1 sets no limit.

    Attributes:
        ours: seconds spent in our code in the training thread.
        reading: those of them that went into gradients.
        busy: processor seconds of the publishing thread.
        waited: seconds spent waiting for data.
        samples, tokens: how many there were in the batches, as far as these tell.
        steps: steps there were.
    """

    def __init__(self, budget: float = 0.01) -> None:
        self.budget = budget
        self.ours = self.reading = self.busy = 0.0
        self.waited = self.lasted = 0.0
        self.steps = self.samples = self.tokens = 0
        self._last: float | None = None
        self._paused = self._ours_before = 0.0
        self._laps: deque[float] = deque(maxlen=WINDOW)
        self._typical = math.nan
        self._before = Totals()
        self._shown = Totals()

    @property
    def step_time(self) -> float:
        """Seconds that a step takes, the median of the last ones; NaN before there are some."""
        return self._typical

    @property
    def overhead(self) -> float:
        """Fraction of the steps' time that is ours, over some hundred steps; 0 before the first."""
        since = self.totals() - self._before
        return (since.ours + since.busy) / since.lasted if since.lasted else 0.0

    @property
    def room(self) -> float:
        """Seconds a step that may go into gradients, once the rest of watching has its share."""
        since = self.totals() - self._before
        rest = (since.ours - since.reading + since.busy) / max(since.steps, 1)
        allowed = self.budget * self._typical
        overdrawn = max(1.0, self.overhead / self.budget)
        return max(allowed - rest, allowed / 4) / overdrawn

    def lap(self, paused: float) -> None:
        """Say that a step is over.

        Args:
            paused: seconds spent paused so far.
        """
        now = time.perf_counter()
        if self._last is not None:
            self._count(now - self._last - (paused - self._paused))
        self._last, self._paused, self._ours_before = now, paused, self.ours

    def take_batch(self, seconds: float, batch: Any) -> None:
        """Count a batch, and how long it was waited for."""
        self.waited += seconds
        samples, tokens = batch_size(batch)
        self.samples += samples
        self.tokens += tokens

    def totals(self) -> Totals:
        """Return what was measured so far."""
        return Totals(**{each.name: getattr(self, each.name) for each in fields(Totals)})

    def readings(self) -> dict[str, float]:
        """Return what to record about the steps since the last call; empty if there were none."""
        since, self._shown = self.totals() - self._shown, self.totals()
        if not since.steps or since.lasted <= 0:
            return {}
        found = {
            "system/steps_per_s": since.steps / since.lasted,
            "system/overhead": self.overhead,
        }
        if self.waited:
            found["system/data_wait"] = min(1.0, since.waited / since.lasted)
        if self.samples:
            found["system/samples_per_s"] = since.samples / since.lasted
        if self.tokens:
            found["system/tokens_per_s"] = since.tokens / since.lasted
        return found

    def _count(self, lap: float) -> None:
        if len(self._laps) >= WARM_UP:
            ours = self.ours - self._ours_before  # of a gap all that is ours counts, too
            lap = ours + min(lap - ours, LONG * self._typical)
        self.steps += 1
        self.lasted += lap
        self._laps.append(lap)
        if self.steps <= WINDOW or not self.steps % 8:
            self._typical = statistics.median(self._laps)
        if self.steps == WARM_UP:
            self._before = self._shown = self.totals()
        elif not self.steps % LASTING:
            self._before = self._before.towards(self.totals())


@dataclass(frozen=True)
class Totals:
    """What a clock measured up to a moment."""

    steps: float = 0
    lasted: float = 0.0
    ours: float = 0.0
    reading: float = 0.0
    busy: float = 0.0
    waited: float = 0.0
    samples: float = 0
    tokens: float = 0

    def __sub__(self, other: Totals) -> Totals:
        return self._with(other, lambda one, two: one - two)

    def towards(self, other: Totals) -> Totals:
        """Return what is half-way."""
        return self._with(other, lambda one, two: (one + two) / 2)

    def _with(self, other: Totals, of: Callable[[float, float], float]) -> Totals:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Totals(*(of(one, two) for one, two in pairs))


@dataclass
class Pace:
    """How often gradients are read: as often as the budget has room for.

    Attributes:
        clock: measures the steps.
        share: of the room there is.
        norms_every: steps from one reading of norms to the next.
        sample_every: steps from one sample to the next.
    """

    clock: Clock
    share: float = 1.0
    norms_every: int = 1
    sample_every: int = SELDOM
    _steps: int = 0
    _norms_in: int = 0
    _sample_in: int = 0
    _costs: dict[str, float] = field(default_factory=dict)
    _depth: Depth = "nothing"
    _spent: float = 0.0

    def due(self) -> Depth:
        """Return what to read at this step; called once a step."""
        if self._spent:
            self.took(self._depth, self._spent)
        self._depth, self._spent = self._next(), 0.0
        return self._depth

    def spend(self, seconds: float) -> None:
        """Count time that went into what was due."""
        self._spent += seconds
        self.clock.reading += seconds

    def _next(self) -> Depth:
        self._steps += 1
        self._norms_in -= 1
        self._sample_in -= 1
        if self._sample_in < 0:
            self._sample_in = self.sample_every - 1
            self._norms_in = self.norms_every - 1
            return "sample"
        if self._norms_in < 0:
            self._norms_in = self.norms_every - 1
            return "norms"
        return "nothing"

    def took(self, reading: Depth, seconds: float) -> None:
        """Say what a reading cost, and pace the next ones."""
        known = self._costs.get(reading, math.inf)
        # The first time costs more than the others; a single slow one should not count much.
        self._costs[reading] = seconds if seconds < known else 0.9 * known + 0.1 * seconds
        room = self.clock.room * self.share
        if room > 0 and self.clock.budget < 1:  # False for NaN
            self.norms_every = self._every("norms", 0.6 * room)
            self.sample_every = max(SELDOM, self._every("sample", 0.4 * room))
            self._norms_in = min(self._norms_in, self.norms_every - 1)
            self._sample_in = min(self._sample_in, self.sample_every - 1)

    def _every(self, reading: Depth, room: float) -> int:
        cost = self._costs.get(reading, 0.0)
        every = max(1, math.ceil(cost / room))
        return min(every, max(1, self._steps // EARLY[reading])) if cost < CHEAP else every

    def note(self) -> str:
        """Say that gradients are not read at every step, if so, and whether that is enough."""
        if self.norms_every == 1:
            return ""
        budget = f"the budget of {100 * self.clock.budget:g} % of a step"
        # As the panel shows it, to a tenth of a percent.
        is_over = round(self.clock.overhead, 3) > self.clock.budget
        return (
            f"Gradient norms are read every {_seldom(self.norms_every)} steps and distributions "
            f"every {_seldom(self.sample_every)}, "
            + (f"and recording still takes more than {budget}." if is_over else f"within {budget}.")
        )


def _seldom(every: int) -> str:
    return f"{every:,}" if every <= SELDOMEST else f"more than {SELDOMEST:,}"


class ReadingSchedule:
    """What is read of the gradients of each attempt of each optimizer.

    Of several optimizers, those that step between the same two steps of the first are read
    together, so that their norms add up to a total. One that steps more often than that has a pace
    of its own for the other times.

    Args:
        clock: measures the steps.
        optimizers: how many there are.
    """

    def __init__(self, clock: Clock, optimizers: int) -> None:
        several = max(optimizers, 1)
        self._pace = Pace(clock, 1.0 if several == 1 else 0.5)
        self._repeats = [Pace(clock, 0.5 / several) for _ in range(several)]
        self._pace_of = [self._pace] * several
        self._leader: int | None = None  # the optimizer that is the first of each step
        self._count = -1
        self._depth: Depth = "nothing"
        self._served: set[int] = set()

    def due(self, optimizer: int, count: int) -> Depth:
        """Return what to read at an attempt.

        Args:
            optimizer: which of them.
            count: how many attempts the first one has made.
        """
        if self._leader is None:
            self._leader = optimizer
        if optimizer == self._leader and count != self._count:
            self._count, self._served = count, set()
            self._depth = self._pace.due()
        is_repeated = optimizer in self._served
        self._served.add(optimizer)
        self._pace_of[optimizer] = self._repeats[optimizer] if is_repeated else self._pace
        return self._repeats[optimizer].due() if is_repeated else self._depth

    def spend(self, optimizer: int, seconds: float) -> None:
        """Count time that went into reading an attempt."""
        self._pace_of[optimizer].spend(seconds)

    def note(self) -> str:
        """Say that gradients are not read at every step, if so."""
        return self._pace.note()
