"""Greedy NMS at 101 stops: one `nms_sweep` against 101 runs of a plain greedy NMS in C++.

The C++ stands for torchvision's CPU kernel: the same loop, compiled here with -O3. It is given
sorted boxes with their areas, by columns; `nms_sweep` starts from unsorted boxes and checks
them. The boxes crowd around N / 25 objects of 20 to 200 pixels in one image of
1280 × 960; both must keep the same boxes.
"""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from _measure import Result, at_least, interleave, median_of_ratios, report, spread

from torchdial.inputs import to_stops
from torchdial.sweeps.boxes.nms import nms_sweep

AIM = 10
AIM_FROM = 1000
RUNS = {200: 51, 1000: 21, 3000: 7, 10_000: 3}
STOPS = to_stops(101)

SOURCE = """
#include <algorithm>
#include <cstdint>

extern "C" void nms(const float* x1, const float* y1, const float* x2, const float* y2,
                    const float* areas, int64_t count, float stop, uint8_t* suppressed) {
  std::fill(suppressed, suppressed + count, 0);
  for (int64_t i = 0; i < count; i++) {
    if (suppressed[i]) continue;
    for (int64_t j = i + 1; j < count; j++) {
      if (suppressed[j]) continue;
      float width = std::max(0.f, std::min(x2[i], x2[j]) - std::max(x1[i], x1[j]));
      float height = std::max(0.f, std::min(y2[i], y2[j]) - std::max(y1[i], y1[j]));
      float inter = width * height;
      if (inter / (areas[i] + areas[j] - inter) > stop) suppressed[j] = 1;
    }
  }
}
"""


def compiled():
    """Return the function `nms` of SOURCE."""
    folder = Path(tempfile.mkdtemp())
    (folder / "nms.cpp").write_text(SOURCE)
    flags = ["-O3", "-shared", "-fPIC", "-ffp-contract=off"]  # off: on ARM it would fuse roundings
    command = [os.environ.get("CXX", "g++"), *flags, "nms.cpp", "-o", "nms.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "nms.so")).nms


def crowd(count):
    """Return boxes float32 (N, 4) and scores float32 (N,)."""
    random = np.random.default_rng(count)
    objects = count // 25
    which = random.integers(0, objects, count)
    centre = random.uniform(0, [1280, 960], (objects, 2))[which]
    size = np.exp(random.uniform(np.log(20), np.log(200), (objects, 2)))[which]
    centre = centre + size * random.normal(0, 0.15, (count, 2))
    size = size * np.exp(random.normal(0, 0.15, (count, 2)))
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    scores = random.uniform(0.01, 1, count)
    return torch.from_numpy(boxes.astype(np.float32)), torch.from_numpy(scores.astype(np.float32))


def one_run_a_stop(nms, boxes, scores):
    """Return a function that runs C++ at each stop and returns what is kept, bool (N, T)."""
    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].T.contiguous()
    columns = [x1, y1, x2, y2, (x2 - x1) * (y2 - y1)]
    stops = [ctypes.c_float(stop) for stop in STOPS.tensor().tolist()]
    suppressed = torch.empty(len(stops), len(scores), dtype=torch.uint8)

    def run():
        for stop, line in zip(stops, suppressed, strict=True):
            pointers = [ctypes.c_void_p(column.data_ptr()) for column in columns]
            nms(*pointers, ctypes.c_int64(len(scores)), stop, ctypes.c_void_p(line.data_ptr()))
        return torch.empty(len(scores), len(stops), dtype=torch.bool).index_copy_(
            0, order, suppressed.T == 0
        )

    return run


def measure(nms, count):
    boxes, scores = crowd(count)
    theirs = one_run_a_stop(nms, boxes, scores)

    def ours():
        return nms_sweep(boxes, scores, nms_ious=STOPS)

    kept = ours()
    assert kept.equal(theirs()), "they keep different boxes"
    times = interleave(RUNS[count], ours=ours, theirs=theirs)
    ratio = median_of_ratios(times["theirs"], times["ours"])
    what = f"{count:,} boxes, ratio"
    share = f"{kept[:, 50].float().mean():.0%} kept at 0.50"
    return [
        at_least(what, ratio, AIM, "×") if count >= AIM_FROM else Result(what, f"{ratio:.3g} ×"),
        Result(f"{count:,} boxes, nms_sweep", f"{spread(times['ours'])}, {share}"),
        Result(f"{count:,} boxes, {len(STOPS)} runs of C++", spread(times["theirs"])),
    ]


if __name__ == "__main__":
    kernel = compiled()
    report("nms_sweep", [line for count in RUNS for line in measure(kernel, count)])
