"""Uses an installed torchdial, as in an environment that has only the wheel and its dependencies.

python scripts/smoke_test.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch

import torchdial as td
from torchdial.doctor import doctor


def main() -> None:
    """Make a widget, move its dial, write a report; print the versions."""
    print(doctor())
    place = Path(td.__file__)
    if Path(sys.prefix) not in place.parents:
        sys.exit(f"expected torchdial in {sys.prefix}, got {place}. Install the wheel there.")
    probs = torch.rand(2, 16, 16)
    preview = td.SegmentationPreview(torch.rand(2, 3, 16, 16), probs, (probs > 0.5).long())
    preview.threshold = 0.5
    if preview.metrics["dice"] != 1:
        sys.exit(f"expected a Dice of 1 at 0.5, got {preview.metrics}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.html")
        preview.save_html(report)
        print(f"a report of {report.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
