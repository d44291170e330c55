"""The panel is shown in a notebook, and nowhere else."""

import subprocess
import sys

import pytest
import torch

from torchdial.integrations import display_monitor as notebook
from torchdial.training.monitor import TrainingMonitor


def test_nothing_is_shown_outside_of_a_notebook():
    with TrainingMonitor(torch.nn.Linear(1, 1)) as monitor:
        assert notebook.show(monitor) is False


def test_it_is_shown_in_a_kernel(monkeypatch):
    shown = []
    monkeypatch.setattr(notebook, "_kernel", lambda: object())
    monkeypatch.setattr("IPython.display.display", shown.append)
    with TrainingMonitor(torch.nn.Linear(1, 1)) as monitor:
        assert notebook.show(monitor) is True
    assert shown == [monitor]


@pytest.mark.parametrize("module", ["lightning", "transformers"])
def test_importing_an_integration_imports_no_widgets(module):
    code = (
        f"import torchdial.integrations.{module}, sys\n"
        "print(*(m for m in sys.modules if m.startswith(('torchdial.widgets', 'anywidget'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
