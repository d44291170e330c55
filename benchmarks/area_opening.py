"""Small parts removed at every stop of one map: ours against scipy and scikit-image.

On one core of the CPU, for maps of 512² at 101 stops with the noise of a network's output.
"""

from functools import partial

import numpy as np
import scipy.ndimage
import torch
from _measure import Result, at_most, interleave, report, scenes, spread
from skimage.morphology import area_opening

from torchdial.sweeps.pixels.area_opening import open_maps
from torchdial.sweeps.pixels.threshold_levels import threshold_levels

SIZE = 512
AIM_MS = 500
MIN_SIZES = (25, 100, 400)


def noisy():
    _, probs, _ = scenes(1, SIZE)
    return threshold_levels((probs + 0.05 * torch.randn_like(probs)).clamp(0, 1))[0]


def labelled(levels, min_size):
    """Return the same by labelling the parts at each stop."""
    opened = np.zeros_like(levels)
    for stop in range(levels.max()):
        parts, _ = scipy.ndimage.label(levels > stop)
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        opened += sizes[parts] >= min_size
    return opened


def measure(name, levels):
    plain, results = levels.numpy(), []
    for connectivity in (4, 8):
        for size in MIN_SIZES:
            times = interleave(5, ours=partial(open_maps, levels, size, connectivity))["ours"]
            what = f"{name}, parts of {size} pixels, {connectivity}-connected"
            results.append(at_most(what, float(np.median(times)), AIM_MS, "ms"))
    size = MIN_SIZES[1]
    assert np.array_equal(open_maps(levels, size).numpy(), labelled(plain, size))
    times = interleave(
        2,
        label=lambda: labelled(plain, size),
        skimage=lambda: area_opening(plain, size, connectivity=1),
    )
    return [
        *results,
        Result(f"{name}, scipy.ndimage.label at 101 stops", spread(times["label"])),
        Result(f"{name}, skimage.morphology.area_opening", spread(times["skimage"])),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    smooth = threshold_levels(scenes(1, SIZE)[1])[0]
    noise = torch.randint(0, 102, (SIZE, SIZE), dtype=torch.uint8)
    every = [("smooth", smooth), ("noisy", noisy()), ("noise alone", noise)]
    results = [result for name, levels in every for result in measure(name, levels)]
    report("area_opening", results, ["scipy", "scikit-image"])
