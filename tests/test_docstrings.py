"""Every public name says by an example how it is used; `--doctest-modules` runs them."""

import dataclasses
import importlib
import inspect
from typing import Any

import pytest

MODULES = ("", ".demo", ".figures", ".inputs", ".structure", ".sweeps", ".training")


def public() -> dict[str, Any]:
    """Return the public functions and classes, but for plain records that others return."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(f"torchdial{name}")
        for each in module.__all__:
            value = getattr(module, each)
            is_record = dataclasses.is_dataclass(value) and "Attributes:" in (value.__doc__ or "")
            if (inspect.isfunction(value) or inspect.isclass(value)) and not is_record:
                found[f"torchdial{name}.{each}"] = value
    return found


@pytest.mark.parametrize("value", public().values(), ids=public())
def test_there_is_an_example(value: Any) -> None:
    assert "Example:\n    >>> " in (inspect.getdoc(value) or "")
