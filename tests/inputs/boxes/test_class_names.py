"""The classes of a detector: labels and their names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from torchdial.inputs.boxes.class_names import describe_labels, to_classes


@pytest.mark.parametrize(
    ("given", "labels", "known", "classes"),
    [
        pytest.param(["a", "b"], [1], None, {0: "a", 1: "b"}, id="a list counts from 0"),
        pytest.param({90: "b", 17: "a"}, [17], None, {17: "a", 90: "b"}, id="a dict has gaps"),
        pytest.param({np.int64(4): "b", 1: "a"}, [4], None, {1: "a", 4: "b"}, id="numpy's labels"),
        pytest.param(["a"], [0], {0: "x"}, {0: "a"}, id="a person's names win"),
        pytest.param(None, [5, 2], None, {2: "class 2", 5: "class 5"}, id="labels alone"),
        pytest.param(None, [5], {2: "a", 5: "b"}, {2: "a", 5: "b"}, id="names of the format"),
        pytest.param(None, [7], {2: "a"}, {2: "a", 7: "class 7"}, id="some have no name"),
        pytest.param(None, [0], None, {0: "object"}, id="one class"),
        pytest.param(None, [], None, {0: "object"}, id="nothing at all"),
    ],
)
def test_names_of_labels(given: Any, labels: Any, known: Any, classes: dict[int, str]) -> None:
    found = to_classes(given, labels, known)
    assert found == classes
    assert list(found) == sorted(found)
    assert all(type(label) is int for label in found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(["a"], r"a name for each label, such as 3, got names for 0\.", id="too few"),
        pytest.param([], r"labels from 0 to 9,999", id="none"),
        pytest.param("abcd", r"labels from 0 to 9,999, got str", id="text"),
        pytest.param({"a": 3}, r"labels from 0 to 9,999", id="names by name"),
        pytest.param({3.0: "a"}, r"labels from 0 to 9,999", id="no whole number"),
        pytest.param({10_000: "a"}, r"labels from 0 to 9,999", id="too large"),
    ],
)
def test_refuses(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"class_names: expected .*{message}"):
        to_classes(given, [3])


def test_many_labels_in_few_words() -> None:
    assert describe_labels(range(80)) == "0, 1, 2, 3, 4, 5, 6, 7 … 79"
