"""Anything at all in the place of each argument of each public name: it works, or says why not."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.faults.junk import DOZEN, JUNK
from tests.faults.public_calls import CALLS

MESSAGE = re.compile(r"(?s)^[^\n]{1,90}: expected .+, got .+\. .+")
# What these call or go through is the person's own, and so are the errors it raises.
OWN = {
    ("ClassificationPreview.from_model", "model"),
    ("ClassificationPreview.from_model", "inputs"),
    ("ClassificationPreview.from_model", "output"),
    ("ClassificationPreview.evaluate", "loader"),
    ("ClassificationPreview.evaluate", "unpack"),
    ("DetectionPreview.from_model", "model"),
    ("DetectionPreview.from_model", "output"),
    ("SegmentationPreview.from_model", "model"),
    ("SegmentationPreview.from_model", "images"),
    ("SegmentationPreview.from_model", "output"),
    ("SegmentationPreview.from_model", "display"),
    ("SegmentationPreview.evaluate", "loader"),
    ("SegmentationPreview.evaluate", "unpack"),
    ("TrainingMonitor", "include"),
    ("TrainingMonitor", "exclude"),
    ("TrainingMonitor.loop", "loader"),
    ("quantile_stops", "scores"),
    ("stream", "frames"),
}
ENDLESS = {
    ("TrainingMonitor.loop", "epochs"),
    ("stream", "fps"),
}  # which run as long as asked
PLACES = [
    (key, name) for key, call in CALLS.items() for name in call.takes if name not in call.more
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Junk may be a path."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def complaint(key: str, name: str, value: Any) -> str:
    """Return what is wrong with the answer to a value, empty if it works or is refused well."""
    try:
        CALLS[key](**{name: value})
    except (ValueError, TypeError) as error:
        if MESSAGE.match(str(error)) or (key, name) in OWN:
            return ""
        return f"{key}({name}={type(value).__name__}): {type(error).__name__}: {error!s:.200}"
    except OSError as error:
        return "" if name in ("path", "autosave") else f"{key}({name}=…): {error!r:.200}"
    except Exception as error:
        if (key, name) in OWN:
            return ""
        return f"{key}({name}={type(value).__name__}): {error!r:.200}"
    return ""


# A constructor passes its arguments to readers, which are tried with everything: a dozen kinds of
# things show that it does.
CONSTRUCTORS = [key for key, call in CALLS.items() if inspect.isclass(call.function)]
READERS = [key for key in CALLS if key not in CONSTRUCTORS]


def complaints(key: str, values: list[Any]) -> list[str]:
    found = [
        complaint(key, name, value)
        for name in CALLS[key].takes
        if (key, name) in PLACES and (key, name) not in ENDLESS
        for value in values
    ]
    return [words for words in found if words]


@pytest.mark.parametrize("key", READERS)
def test_every_kind_of_thing_in_the_place_of_every_argument(key: str) -> None:
    assert complaints(key, JUNK) == []


@pytest.mark.parametrize("values", [DOZEN, pytest.param(JUNK, marks=pytest.mark.wide)], ids=len)
@pytest.mark.parametrize("key", CONSTRUCTORS)
def test_every_kind_of_thing_in_the_place_of_every_argument_of_a_class(
    key: str, values: list[Any]
) -> None:
    assert complaints(key, values) == []


numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=5), st.complex_numbers()
)
arrays = hnp.arrays(
    dtype=st.one_of(
        hnp.floating_dtypes(),
        hnp.integer_dtypes(),
        hnp.unsigned_integer_dtypes(),
        hnp.boolean_dtypes(),
        hnp.complex_number_dtypes(),
        hnp.unicode_string_dtypes(max_len=3),
        hnp.datetime64_dtypes(),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)


def to_tensor(array: np.ndarray) -> Any:
    try:
        return torch.from_numpy(array.copy())
    except (TypeError, ValueError):
        return array


anything = st.one_of(
    arrays,
    arrays.map(to_tensor),
    st.recursive(
        numbers | arrays.map(to_tensor),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.tuples(inner, inner),
            st.dictionaries(
                st.sampled_from(["boxes", "scores", "labels", "a", 1]), inner, max_size=3
            ),
        ),
        max_leaves=5,
    ),
)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(place=st.sampled_from([place for place in PLACES if place not in ENDLESS]), value=anything)
def test_whatever_hypothesis_comes_up_with(place: tuple[str, str], value: Any) -> None:
    assert complaint(*place, value) == ""
