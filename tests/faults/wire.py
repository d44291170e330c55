"""A way to the server that can be cut, and a page's socket that loses messages."""

from __future__ import annotations

import asyncio
import contextlib
import threading

# Of the messages of live plots a fifth is lost, a fifth comes late and so out of order.
LOSSY = """() => {
  let state = 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const sorts = /"type": ?"(delta|keyframe|done)"/;
  const Native = window.WebSocket;
  const fate = { lost: 0, late: 0, isLossy: true };
  window.fate = fate;
  window.WebSocket = class extends Native {
    set onmessage(deliver) {
      super.onmessage = event => {
        const { data } = event;
        const text = typeof data === 'string' ? data : new TextDecoder('latin1').decode(data);
        const chance = fate.isLossy && sorts.test(text) ? random() : 1;
        if (chance < 0.2) fate.lost++;
        else if (chance < 0.4) { fate.late++; setTimeout(() => deliver(event), 1000 * random()); }
        else deliver(event);
      };
    }
  };
}"""


class Proxy:
    """Passes on what goes to a port of this machine; `cut()` ends and refuses all connections."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._end_all)

    def mend(self) -> None:
        self._is_cut = False

    async def _close(self) -> None:
        self._server.close()
        self._is_cut = True
        self._end_all()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*serving, return_exceptions=True)

    def _end_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        if self._is_cut:
            writer.transport.abort()
            far_writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        there, back = _pass_on(reader, far_writer), _pass_on(far_reader, writer)
        await asyncio.gather(there, back)
        self._open -= {writer, far_writer}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
