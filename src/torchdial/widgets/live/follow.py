"""`follow`: a panel over files that other processes or machines are writing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchdial.inputs.errors import refusal
from torchdial.training.history.history import History
from torchdial.training.readers.follower import Follower
from torchdial.training.readers.read_runs import Source, to_sources
from torchdial.training.readers.remote_files import is_url
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.gradient_plot import LayersPlot
from torchdial.widgets.live.run_status import followed_status
from torchdial.widgets.live.training_panel import CONTENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class FollowPanel(LayersPlot):
    """Shows runs that other processes write, while they write them; `follow` returns one.

    Args:
        follower: reads the files; it is closed with the panel.

    Attributes:
        histories: what was read so far, the run that began last at the end.
    """

    _STEM = "training_panel"

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        waiting = History(", ".join(path.name for path in follower.paths))
        self._waiting = (ShownRun(waiting, waiting.name),)
        super().__init__(self._found(), CONTENTS, None, status=self._status)
        follower.subscribe(self._on_new_points)

    @property
    def histories(self) -> list[History]:
        """What was read so far, the run that began last at the end."""
        return [run.history for run in self._follower.runs]

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a figure of curves and gradients, made without pyplot."""
        from torchdial.figures.static.training_picture import training_figure

        return training_figure(self._runs, self._history, ax)

    def close(self) -> None:
        """Close the widget and follow no more; what was read stays in `histories`."""
        if hasattr(self, "_follower"):
            self._follower.close()
        super().close()

    def _found(self) -> tuple[ShownRun, ...]:
        return tuple(run.shown for run in self._follower.runs) or self._waiting

    def _on_new_points(self) -> None:
        found = self._found()
        if found == self._runs:
            self._feed.poke()
        else:
            self._runs = found
            self._feed.show(found)
        if self._history.ended is not None:
            self._leave_picture()

    def _status(self) -> dict[str, Any]:
        runs, notes = self._follower.runs, self._follower.notes
        if not runs:
            places = ", ".join(str(path) for path in self._follower.paths)
            return followed_status(self._history, [f"Waiting for {places}", *notes], None, 0.0)
        run = runs[-1]
        silence = run.age if run.history.names else None
        return followed_status(run.history, notes, silence, run.patience)


def follow(path: Source | Iterable[Source]) -> FollowPanel:
    """Return a panel of runs that other processes or machines are writing, live.

    The training writes a file on a disk that this machine sees, too:
    `td.TrainingMonitor(..., autosave="runs/exp.td")`; of several processes rank 0 writes it. The
    panel reads what is new four times a second, says how long ago the last point was written and
    whether the run has ended, and asks whether the writer is gone after a pause that is unusually
    long for this run. Files of other tools can be followed, too; see `td.read_runs` for which. In
    folders, runs that begin later are found within some seconds. The runs are also in `td.runs()`.

    Args:
        path: a file, a folder, or a list of them; what is not there yet is waited for.

    Raises:
        ImportError: a package is missing; the message says which.
        OSError: a file cannot be read.
        ValueError: a file is of another format, or the path is a URL.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history = History("run 1")
        ...     history.record(1, {"loss": 0.5})
        ...     history.save(f"{folder}/run.td")
        ...     panel = follow(folder)
        ...     panel.histories
        ...     panel.close()
        [History('run 1', loss)]
    """
    sources = to_sources(path)
    for source in sources:
        if is_url(source):
            raise refusal(
                "path",
                expected="files that this machine sees, to read them while they grow",
                got=f"the URL {source!r:.100}",
                remedy="Read finished files with td.read_runs(url), or mount the disk.",
            )
    return FollowPanel(Follower([Path(source) for source in sources]))
