"""`torchdial.save_html`: widgets and monitors in one HTML file that needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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

    Nothing is fetched, so the file also works from disk, or from a mail. Widgets are shown one
    below the other, with their current settings, below a list of their titles, the date and the
    versions. Plots zoom into the points that they show; what a run cost (memory, recording) is left
    out. Printed, nothing is cut off.

    Args:
        widgets: torchdial's widgets and monitors, each alone or as (title, widget) or
            (title, widget, text). The text is plain, lines as written; neither is ever HTML.
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
        >>> grid = ImageGrid(torch.rand(4, 1, 8, 8))
        >>> save_html([("Noise", grid, "Four pictures of it.")], path, title="Pictures")
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
    return [_entry(item) for item in widgets]


def _entry(item: Any) -> SavedWidget:
    """Return what to save of a widget, with its title and text."""
    match item:
        case (str(title), widget):
            return replace(_saved(widget), title=title)
        case (str(title), widget, str(text)):
            return replace(_saved(widget), title=title, text=text)
        case tuple() | list():
            raise refusal(
                "widgets",
                expected="widgets, (title, widget) or (title, widget, text)",
                got=describe(item),
                remedy='Pass for example ("Validation", preview, "Dice on 64 held-out images.").',
            )
    return _saved(item)


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
