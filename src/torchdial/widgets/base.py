"""The base of all widgets: static pictures, saving, and messages from the page."""

from __future__ import annotations

import io
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets as t
from IPython import get_ipython

from torchdial.figures.static.canvas import NOTE
from torchdial.js_bundle import bundle
from torchdial.report.html_file import write_html
from torchdial.report.saved_widget import MAX_BYTES, SavedWidget
from torchdial.training.history.arrival import without_waiting
from torchdial.widgets.ipykernel_internals import keep_requests, keep_route

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Widget(anywidget.AnyWidget):
    """Base class; its constructor subscribes to messages from the page."""

    _STEM: ClassVar[str]
    """The widget's JavaScript and CSS are `<stem>.js` and `<stem>.css`."""

    _SETTABLE: ClassVar[Sequence[str]] = ()
    """The traits that a page sets; it also sends them in a message, see `_settle`."""

    # That of ipywidgets 7 would leave out the static picture.
    _ipython_display_: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Read the bundle of a class that defines `_STEM`."""
        if "_STEM" in cls.__dict__:
            cls._esm = bundle(f"{cls._STEM}.js")
            cls._css = bundle(f"{cls._STEM}.css")
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._own_layout = self.layout
        self.on_msg(self._on_message)

    @t.observe("comm")
    def _keep_messages(self, change: Mapping[str, Any]) -> None:
        if change["new"] is None:  # closed, maybe while Python exits
            return
        keep_route(change["new"])
        keep_requests(getattr(get_ipython(), "kernel", None))

    def close(self) -> None:
        """Close the widget and its layout, which ipywidgets leaves open."""
        super().close()
        layout = self.__dict__.pop("_own_layout", None)
        if layout is not None:
            layout.close()

    @abstractmethod
    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a matplotlib figure of the current display.

        Args:
            ax: axes of a grid (`plt.subplots`) to draw in place of, at their size; None makes a
                new figure.

        Raises:
            ValueError: the axes belong to no grid.
        """

    def savefig(self, path: str | PathLike[str], **options: Any) -> None:
        """Write the current display to a file of any format that matplotlib supports.

        Args:
            path: the file, such as one that ends in .pdf, .svg or .png.
            **options: further arguments of `matplotlib.figure.Figure.savefig`.
        """
        self.to_matplotlib().savefig(path, **options)

    def save_html(
        self,
        path: str | PathLike[str],
        *,
        title: str = "torchdial",
        max_bytes: int | None = MAX_BYTES,
    ) -> None:
        """Write the widget into one HTML file that works without kernel and network.

        Args:
            path: the file.
            title: title of the page.
            max_bytes: largest size of the file; images that do not fit are left out, see
                `torchdial.save_html`.

        Raises:
            ValueError: not even one image fits.
        """
        write_html([self._saved()], path, title=title, max_bytes=max_bytes)

    def _saved(self) -> SavedWidget:
        """Return the data that show the widget in a file, without a kernel."""
        inherited = {*anywidget.AnyWidget.class_trait_names(sync=True), "_esm", "_css"}
        names = [name for name in self.keys if name not in inherited and name != "_anywidget_id"]
        return SavedWidget(self._STEM, self.get_state(names))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        try:
            data["image/png"] = self._static_picture()
        except Exception as error:  # the widget itself can still be displayed
            warnings.warn(f"torchdial: no static picture: {error}", stacklevel=2)
        return data, metadata

    def _static_picture(self) -> bytes:
        png = io.BytesIO()
        with warnings.catch_warnings():
            # matplotlib's font lacks many scripts; browsers have them.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure = self.to_matplotlib()
            figure.text(0.995, 0.005, NOTE, ha="right", va="bottom", size=6, color="gray")
            figure.savefig(png, format="png")
        return png.getvalue()

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        """Return the handler of each type of message."""
        return {"settle": self._settle}

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Handle a message from the page; errors are sent back with the id of the request."""
        kind, request = content.get("type"), content.get("id")
        try:
            action = self._actions().get(str(kind))
            if action is None:
                raise ValueError(f"unknown message type {kind!r:.60}")
            with without_waiting():
                action(content)
        except Exception as error:  # a dataset's own, too
            self.send({"type": "error", "id": request, "message": f"torchdial: {error}"})

    def _settle(self, content: Mapping[str, Any]) -> None:
        """Set the traits that the page sends, in case their own update was held back.

        Then send them to all pages: traits that one page sets are not echoed to the others.
        """
        sent = content["state"]
        self.set_state({name: sent[name] for name in self._SETTABLE if name in sent})
        state = {name: getattr(self, name) for name in self._SETTABLE}
        self.send({"type": "settled", "page": content.get("page"), "state": state})
