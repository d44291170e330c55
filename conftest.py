"""For all tests: interrupts, Hypothesis, and the names that docstrings use without import."""

import signal
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in background jobs of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)

with suppress(ModuleNotFoundError):  # not in the environment of the real libraries
    from hypothesis import settings

    # The same examples in every run, and none fails because the machine is busy.
    settings.register_profile("repeatable", deadline=None, derandomize=True)
    settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _names_in_examples(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace.update(np=np, torch=torch)
