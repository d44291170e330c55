"""Real JupyterLab in real Chromium for the benchmarks, timed inside the page."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, WebSocket, sync_playwright

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from tests.e2e.lab import Lab, launch_chromium, opened  # noqa: E402

PACKAGES = ("jupyterlab", "ipywidgets", "anywidget")
SETUP = f"""
import sys, time
sys.path.insert(0, {str(FOLDER)!r})
from _measure import box_scenes, scenes
import torchdial as td
"""

# `painted` calls back when the browser's main thread has finished the current or next frame:
# a message posted from a frame callback is delivered after that frame's style, layout and paint.
# A frame callback ends after the mutations that it makes have been observed.
# `drawn` is called on every draw onto one of the overlay canvases, however it is scheduled, and
# `pictures` are the canvases onto which a picture has been drawn.
STOPWATCH = """() => {
  const watch = window.stopwatch = {
    scripts: 0, inFrame: false, drawn: () => {}, pictures: new Set(),
  };
  const nextFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = callback => nextFrame(time => {
    const start = performance.now();
    watch.inFrame = true;
    try { callback(time); } finally {
      queueMicrotask(() => { watch.inFrame = false; });
      watch.scripts += performance.now() - start;
    }
  });
  watch.painted = callback => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); callback(performance.now()); };
    if (watch.inFrame) port2.postMessage(0);
    else nextFrame(() => port2.postMessage(0));
  };
  for (const name of ['clearRect', 'drawImage', 'putImageData']) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      const result = draw.apply(this, args);
      if (this.canvas.classList.contains('torchdial-overlay')) watch.drawn(this.canvas);
      const isPicture = this.canvas.classList.contains('torchdial-picture');
      if (isPicture && name !== 'clearRect') watch.pictures.add(this.canvas);
      return result;
    };
  }
}"""


@contextmanager
def notebook(
    name: str, cells: Sequence[str], on_socket: Callable[[WebSocket], None] = lambda _: None
) -> Iterator[Page]:
    """Run a notebook in a fresh JupyterLab; its first cell imports `td`, `scenes`, `box_scenes`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab(Path(folder)) as lab,
        sync_playwright() as playwright,
    ):
        browser = launch_chromium(playwright)
        page = browser.new_page(viewport={"width": 1200, "height": 1700})
        page.on("websocket", on_socket)
        page.add_init_script(f"({STOPWATCH})()")
        with opened(lab, page, name, [SETUP, *cells]):
            yield page
        browser.close()


def browser_of(page: Page) -> str:
    """Return the name of the browser and of its renderer."""
    renderer = page.evaluate(
        """() => {
          const gl = document.createElement('canvas').getContext('webgl');
          const info = gl?.getExtension('WEBGL_debug_renderer_info');
          return info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : 'no WebGL';
        }"""
    )
    browser = page.context.browser
    software = "SwiftShader" in renderer or renderer == "no WebGL"
    drawing = "software rendering" if software else f"rendering on {renderer}"
    return f", Chromium {browser.version if browser else ''}, {drawing}"
