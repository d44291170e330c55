"""From the call that makes a preview of sixteen 512² images to its first painted pictures.

In real JupyterLab, kernel and page on one machine and so on one clock. Each run executes the same
cell again: the first is that of a new kernel, the others have everything loaded. Sources have been
compiled before, as by an installation.
"painted" is when the main thread has finished the frame that drew the last of the overlays.
Then the same with photographs, over a line of 20 Mbit/s with 40 ms of latency, which the browser
imitates, as to Colab or a cluster.
"""

import json
import statistics
from itertools import pairwise

from _browser import PACKAGES
from _detached import DetachedPage, detached_notebook
from _measure import Result, at_most, keep_bytecode, report

RUNS = 7
SLOW_RUNS = 3
LINE = {"offline": False, "latency": 40, "downloadThroughput": 2.5e6, "uploadThroughput": 2.5e6}
LINE_AIM = 2  # seconds
AIM_MS = 400
FIRST_AIM_MS = 500
COUNT, SIZE = 16, 512
COMPILED = """
import torch
from torchdial import SegmentationPreview
SegmentationPreview(torch.rand(1, 3, 9, 9), torch.rand(1, 9, 9))._repr_mimebundle_()
"""
CELL = """
import json
marks = {"start": time.time()}
w = td.SegmentationPreview(images, probs, targets)
marks["constructed"] = time.time()
bundle = w._repr_mimebundle_()
marks["mime bundle"] = time.time()
from IPython.display import display, publish_display_data
publish_display_data(*bundle)
marks["displayed"] = time.time()
print("marks", json.dumps(marks))
"""
SHOWN = """() => new Promise(resolve => {
  const marks = {};
  const observer = new MutationObserver(() => {
    if (!document.querySelector('.torchdial')) return;
    observer.disconnect();
    marks['in the page'] = Date.now() / 1000;
  });
  observer.observe(document.body, { childList: true, subtree: true });
  const drawn = new Set();
  stopwatch.drawn = canvas => {
    if (drawn.size === COUNT) return;
    if (drawn.add(canvas).size < COUNT) return;
    stopwatch.painted(() => { marks.painted = Date.now() / 1000; resolve(marks); });
  };
})""".replace("COUNT", str(COUNT))


def run(page: DetachedPage, cell: str = CELL) -> dict[str, float]:
    """Return the seconds that each part took."""
    painted, printed = page.run_cell(cell, SHOWN)
    marks = json.loads(printed.split("marks ", 1)[1].splitlines()[0]) | painted
    order = ["start", "constructed", "mime bundle", "displayed", "in the page", "painted"]
    parts = {name: marks[name] - marks[last] for last, name in pairwise(order)}
    return parts | {"all": marks["painted"] - marks["start"]}


def over_a_line(page: DetachedPage) -> list[float]:
    """Return the seconds of runs with photographs over a slow line."""
    cell = f"from bytes_per_pixel import photographs\nimages = photographs()\n{CELL}"
    run(page, cell)
    page.send("Network.enable")
    page.send("Network.emulateNetworkConditions", **LINE)
    return [run(page, cell)["all"] for _ in range(SLOW_RUNS)]


if __name__ == "__main__":
    keep_bytecode(COMPILED)
    setup = f"images, probs, targets = scenes({COUNT}, {SIZE})"
    with detached_notebook("first", [setup, "pass"]) as page:
        first, *others = [run(page) for _ in range(RUNS)]
        slow = over_a_line(page)
    names = {
        "all": "construction to first paint",
        "constructed": "construction, opening state sent",
        "mime bundle": "static picture",
        "displayed": "display message",
        "in the page": "on the way, until the widget is in the page",
        "painted": "first paint of all overlays",
    }
    results = []
    for name, words in names.items():
        median = 1000 * statistics.median(parts[name] for parts in others)
        once = 1000 * first[name]
        if name == "all":
            results += [
                at_most(words, median, AIM_MS, "ms"),
                at_most(f"{words}, the first time in a kernel", once, FIRST_AIM_MS, "ms"),
            ]
        else:
            results.append(Result(words, f"median {median:,.0f} ms, the first time {once:,.0f} ms"))
    line = statistics.median(slow)
    results.append(at_most("photographs, 20 Mbit/s and 40 ms", line, LINE_AIM, "s"))
    report("first_paint", results, PACKAGES, page.browser)
