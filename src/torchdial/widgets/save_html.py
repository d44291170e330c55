"""`torchdial.save_html`: widgets and monitors in one HTML file that needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from torchdial.inputs.errors import describe, refusal
from torchdial.report.html_file import write_html
from torchdial.report.saved_widget import MAX_BYTES, SavedWidget
from torchdial.widgets.base import Widget
from torchdial.widgets.live.plot_sources import is_monitor
from torchdial.widgets.live.training_panel import TrainingPanel


def save_html(
    widgets: Sequence[Any],
    path: str | PathLike[str],
    *,
    title: str = "torchdial",
    max_bytes: int | None = MAX_BYTES,
) -> None:
    """Write widgets into one HTML file: every dial, view and zoom works, with no kernel.

    Nothing is fetched, so the file also works from disk. Widgets are shown one below the other,
    with their current settings. Plots zoom into the points that they show.

    Args:
        widgets: torchdial's widgets and monitors.
        path: the file. An existing one stays until the new one is complete.
        title: title of the page.
        max_bytes: largest size of the file, None for no limit. If not all images fit, the first
            ones of each widget are kept, with a note in the page and a warning.

    Raises:
        OSError: the file cannot be written.
        ValueError: an item is not a torchdial widget, or not even one image fits.

    Example:
        >>> import tempfile
        >>> from torchdial import ImageGrid
        >>> path = f"{tempfile.mkdtemp()}/report.html"
        >>> save_html([ImageGrid(torch.rand(4, 1, 8, 8))], path, title="Four pictures")
    """
    write_html(_to_saved(widgets), path, title=title, max_bytes=max_bytes)


def _to_saved(widgets: Any) -> list[SavedWidget]:
    if isinstance(widgets, (str, Mapping)) or not isinstance(widgets, Sequence) or not widgets:
        raise refusal(
            "widgets",
            expected="a list of torchdial's widgets",
            got=describe(widgets),
            remedy="Pass save_html([widget], path).",
        )
    return [_saved(widget) for widget in widgets]


def _saved(widget: Any) -> SavedWidget:
    if isinstance(widget, Widget):
        return widget._saved()
    if not is_monitor(widget):
        raise refusal(
            "widgets",
            expected="torchdial's widgets and monitors",
            got=describe(widget),
            remedy="ipywidgets.embed.embed_minimal_html writes other widgets.",
        )
    panel = TrainingPanel(widget)
    try:
        return panel._saved()
    finally:
        panel.close()
