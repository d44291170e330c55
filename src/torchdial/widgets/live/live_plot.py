"""What live plots share: messages to the page, answers to it, and the static picture."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets as t

from torchdial.report.saved_widget import SavedWidget
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.base import Widget
from torchdial.widgets.live.clicks_while_busy import serve_clicks
from torchdial.widgets.live.feed import Feed
from torchdial.widgets.live.plot_sources import Monitor
from torchdial.widgets.live.run_packing import (
    Packed,
    PlotContents,
    detail,
    distribution_at,
    distributions,
)
from torchdial.widgets.live.run_status import LastStatus, has_ended, in_file


class LivePlot(Widget):
    """Traits and messages of `LossPlot`, `GradientPlot` and `TrainingPanel`.

    Live data goes by custom messages only, since those may be sent from any thread. The opening
    state is made whenever a page asks for it, so a page that is reloaded shows everything. A plot
    does not keep a monitor alive.
    """

    _config = t.Dict().tag(sync=True, echo_update=False)
    _opening = t.Dict().tag(sync=True, echo_update=False)

    _feed: Feed
    _unsubscribe: Callable[[], None] | None = None

    def __init__(
        self,
        runs: Sequence[ShownRun],
        contents: PlotContents,
        monitor: Monitor | None,
        status: Callable[[], dict[str, Any] | None] = lambda: None,
        **config: Any,
    ) -> None:
        self._runs = tuple(runs)
        self._has_layers = contents.layers
        self._control = None if monitor is None else monitor.control
        self._display_id = ""
        self._pictured: int | None = None
        self._feed = Feed(
            self._runs,
            contents,
            self._send_message,
            status if monitor is None else LastStatus(monitor),
        )
        super().__init__(_config=config)
        if monitor is not None:
            serve_clicks(self, monitor.control)
            self._unsubscribe = monitor.subscribe(self._on_news)

    def __repr__(self) -> str:
        """Return the names of the runs."""
        names = ", ".join(run.name for run in self._runs)
        return f"{type(self).__name__}({names})"

    @property
    def _history(self) -> Any:
        return self._runs[-1].history

    def refresh(self) -> None:
        """Show what was recorded since; a plot of a monitor does so by itself."""
        self._feed.poke()

    def close(self) -> None:
        """Close the widget and stop following the monitor."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
        if hasattr(self, "_feed"):  # missing where the constructor raised
            self._feed.close()
        super().close()

    # Messages

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state that a page opens with, made now."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if key is None or "_opening" in state:
            state["_opening"] = self._feed.opening()
        return state

    def _saved(self) -> SavedWidget:
        saved = super()._saved()
        frame = saved.state["_opening"]["frame"]
        if frame["status"] is not None:
            frame["status"] = in_file(frame["status"])
        saved.distributions = tuple(distributions(self._history)) if self._has_layers else ()
        return saved

    def _send_message(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(content, buffers)

    def _on_news(self) -> None:
        """Send what is new; called by the monitor's publishing thread."""
        ended = self._control is not None and has_ended(self._control)
        self._feed.poke(at_once=ended)
        if ended:
            self._leave_picture()

    def _actions(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "keyframe": self._send_keyframe,
            "detail": self._send_detail,
            "distribution": self._send_distribution,
            "control": self._handle_control,
        }

    def _send_keyframe(self, content: Mapping[str, Any]) -> None:
        self._feed.want_keyframe()
        self.send({"type": "done", "id": content.get("id")})

    def _send_detail(self, content: Mapping[str, Any]) -> None:
        self._answer(content.get("id"), "detail", detail(self._runs, content))

    def _send_distribution(self, content: Mapping[str, Any]) -> None:
        packed = distribution_at(self._history, int(content["step"]), content.get("row"))
        self._answer(content.get("id"), "distribution", packed)

    def _handle_control(self, content: Mapping[str, Any]) -> None:
        self._act_on(content)
        self.send({"type": "done", "id": content.get("id")})

    def _answer(self, request: Any, kind: str, packed: Packed) -> None:
        body = packed.head if kind == "detail" else packed.head[kind]
        self.send({"type": kind, "id": request, kind: body}, [packed.data])

    def _act_on(self, content: Mapping[str, Any]) -> None:
        raise ValueError(f"{type(self).__name__} cannot {content['action']}; TrainingPanel can")

    # The static picture

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._pictured = self._history.version
        return super()._repr_mimebundle_(**kwargs)

    def _ipython_display_(self) -> None:
        """Show the widget with an id, so that a later picture can replace the first one."""
        self._display_id = self._display_id or uuid.uuid4().hex
        self._publish(update=False)

    def _leave_picture(self) -> None:
        """Replace the static picture in the notebook by one of what is recorded now."""
        if self._display_id and self._pictured != self._history.version:
            self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.display import publish_display_data

        bundle = self._repr_mimebundle_()
        if bundle is None or not InteractiveShell.initialized():
            print(repr(self))  # noqa: T201 - as a display does where there is no notebook
            return
        data, metadata = bundle
        transient = {"display_id": self._display_id}
        publish_display_data(data, metadata, transient=transient, update=update)  # type: ignore[no-untyped-call]
