"""Show a monitor where there is a notebook to show it in."""

from __future__ import annotations

import sys
from typing import Any

from torchdial.training.monitor import TrainingMonitor


def show(monitor: TrainingMonitor) -> bool:
    """Display the monitor's panel in the running cell; do nothing outside of a kernel.

    Returns:
        Whether it was displayed.
    """
    if _kernel() is None:
        return False
    from IPython.display import display

    display(monitor)  # type: ignore[no-untyped-call]
    return True


def _kernel() -> Any:
    """The kernel this process is, or None: IPython in a terminal shows no widgets."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)
