"""A refresh of the loss plot at 10³ … 10⁶ points: bytes, kernel time, and the browser's frames.

A move of a drag, the zoom at its end and a click on the legend are timed by the scripts they run,
their own and those of the frame that shows them.

Bytes and kernel time are those of the message with 100 new points, and of a keyframe. In
real JupyterLab a plot of a million points is opened, gets 100 new points ten times a second, and is
zoomed meanwhile; the browser's own list of long tasks (over 50 ms) shows how busy its main thread
was. The first paint is counted separately. `--points` and `--seconds` make it smaller.
"""

import argparse
import json
import statistics
import time

import numpy as np
from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_most, report, spread

from torchdial.training.history.history import History
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.feed import Feed
from torchdial.widgets.live.run_packing import PlotContents

NEW = 100
RUNS = 15
MAKE = """
import numpy as np, threading
from torchdial.training.history.history import History

def make(points):
    history = History("run")
    history.record(0, {{"loss": 1.0}}, time=0)
    steps = np.arange(1, points)
    history["loss"].extend(steps, np.cos(steps / 1e4) + np.random.rand(len(steps)), steps / 1e3)
    return history

history = make({points})
plot = td.LossPlot(history)
plot
"""
LIVE = """
for tick in range({ticks}):
    last = history["loss"].last[0]
    steps = np.arange(last + 1, last + 101)
    history["loss"].extend(steps, np.random.rand(100), steps / 1e3)
    plot.refresh()
    time.sleep(0.1)
print("live over")
"""
WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration]);
  }).observe({ type: 'longtask' });
  window.frames = [];
  const root = document.querySelector('.torchdial-live');
  let { paints } = root.dataset;
  let before = stopwatch.scripts;
  const look = () => {
    if (root.dataset.paints !== paints) frames.push(stopwatch.scripts - before);
    ({ paints } = root.dataset);
    before = stopwatch.scripts;
    requestAnimationFrame(look);
  };
  look();
}"""

FRAME = 1000 / 60  # milliseconds
# Milliseconds that scripts take for each of several moves of a drag, zooms and clicks.
WORK = """async times => {
  const root = document.querySelector('.torchdial-live');
  const over = root.querySelector('.u-over');
  const entry = root.querySelector('.torchdial-panel .torchdial-entry');
  const { left, top, width } = over.getBoundingClientRect();
  const work = action => new Promise(done => {
    const [before, start] = [stopwatch.scripts, performance.now()];
    action();
    const handled = performance.now() - start;
    stopwatch.painted(() => done(handled + stopwatch.scripts - before));
  });
  const mouse = (kind, share) => (kind === 'mouseup' ? document : over).dispatchEvent(
    new MouseEvent(kind, { clientX: left + share * width, clientY: top + 40, movementX: 1 }));
  const found = { drag: [], zoom: [], legend: [] };
  for (let i = 0; i < times; i++) {
    const from = 0.1 + 0.4 * i / times;
    mouse('mousemove', from);
    mouse('mousedown', from);
    for (let k = 1; k <= 10; k++) {
      found.drag.push(await work(() => mouse('mousemove', from + 0.04 * k)));
    }
    found.zoom.push(await work(() => mouse('mouseup', from + 0.4)));
    found.legend.push(await work(() => entry.click()));
    found.legend.push(await work(() => entry.click()));
    await work(() => mouse('dblclick', 0.5));
  }
  return found;
}"""


def history_of(points):
    history = History("run")
    history.record(0, {"loss": 1.0}, time=0)
    steps = np.arange(1, points)
    history["loss"].extend(steps, np.cos(steps / 1e4), steps / 1e3)
    return history


def refresh(points):
    """Return bytes and milliseconds of a delta and of a keyframe, medians of several."""
    history = history_of(points)
    sent = []
    feed = Feed(
        [ShownRun(history, "run")],
        PlotContents(scalars=lambda _: True, layers=False),
        lambda content, buffers: sent.append(len(json.dumps(content)) + len(buffers[0])),
        clock=iter(range(0, 10**9, 10)).__next__,
        later=lambda _seconds, _call: None,
    )
    feed.want_keyframe()
    deltas, keyframes = [], []
    for _ in range(RUNS):
        last = history["loss"].last[0]
        steps = np.arange(last + 1, last + 1 + NEW)
        history["loss"].extend(steps, np.random.rand(NEW), steps / 1e3)
        start = time.perf_counter()
        feed.poke()
        deltas.append(1000 * (time.perf_counter() - start))
        delta_bytes = sent[-1]
        start = time.perf_counter()
        feed.want_keyframe()
        keyframes.append(1000 * (time.perf_counter() - start))
        keyframe_bytes = sent[-1]
    return delta_bytes, deltas, keyframe_bytes, keyframes


def browser(points, seconds):
    """Return long tasks and frame times of a live plot, and of zooming it."""
    cells = [MAKE.format(points=points), LIVE.format(ticks=10 * seconds)]
    with notebook("live", cells[:1]) as page:
        page.wait_for_selector(".torchdial-live .uplot", timeout=60_000)
        page.wait_for_timeout(2000)
        page.evaluate(WATCH)
        page.evaluate(
            "code => void jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
            ".requestExecute({ code })",
            cells[1],
        )
        box = page.locator(".torchdial-live .u-over").bounding_box()
        zooms = (0.4, 0.3, 0.2)
        for share in zooms:  # spread over the seconds in which it is live
            page.wait_for_timeout(1000 * seconds / (1 + len(zooms)) - 1000)
            page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 40)
            page.mouse.down()
            page.mouse.move(box["x"] + (0.5 + share) * box["width"], box["y"] + 60, steps=10)
            page.mouse.up()
            page.wait_for_timeout(1000)
        page.wait_for_timeout(1000 * seconds / (1 + len(zooms)))
        tasks, frames = page.evaluate("() => [longTasks, frames]")
        return tasks, frames, page.evaluate(WORK, RUNS), browser_of(page)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    sizes = [n for n in (10**3, 10**4, 10**5, 10**6, 10**7) if n <= 10 * options.points]
    results, deltas = [], []
    for points in sizes:
        delta_bytes, delta_times, keyframe_bytes, keyframe_times = refresh(points)
        deltas.append((delta_bytes, statistics.median(delta_times)))
        results.append(
            Result(
                f"{points:,} points",
                f"refresh {delta_bytes:,} bytes, {spread(delta_times)}; "
                f"keyframe {keyframe_bytes / 1000:,.0f} kB, {spread(keyframe_times)}",
            )
        )
    most, least = max(b for b, _ in deltas), min(b for b, _ in deltas)
    results.append(at_most("refresh bytes, largest over smallest", most / least, 1.1, "×"))
    tasks, frames, work, machine = browser(options.points, options.seconds)
    longest = max((duration for _, duration in tasks), default=0.0)
    words = f"longest task while live and zoomed, {options.points:,} points"
    results.append(at_most(words, longest, 50, "ms", f", {len(tasks)} over 50 ms"))
    results.append(Result("scripts of a frame that draws the plot", spread(frames)))
    for kind, times in work.items():
        words = f"scripts of one {kind}, {options.points:,} points, median"
        more = f", {len(times)} of them, {spread(times)}"
        results.append(at_most(words, statistics.median(times), FRAME, "ms", more))
    report("live_plots", results, PACKAGES, machine)


if __name__ == "__main__":
    main()
