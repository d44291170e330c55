"""The form of every error message, and how its remedy is followed."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch


def says(name: str, expected: str, got: str, remedy: str) -> str:
    """Match "name: expected …, got …. …", with these words in the three places."""
    parts = (re.escape(part) for part in (name, expected, got, remedy))
    return r"(?s)^{}: expected .*{}.*, got .*{}.*\. .*{}.*\.$".format(*parts)


def follow(call: Callable[[Any], Any], given: Any, line: str, name: str, **names: Any) -> Any:
    """Return what a call gives once its error's remedy, which `line` finds, is passed to it."""
    with pytest.raises(ValueError, match=rf"{name}.*: expected .+, got ") as refused:
        call(given)
    found = re.search(line, str(refused.value))
    assert found, str(refused.value)
    known = {"torch": torch, "numpy": np, "PIL": PIL, name: given, **names}
    return call(eval(found[1], known))


def equal(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
