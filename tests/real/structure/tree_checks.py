"""A model tree beside what torch itself says of a model and its forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import torchdial as td
from tests.real.cases import Cases


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Make models fast: weights stay as the memory was."""
    with pytest.MonkeyPatch.context() as patch:
        for name in vars(nn.init):
            if name.endswith("_") and not name.startswith("_"):
                patch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        yield


@contextmanager
def unfused_attention() -> Iterator[None]:
    """Run attention as matrix products: torch's FLOP counter knows no fused one on the CPU."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def check_tree(model: nn.Module, arguments: tuple[Any, ...], cases: Cases, **named: Any) -> None:
    """Compare modules, parameters, FLOPs and whether the forward pass comes through."""
    model.eval()
    tree = td.ModelTree(model, named or arguments)
    table = tree.table
    shown = {row.path for row in table.rows}
    once, each_place = (
        {name for name, _ in model.named_modules(remove_duplicate=once)} for once in (True, False)
    )
    cases.compare("modules", once <= shown <= each_place, True)
    count = sum(p.numel() for p in model.parameters())
    cases.compare("parameters", f"{count:,} parameters" in repr(tree), True)
    counter = FlopCounterMode(display=False)
    model.requires_grad_(False)  # the counter fails where a parameter is passed to a module
    try:
        with unfused_attention(), counter:
            model(*arguments, **named)
    except Exception:
        cases.compare("an error", table.failure is None, False)
    else:
        use = table.use(table.rows[0])
        said = "" if table.failure is None else table.failure.message
        cases.compare("no error", said, "")
        cases.compare("FLOPs", None if use is None else use.flops, counter.get_total_flops())
    assert tree.table.text()
    tree.close()
