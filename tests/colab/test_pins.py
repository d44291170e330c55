"""Whether the environment that `make colab` tests in is really Colab's."""

import sys
from importlib.metadata import version
from pathlib import Path

import anywidget
import ipykernel
import IPython
import ipywidgets
import pytest
import traitlets

PINS = dict(
    line.split("==")
    for line in (Path(__file__).parent / "requirements.txt").read_text().split()
    if "==" in line
)


@pytest.mark.parametrize("module", [anywidget, ipykernel, IPython, ipywidgets, traitlets])
def test_pin_wins_over_the_development_environment(module):
    assert module.__version__ == version(module.__name__) == PINS[module.__name__.lower()]
    assert Path(module.__file__).is_relative_to(sys.prefix)


def test_ipywidgets_is_colabs():
    assert ipywidgets.__version__ == "7.7.1"
