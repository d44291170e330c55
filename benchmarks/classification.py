"""A `ClassificationPreview` of a million scores: made, sent, and moved, beside scikit-learn's scan.

In the kernel: the time until the widget is made, and the bytes of its opening state without its
JavaScript. Beside it the same metric at the same 101 thresholds by scikit-learn, as
`TunedThresholdClassifierCV` scans them, and torchmetrics' binned curve. In JupyterLab and Chromium:
from a key press on the dial to the painted frame, as in dial_latency.py.
"""

import statistics

import numpy as np
import torch
from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_least, at_most, interleave, median_of_ratios, report, spread
from dial_latency import ARM_OURS, FRAME_AIM_MS, OUR_DIAL, keys, press
from sklearn.metrics import f1_score
from torchmetrics.classification import BinaryPrecisionRecallCurve

import torchdial as td

COUNT = 1_000_000
MAKE_AIM_MS = 1000
SCAN_STOPS = 5  # of 101, which take it minutes
MAKE = f"""
import torch
random = torch.Generator().manual_seed(0)
scores = torch.rand({COUNT}, generator=random)
targets = (torch.rand({COUNT}, generator=random) < scores).long()
td.ClassificationPreview(scores, targets)
"""


def in_kernel():
    random = torch.Generator().manual_seed(0)
    scores = torch.rand(COUNT, generator=random)
    targets = (torch.rand(COUNT, generator=random) < scores).long()
    host_scores, host_targets = scores.numpy(), targets.numpy()
    tenths = torch.rand(COUNT // 10, 10, generator=random).softmax(1)
    labels = tenths.argmax(1)

    def scan():
        for stop in np.linspace(0.1, 0.9, SCAN_STOPS):
            f1_score(host_targets, host_scores > stop)

    def binned():
        curve = BinaryPrecisionRecallCurve(thresholds=101)
        curve.update(scores, targets)
        curve.compute()

    times = interleave(
        5,
        binary=lambda: td.ClassificationPreview(scores, targets),
        multiclass=lambda: td.ClassificationPreview(tenths, labels, task="multiclass"),
        scan=scan,
        binned=binned,
    )
    scans = [time * 101 / SCAN_STOPS for time in times["scan"]]
    source = td.ClassificationPreview(scores, targets)._frame["sources"][0]
    flat = [source, source["tally"]["counts"], *source["tables"]]
    size = sum(len(part) for of in flat for part in of.values() if isinstance(part, bytes))
    made = statistics.median(times["binary"])
    other = statistics.median(times["multiclass"])
    return [
        at_most(
            "10⁶ binary scores, made", made, MAKE_AIM_MS, "ms", f" ({spread(times['binary'])})"
        ),
        at_most("10⁵ × 10 multiclass, made", other, MAKE_AIM_MS, "ms"),
        Result("opening state", f"{size / 1000:.0f} kB"),
        at_least(
            "scikit-learn's F1 at 101 stops, ratio",
            median_of_ratios(scans, times["binary"]),
            1,
            "×",
        ),
        Result("torchmetrics' binned curve", spread(times["binned"])),
    ]


def in_browser():
    with notebook("classification", [MAKE]) as page:
        page.locator(OUR_DIAL).wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        times = [press(page, OUR_DIAL, ARM_OURS, key) for key in ["ArrowLeft", *keys()]][1:]
        machine = browser_of(page)
    painted, scripts = zip(*times, strict=True)
    what = "10⁶ scores, key press to painted"
    return machine, [
        at_most(what, statistics.median(painted), FRAME_AIM_MS, "ms", f" ({spread(painted)})"),
        Result("10⁶ scores, of this script", spread(scripts)),
    ]


if __name__ == "__main__":
    machine, results = in_browser()
    report("classification", [*in_kernel(), *results], [*PACKAGES, "scikit-learn"], machine)
