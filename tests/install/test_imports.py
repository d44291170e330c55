"""Importing torchdial imports no more than it needs."""

import subprocess
import sys


def modules_after(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_torchdial_alone_imports_no_torch():
    modules = modules_after("import torchdial")
    assert "torchdial" in modules
    assert modules.isdisjoint({"torch", "numpy", "ipywidgets", "anywidget"})


def test_segmentation_preview_imports_no_optional_library():
    modules = modules_after("from torchdial import SegmentationPreview")
    assert "torchdial.widgets.preview.segmentation_preview" in modules
    assert modules.isdisjoint(
        {"bqplot", "matplotlib", "torchmetrics", "pandas", "sklearn", "skimage", "torchvision"}
    )


def test_segmentation_preview_imports_neither_boxes_nor_histories():
    modules = modules_after("from torchdial import SegmentationPreview")
    assert "torchdial.sweeps.pixels.threshold_sweep" in modules
    boxes = {"torchdial.inputs.boxes.boxes", "torchdial.sweeps.boxes.detection_sweep"}
    assert modules.isdisjoint(boxes | {"torchdial.training.history.history"})


def test_computing_imports_no_widgets():
    names = ("inputs", "sweeps", "sweeps.pixels.threshold_sweep", "training.history", "structure")
    packages = {f"torchdial.{name}" for name in names}
    modules = modules_after(f"import {', '.join(sorted(packages))}")
    assert packages <= modules
    assert modules.isdisjoint({"ipywidgets", "anywidget", "torchdial.widgets"})
