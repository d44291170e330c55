"""Long runs and large inputs: memory growth over 10⁶ steps, and the opening of large widgets.

In real JupyterLab and Chromium. `make soak` runs it; it takes some ten minutes.

- The run: a panel and a preview in one notebook, 10⁶ logged steps and 10⁴ refreshes as fast as they
  go. The browser's heap is read after a collection; its slope is a least-squares fit over all
  samples of the second half, with its standard error. Next to it runs a plain anywidget that is
  sent as many dicts of bytes: its growth is not due to torchdial. The kernel's memory is fitted
  against the points recorded. It is resident memory once malloc has given free pages back: it keeps
  some MB for later, which come and go and would move the figure by up to 10 bytes. `tracemalloc`
  measures what a run without a notebook holds, exactly.
- Paging: all pages of an ImageGrid of 10⁵ pictures that are made when they are read.
- Large: the time from the call that makes a widget until its pictures are painted, and the longest
  time the page was frozen while it opened, while its dial was moved, and while it was zoomed.
"""

import argparse
import json
import math
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import torch
from _browser import PACKAGES, browser_of, notebook
from _large import CASES, measure
from _measure import Result, at_most, report

import torchdial as td
from torchdial.training.diagnosis.diagnosis import Diagnosis
from torchdial.training.history.history import History

WARM_UP = 1 / 2
SAMPLE_SECONDS = 3
SETUP = """
import ctypes, json, math, os
import anywidget, torch, traitlets
torch.set_num_threads(1)

def memory():
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

def note(path, samples):
    with open(path + ".part", "w") as file:
        json.dump(samples, file)
    os.replace(path + ".part", path)
"""
RUN = """
model = torch.nn.Conv2d(3, 1, 3, padding=1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
images = torch.rand(2, 3, 64, 64)
monitor = td.TrainingMonitor(model, optimizer, budget=1)
preview = td.SegmentationPreview.from_model(
    model, images, (images.mean(1) > 0.5).long(), from_logits=True
)
display(td.TrainingPanel(monitor), preview)
samples, steps, refreshes = [], {steps}, {refreshes}
for k in range(refreshes):
    loss = model(images).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    for i in range(k * steps // refreshes, (k + 1) * steps // refreshes):
        monitor.log(loss=math.sin(i) / (i + 1), step=i)
    preview.refresh()
    if k % max(1, refreshes // 200) == 0:
        monitor.flush()  # pending values take memory, but are not points yet
        points = sum(map(len, monitor.history.scalars.values()))
        samples.append((time.time(), k, points, memory()))
monitor.flush()
assert len(monitor.history["loss"]) == steps, "a point was lost"
assert not monitor.problem and not preview.notice
note({path!r}, samples)
"""
PLAIN = """
class Plain(anywidget.AnyWidget):
    _esm = "export default {{ render({{ model, el }}) {{ el.className = 'plain'; }} }}"
    _frame = traitlets.Dict().tag(sync=True, echo_update=False)

plain = Plain()
display(plain)
samples = []
for k in range({refreshes}):
    plain._frame = {{"version": k, "tiles": [{{"data": bytes(4096)}} for _ in range(4)]}}
    time.sleep({pause})
    if k % 50 == 0:
        samples.append((time.time(), k, 0, memory()))
note({path!r}, samples)
"""
PAGES = """
read = []

class Pictures:
    def __len__(self):
        return 100_000

    def __getitem__(self, index):
        read.append(index)
        return torch.full((3, 96, 96), index % 256, dtype=torch.uint8)

grid = td.ImageGrid(Pictures())
grid
"""
TURN = """async ([pages, size]) => {
  const root = document.querySelector('.torchdial');
  const later = root.querySelector('button[title="Later"]');
  const captions = () => [...root.querySelectorAll('.torchdial-caption')];
  const frame = () => new Promise(r => requestAnimationFrame(r));
  const here = () => Number(captions()[0].textContent);
  const isWhole = () => [...root.querySelectorAll('.torchdial-waiting')].every(w => w.hidden);
  for (let k = 0; k < pages; k++) {
    const next = here() + size;
    later.click();
    while (here() !== next || !isWhole()) await frame();
  }
  return here();
}"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of the steps, pages and sizes")
    share = parser.parse_args().share
    results, machine = long_run(int(1e6 * share), int(1e4 * share))
    results += paging(max(20, int(400 * share)))
    results += [*bytes_a_point(int(2e5 * share)), *burst(5), *first_look()]
    for name, cell, *aims in CASES(share):
        print(f"opening {name} …", flush=True)
        results += measure(SETUP, name, cell, *aims)
    report("soak", results, PACKAGES, machine)


def long_run(steps, refreshes):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "samples")
        cell = RUN.format(steps=steps, refreshes=refreshes, path=path)
        heap, samples, words, machine = watched(cell, path)
        path = str(Path(folder) / "plain")
        plain = PLAIN.format(refreshes=refreshes, path=path, pause=0.004)
        beside, plain_samples, _, _ = watched(plain, path)
    seconds = samples[-1, 0] - samples[0, 0]
    at = np.interp(heap[:, 0], samples[:, 0], samples[:, 1])
    before = np.interp(beside[:, 0], plain_samples[:, 0], plain_samples[:, 1])
    late = samples[int(WARM_UP * len(samples)) :]
    each, error = slope(late[:, 2], late[:, 3])
    what = f"{steps:,} steps, {refreshes:,} refreshes"
    return [
        Result(what, f"{seconds:,.0f} s, {words}"),
        grown("browser's heap a refresh with its steps, after warm-up", at, heap, 200),
        Result("the same of a plain anywidget, a message", spell(*fit(before, beside), "bytes")),
        at_most("kernel's memory a point", each, 32, "bytes", f" ± {error:.2g}"),
    ], machine


def watched(cell, path):
    """Run a cell; return the heap's samples, the kernel's, and the messages' rate in words."""
    times = []
    with notebook("soak", [SETUP, cell], lambda socket: listen(socket, times)) as page:
        session = page.context.new_cdp_session(page)
        heap = []
        failed = page.locator('[data-mime-type="application/vnd.jupyter.error"]')
        while not Path(path).exists():
            page.wait_for_timeout(1000 * SAMPLE_SECONDS)
            if failed.count():
                raise RuntimeError(failed.first.inner_text())
            heap.append((time.time(), heap_of(session)))
        machine = browser_of(page)
    samples = np.array(json.loads(Path(path).read_text()))
    arrivals = np.array(times)
    arrivals = arrivals[(arrivals >= samples[0, 0]) & (arrivals <= samples[-1, 0])]
    counts = np.searchsorted(arrivals, arrivals + 3, "right") - np.arange(len(arrivals))
    words = (
        f"at most {max(counts, default=0) / 3:,.0f} messages a second over 3 s, of 1,000 allowed"
    )
    return np.array(heap), samples, words, machine


