"""What names say, by the table that js/test/charts/scalar_names.test.ts reads too."""

import json
from pathlib import Path
from typing import Any

import pytest

from torchdial.training.history import scalar_names as names

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", GOLDEN["rows"], ids=lambda row: repr(row[0]))
def test_what_a_name_says(row: list[Any]) -> None:
    name, *expected = row
    found = [
        names.without_split(name),
        names.is_held_out(name),
        names.higher_is_better(name),
        names.is_loss(name),
        names.is_reserved(name),
        names.is_learning_rate(name),
    ]
    assert found == expected, GOLDEN["columns"][1:]


def test_panels() -> None:
    found = names.panels_of(GOLDEN["panels"]["names"])
    assert found == GOLDEN["panels"]["members"]
    assert list(found) == list(GOLDEN["panels"]["members"])
