"""An update of `loss_figure` at a million points, in the browser and in the kernel.

Each update records a hundred further points and redraws the thinned figure. The browser's part is
the time that its main thread spends on tasks (Chromium's TaskDuration), minus that of an idle page
in the same time, divided by the number of updates; medians of five. The same line unthinned is for
comparison.
"""

import json
import time

from _browser import PACKAGES, browser_of, notebook
from _measure import Median, Result, at_most, report

POINTS, UPDATES, SECONDS = 1_000_000, 20, 6
REPETITIONS = 5
FRAME_MS = 1000 / 60
SETUP = f"""
import json
import bqplot as bq, numpy as np
from torchdial.figures import loss_figure
history = td.History("run")
rng = np.random.default_rng(0)
def values(n):
    return 1 / (1 + np.arange(n) / 1e5) + 0.05 * rng.standard_normal(n)
history.record(0, {{"loss": 1.0}})
history["loss"].extend(np.arange({POINTS}), values({POINTS}), np.arange({POINTS}) / 100.0)

class Watched:
    history = history
    def subscribe(self, callback):
        self.publish = callback
        return lambda: None

watched = Watched()
figure = loss_figure(watched)
x, y = bq.LinearScale(), bq.LinearScale()
plain = bq.Lines(x=np.arange(50_000), y=values(50_000), scales={{"x": x, "y": y}})
whole = bq.Figure(marks=[plain], axes=[bq.Axis(scale=x), bq.Axis(scale=y, side="left")])

def thinned():
    n = len(history["loss"])
    history["loss"].extend(np.arange(n, n + 100), values(100), np.arange(n, n + 100) / 100.0)
    watched.publish()

def unthinned():
    with plain.hold_sync():
        plain.x, plain.y = np.arange(50_000), values(50_000)

def update(draw):
    spent = []
    for _ in range({UPDATES}):
        start = time.perf_counter()
        draw()
        spent.append(time.perf_counter() - start)
        time.sleep({SECONDS} / {UPDATES})
    print("kernel", json.dumps(sorted(spent)[{UPDATES} // 2]))
"""
SHOW = "import ipywidgets; ipywidgets.VBox([figure, whole])"
RUN_CELL = """async code => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  content.activeCell.model.sharedModel.setSource(code);
  await jupyterapp.commands.execute('notebook:run-cell');
}"""


def main_thread(session):
    """Return the milliseconds that the page's main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def measure(page, session, draw):
    """Return the milliseconds an update takes in the kernel and in the browser."""
    before = main_thread(session)
    page.evaluate(RUN_CELL, f"time.sleep({SECONDS})")
    time.sleep(1)
    between = main_thread(session)
    page.evaluate(RUN_CELL, f"update({draw})")
    time.sleep(1)
    after = main_thread(session)
    printed = page.locator(".jp-OutputArea-output", has_text="kernel").last.inner_text()
    kernel = 1000 * json.loads(printed.split("kernel ", 1)[1])
    return kernel, ((after - between) - (between - before)) / UPDATES


if __name__ == "__main__":
    with notebook("bqplot", [SETUP, SHOW, "pass"]) as page:
        page.locator(".bqplot").nth(1).wait_for(timeout=120_000)
        page.wait_for_timeout(3000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        runs = [
            [measure(page, session, draw) for draw in ("thinned", "unthinned")]
            for _ in range(REPETITIONS)
        ]
        machine = browser_of(page)
    kernel = Median.of([thinned[0] for thinned, _ in runs])
    browser, unthinned = (Median.of([run[i][1] for run in runs]) for i in range(2))
    update = "browser, an update of 10⁶ points, thinned"
    report(
        "bqplot_update",
        [
            at_most(update, browser.value, round(FRAME_MS, 1), "ms", noise=browser.noise),
            Result("kernel, the same", f"{kernel} ms"),
            Result("browser, 50,000 points unthinned", f"{unthinned} ms"),
        ],
        [*PACKAGES, "bqplot"],
        machine,
    )
