"""How long `from torchdial import SegmentationPreview` takes once torch is there."""

import statistics
import subprocess
import sys

from _measure import at_most, keep_bytecode, report

RUNS = 5
AIM_MS = 300
CODE = """
import time, torch
start = time.perf_counter()
from torchdial import SegmentationPreview
print(1000 * (time.perf_counter() - start))
"""


def measure():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    keep_bytecode(CODE)
    median = statistics.median(measure() for _ in range(RUNS))
    what = f"import after torch, median of {RUNS} processes"
    report("import_time", [at_most(what, median, AIM_MS, "ms")], ["ipywidgets", "anywidget"])
