"""Optimizers that were watched but no longer step, so that steps have to be counted by logs."""

from __future__ import annotations

FEWEST_LOGS = 50  # without a step between them, before an optimizer counts as one that never steps
FACTOR = 4  # or so many times as many as there ever were between two steps
LOGS_AFTER_END = 10  # after an optimizer is gone, that may be about what it has done


class UnseenSteps:
    """Counts the logs since each optimizer stepped.

    Args:
        optimizers: how many there are.

    Example:
        >>> unseen = UnseenSteps(1)
        >>> for _ in range(51):
        ...     unseen.log(is_gone=False)
        >>> unseen.is_counted_by_logs, unseen.note()[:27]
        (True, 'Optimizer 0 has not stepped')
    """

    def __init__(self, optimizers: int) -> None:
        self._logs = self._logs_after_end = 0
        self._logs_at = [0] * optimizers  # how many there were when each stepped last
        self._logs_at_last = 0  # and when any of them did
        self._most = FEWEST_LOGS

    def log(self, is_gone: bool) -> None:
        """Count a log; `is_gone` says whether an optimizer no longer exists."""
        self._logs += 1
        self._logs_after_end += is_gone

    def step(self, optimizer: int) -> None:
        """Count an attempt to step."""
        self._most = max(self._most, FACTOR * (self._logs - self._logs_at_last))
        self._logs_at[optimizer] = self._logs_at_last = self._logs

    @property
    def is_counted_by_logs(self) -> bool:
        """Whether no optimizer steps any more, so that each log counts as a step."""
        return self._logs - self._logs_at_last > self._most

    def note(self) -> str:
        """Say that steps are not seen, if so."""
        if self._logs_after_end > LOGS_AFTER_END:
            return (
                "An optimizer that was watched is gone, so its steps are no longer seen: make a "
                "new TrainingMonitor with the one that steps now."
            )
        silent = [k for k, at in enumerate(self._logs_at) if self._logs - at > self._most]
        if not silent:
            return ""
        meanwhile = " Until then each log counts as a step." if self.is_counted_by_logs else ""
        return (
            f"Optimizer {silent[0]} has not stepped during the last "
            f"{self._logs - self._logs_at[silent[0]]:,} logs: pass TrainingMonitor the optimizer "
            f"whose step() is called, the inner one of a wrapper.{meanwhile}"
        )
