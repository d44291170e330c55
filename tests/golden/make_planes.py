"""Write planes.json: planes as they are sent, and their values.

Run `python -m tests.golden.make_planes`. tests/widgets/preview/test_plane_coding.py decodes them by
a loop over the pixels, js/test/preview/plane_coding.test.ts as the page does.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np

from torchdial.widgets.preview.plane_coding import deflated

PATH = Path(__file__).with_name("planes.json")
SHAPES = [(1, 1), (1, 9), (9, 1), (5, 7), (4, 6, 3), (3, 2, 4)]


def main() -> None:
    rng = np.random.default_rng(0)
    cases = []
    for shape in SHAPES:
        plane = rng.integers(0, 256, shape, dtype=np.uint8)
        data = base64.b64encode(deflated(plane)).decode()
        cases.append({"shape": shape, "data": data, "values": plane.ravel().tolist()})
    PATH.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
