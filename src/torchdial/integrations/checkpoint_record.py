"""Continue the record in a trainer's checkpoint, whatever state it is in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from torchdial.training.history.history import Event, History
from torchdial.training.monitor import TrainingMonitor


def continue_record(monitor: TrainingMonitor, state: Mapping[str, Any], step: int) -> None:
    """Continue the record of a checkpoint; one that cannot be read costs the record alone.

    Args:
        monitor: of the run that begins.
        state: what the `state_dict` of the monitor that was checkpointed returned.
        step: the checkpoint's step.
    """
    try:
        monitor.load_state_dict(state)
    except (ValueError, LookupError, TypeError) as error:
        continue_without_record(monitor, step, f"The checkpoint's record cannot be read: {error}")


def continue_without_record(monitor: TrainingMonitor, step: int, reason: str) -> None:
    """Record from a checkpoint's step on, and say why the steps before are missing.

    Args:
        monitor: of the run that begins.
        step: the checkpoint's step.
        reason: a sentence, for the warning and the run's events.
    """
    monitor.load_state_dict({"step": step, "history": History().state_dict()})
    message = f"{reason} The run is recorded from step {step} on."
    monitor.history.add_event(Event(step, "no_record", None, message, time=monitor.history.now))
    with suppress(Warning):  # under `-W error` training goes on, too
        warnings.warn(f"torchdial: {message}", stacklevel=2)
