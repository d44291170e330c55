"""The base of all widgets: the static picture of a saved notebook, and messages from the page."""

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

from torchdial.js_bundle import bundle
from torchdial.report.html_file import write_html
from torchdial.report.saved_widget import MAX_BYTES, SavedWidget
from torchdial.training.history.arrival import without_waiting
from torchdial.widgets.ipykernel_internals import keep_requests, keep_route

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATIC = "static picture: run the cell to interact"


class Widget(anywidget.AnyWidget):
    """Base class; its constructor subscribes to messages from the page."""

    _STEM: ClassVar[str]
    """Its JavaScript and CSS are `<stem>.js` and `<stem>.css`."""

    _SETTABLE: ClassVar[Sequence[str]] = ()
    """The traits that a page sets; it sends them in a message too, see `_settle`."""

    # ipywidgets 7 would display without the static picture.
    _ipython_display_: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Read the bundle of a class that has one of its own."""
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
        keep_route(change["new"])
        keep_requests(getattr(get_ipython(), "kernel", None))

    def close(self) -> None:
        """Close the widget and the layout it was made with, which ipywidgets leaves open."""
        super().close()
        layout = self.__dict__.pop("_own_layout", None)
        if layout is not None:
            layout.close()

    @abstractmethod
    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a matplotlib figure of what is shown, as it stands now.

        Args:
            ax: axes of a grid (`plt.subplots`), in whose place it is drawn, at their size; None
                makes a figure of its own.

        Raises:
            ValueError: the axes were placed by hand.
        """

    def savefig(self, path: str | PathLike[str], **options: Any) -> None:
        """Write what is shown to a file that matplotlib can write: .pdf, .svg, .png.

        Args:
            path: where to.
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
            path: where to.
            title: of the page.
            max_bytes: images that do not fit are left out, see `torchdial.save_html`.

        Raises:
            ValueError: not even one image fits.
        """
        write_html([self._saved()], path, title=title, max_bytes=max_bytes)

    def _saved(self) -> SavedWidget:
        """Return what shows the widget in a file, without a kernel."""
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
        except Exception as error:  # the widget itself can still be shown
            warnings.warn(f"torchdial: no static picture: {error}", stacklevel=2)
        return data, metadata

    def _static_picture(self) -> bytes:
        png = io.BytesIO()
        with warnings.catch_warnings():
            # matplotlib's font lacks many scripts; the widget, which one looks at, has them all.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure = self.to_matplotlib()
            figure.text(0.995, 0.005, STATIC, ha="right", va="bottom", size=6, color="gray")
            figure.savefig(png, format="png")
        return png.getvalue()

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        """Return what is done for each type of message."""
        return {"settle": self._settle}

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Do what the browser asks; an error travels back with the request's id."""
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
        """Take what the person has set, in case the traits' own update was held back.

        Then all pages hear of it: traits that a browser sets are not echoed to the others.
        """
        self.set_state({name: content["state"][name] for name in self._SETTABLE})
        state = {name: getattr(self, name) for name in self._SETTABLE}
        self.send({"type": "settled", "page": content.get("page"), "state": state})
