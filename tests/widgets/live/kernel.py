"""A real ipykernel and a client that clicks by hand-made comm messages, without a browser."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import ipykernel
from jupyter_client.manager import KernelManager

PATIENCE = 60.0
HAS_SUBSHELLS = int(ipykernel.__version__.split(".")[0]) >= 7


class Kernel:
    """What a frontend does: run cells, click while they run, interrupt."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._client = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self.text: dict[str, str] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self._idle: set[str] = set()
        self.states: list[str] = []
        self.published: list[tuple[str, dict[str, Any]]] = []
        """Type and content of what the kernel said, in the order it was said."""

    def close(self) -> None:
        self._client.stop_channels()

    def begin(self, code: str) -> str:
        """Run a cell without waiting for it."""
        return self._client.execute(code, store_history=True, stop_on_error=False)

    def run(self, code: str) -> str:
        """Run a cell and return what it printed."""
        return self.finish(self.begin(code))

    def finish(self, cell: str, patience: float = PATIENCE) -> str:
        """Wait for a cell's end and return what it printed."""
        self._read_until(lambda: cell in self._idle, patience)
        return self.text.get(cell, "")

    def wait_for(self, cell: str, words: str) -> None:
        """Wait until a running cell has printed some words."""
        self._read_until(lambda: words in self.text.get(cell, ""), PATIENCE)

    def wait_for_print(self, words: str) -> None:
        """Wait until this was printed since `published` was cleared, by whatever thread."""
        said = lambda: any(words in text.get("text", "") for _, text in self.published)  # noqa: E731
        self._read_until(said, PATIENCE)

    def is_over(self, cell: str) -> bool:
        self._read_until(lambda: True, 1.0)
        return cell in self._idle

    def click(self, comm_id: str, subshell: str | None = None, **content: Any) -> str:
        """Send a custom message to a widget, as its browser side would."""
        return self.tell(comm_id, {"method": "custom", "content": content}, subshell)

    def tell(self, comm_id: str, data: dict[str, Any], subshell: str | None = None) -> str:
        """Send a widget what its browser side would, a custom message or an update."""
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def new_subshell(self) -> str:
        return self._ask("create_subshell_request")["subshell_id"]

    def delete_subshell(self, subshell: str) -> None:
        self._ask("delete_subshell_request", subshell_id=subshell)

    def knock(self) -> None:
        """Get an answer on the control channel, which every kernel gives at any time."""
        self._ask("kernel_info_request")

    def _ask(self, what: str, **content: Any) -> Any:
        self._client.control_channel.send(self._client.session.msg(what, content))
        return self._client.get_control_msg(timeout=PATIENCE)["content"]

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def _read_until(self, is_reached: Any, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                self._take(self._client.get_iopub_msg(timeout=0))
                continue
            except Empty:
                if is_reached():
                    return
            if time.monotonic() > until:
                raise TimeoutError(f"text: {self.text}, errors: {self.errors}")
            time.sleep(0.01)

    def _take(self, message: dict[str, Any]) -> None:
        parent, content = message["parent_header"].get("msg_id"), message["content"]
        self.published.append((message["msg_type"], content))
        if message["msg_type"] == "stream":
            self.text[parent] = self.text.get(parent, "") + content["text"]
        elif message["msg_type"] == "error":
            self.errors[parent] = content
        elif message["msg_type"] == "status":
            self.states.append(content["execution_state"])
            if content["execution_state"] == "idle":
                self._idle.add(parent)


@contextmanager
def kernel() -> Iterator[Kernel]:
    """Start a kernel of this environment's ipykernel and end it again."""
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[:] = [
        *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    ]
    manager.start_kernel()
    client = Kernel(manager)
    try:
        yield client
    finally:
        client.close()
        manager.shutdown_kernel(now=True)