def listen(socket, times):
    socket.on("framereceived", lambda _: times.append(time.time()))


def heap_of(session):
    """Return the bytes that scripts hold after a collection, those of their arrays included."""
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage.get("backingStorageSize", 0)


def slope(x, y):
    """Return slope and standard error of a least-squares line."""
    if len(x) < 4:
        return math.nan, math.nan
    x = x - x.mean()
    each = float((x * y).sum() / (x * x).sum())
    rest = y - y.mean() - each * x
    return each, math.sqrt((rest * rest).sum() / (len(x) - 2) / (x * x).sum())


def fit(at, heap):
    """Return slope and error after the warm-up."""
    late = at >= at.max() * WARM_UP
    return slope(at[late], heap[late, 1])


def grown(what, at, heap, aim):
    each, error = fit(at, heap)
    first, last = heap[at >= at.max() * WARM_UP, 1][[0, -1]] / 1e6
    more = f" ± {error:.2g}; {first:,.1f} MB after warm-up, {last:,.1f} MB at the end"
    return at_most(what, each, aim, "bytes", more)


def spell(each, error, unit):
    return f"{each:.3g} ± {error:.2g} {unit}"


def paging(pages):
    """Return the memory growth of turning pages, in the kernel and in the browser."""
    with notebook("pages", [SETUP, PAGES]) as page:
        page.wait_for_selector(".torchdial-caption", timeout=60_000)
        session = page.context.new_cdp_session(page)
        heap, shown, seconds = [], [], 0.0
        for _ in range(20):
            start = time.perf_counter()
            shown.append(page.evaluate(TURN, [pages // 20, 64]))
            seconds += time.perf_counter() - start
            heap.append((0.0, heap_of(session)))
    seen = np.array(shown, float)
    turned = 20 * (pages // 20)
    return [
        Result(f"{turned:,} pages of 10⁵ pictures", f"{1000 * seconds / turned:,.0f} ms a page"),
        grown("browser's heap a picture seen, after warm-up", seen, np.array(heap), 100),
    ]


def bytes_a_point(steps):
    """Return the memory growth of a run by tracemalloc."""
    monitor = td.TrainingMonitor(torch.nn.Linear(1, 1))
    tracemalloc.start()
    points, held = [], []
    for i in range(steps):
        monitor.log(loss=math.sin(i))
        if i % max(1, steps // 50) == steps // 100:
            monitor.flush()
            points.append(len(monitor.history["loss"]))
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    monitor.close()
    each, error = slope(np.array(points[10:], float), np.array(held[10:], float))
    return [at_most("traced memory a point", each, 32, "bytes", f" ± {error:.2g}")]


def burst(seconds):
    """Return the messages sent and lost while logging without a pause to 20 panels."""
    monitor = td.TrainingMonitor(torch.nn.Linear(1, 1))
    panels = [td.TrainingPanel(monitor) for _ in range(20)]
    sent = []
    for panel in panels:
        panel.send = lambda *_: sent.append(time.monotonic())
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        monitor.log(loss=float(count))
        count += 1
    monitor.close()
    for panel in panels:
        panel.close()
    lost = count - len(monitor.history["loss"])
    what = f"20 panels, {count / seconds:,.0f} logs a second for {seconds} s: lost"
    return [
        at_most(what, lost, 0, "points"),
        at_most("their messages a second, over 3 s", rate(np.array(sent)), 1000, "a second"),
    ]


def first_look():
    """Return how long a diagnosis takes over a record that was loaded."""
    history, n = History("record"), np.arange(1, 100_000)
    history.record(0, {"loss": 1.0}, time=0)
    history["loss"].extend(n, 0.1 + np.exp(-n / 3e4) * (1 + 0.1 * np.sin(n * n)), n)
    start = time.perf_counter()
    Diagnosis(history).look()
    return [at_most("first look at a record of 10⁵ points", time.perf_counter() - start, 2, "s")]


def rate(times):
    """Return the most messages a second, over windows of 3 seconds."""
    counts = np.searchsorted(times, times + 3, "right") - np.arange(len(times))
    return float(counts.max(initial=0)) / 3


if __name__ == "__main__":
    main()
