"""From a key press on a dial of `DetectionPreview` to the painted boxes, as in dial_latency.py.

The score dial and the NMS dial in turn, on 16 images of 300 candidates (512² each) and on one of
5,000 (800²), with targets, in the view "boxes".
"""

import statistics

from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_most, report, spread
from dial_latency import ARM_OURS, FRAME_AIM_MS, OUR_DIAL, keys, press

DIALS = {"score": f"{OUR_DIAL} >> nth=0", "NMS IoU": f"{OUR_DIAL} >> nth=1"}


def measure(images, boxes, size):
    make = f"""
pictures, _, _ = scenes({images}, {size})
td.DetectionPreview(pictures, *box_scenes({images}, {boxes}), max_det={boxes})
"""
    results = []
    with notebook("detection", [make]) as page:
        page.locator(DIALS["score"]).wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        for name, dial in DIALS.items():
            times = [press(page, dial, ARM_OURS, key) for key in ["ArrowLeft", *keys()]][1:]
            painted, scripts = zip(*times, strict=True)
            what = f"{images} × {boxes:,}, {name}"
            median = statistics.median(painted)
            results += [
                at_most(what, median, FRAME_AIM_MS, "ms", f" ({spread(painted)})"),
                Result(f"{what}, of this script", spread(scripts)),
            ]
        machine = browser_of(page)
    return machine, results


if __name__ == "__main__":
    machine, many_images = measure(16, 300, 512)
    _, one_image = measure(1, 5000, 800)
    report("detection_latency", [*many_images, *one_image], PACKAGES, machine)
