"""The module tree's wire and traits, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

import torchdial as td


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), *(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()) for _ in range(3))
    )


def floats(data: bytes) -> Any:
    return np.frombuffer(data, "<f8")


def test_the_wire_holds_the_table() -> None:
    tree = td.ModelTree(net(), torch.rand(1, 3, 8, 8))
    wire, frame = tree._table, tree.to_pandas()
    assert wire["path"] == list(frame["path"])
    assert wire["output"][0] == "1×4×6×6"
    for name, column in (
        ("parameters", "parameters"),
        ("flops", "flops"),
        ("activations", "activation_bytes"),
        ("time", "seconds"),
    ):
        np.testing.assert_array_equal(floats(wire["costs"][name]), frame[column], err_msg=name)
    assert wire["folds"] == [{"start": 2, "size": 3, "count": 3}]
    assert wire["failed"] == -1


def test_without_an_example_only_parameters_are_known() -> None:
    wire = td.ModelTree(net())._table
    assert list(wire["costs"]) == ["parameters"]
    assert set(wire["output"]) == {""}


def test_remarks_tell_what_numbers_do_not() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    model[2] = model[0]
    model[0].requires_grad_(False)
    wire = td.ModelTree(model)._table
    assert wire["remark"] == [
        "partly frozen",
        "frozen",
        "weight = 0.weight, partly frozen",
        "= 0, frozen",
    ]


def test_a_failed_forward_is_reported() -> None:
    wire = td.ModelTree(nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 4)), torch.rand(2, 4))._table
    assert wire["failed"] == 2
    assert wire["remark"][2] == "failed, given 2×4"
    assert "failed in 1, given 2×4: RuntimeError" in wire["summary"][-1]


def test_selected_is_a_path() -> None:
    tree = td.ModelTree(net())
    tree.selected = "1.0"
    with pytest.raises(TraitError, match=r"expected the path of a module or None, got '1\.2'"):
        tree.selected = "1.2"
    assert tree.selected == "1.0"
    tree.set_state({"selected": None})
    assert tree.selected is None


def test_a_choice_comes_as_a_message_too_and_a_wrong_one_is_answered() -> None:
    tree = td.ModelTree(net())
    sent: list[Any] = []
    tree.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    tree._on_message(tree, {"type": "settle", "id": 0, "state": {"selected": "2"}}, [])
    assert tree.selected == "2"
    tree._on_message(tree, {"type": "dance", "id": 7}, [])
    assert sent == [
        {"type": "settled", "page": None, "state": {"selected": "2"}},
        {"type": "error", "id": 7, "message": "torchdial: unknown message type 'dance'"},
    ]


def test_it_can_be_printed(tmp_path: Path) -> None:
    td.ModelTree(net()).savefig(tmp_path / "tree.svg")
    assert "<svg" in (tmp_path / "tree.svg").read_text()


def test_a_saved_notebook_keeps_the_text() -> None:
    tree = td.ModelTree(net())
    data, _ = tree._repr_mimebundle_()
    assert data["text/plain"] == tree.text()
    assert "Sequential ×3" in data["text/plain"]
