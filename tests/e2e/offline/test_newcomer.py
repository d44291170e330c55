"""A run's panel for somebody who knows nothing of it, and only hears the page."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, expect
from torch import nn

import torchdial as td
from tests.e2e.page import Show

pytestmark = pytest.mark.browser

STEPS = 60


def loss_at(step: int) -> float:
    return 10 / (10 + step)


def trained(nan_from: int = STEPS + 1, error_after: int = STEPS + 1) -> td.TrainingMonitor:
    """Train with a falling loss, NaN from one step on, or an error after another."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = td.TrainingMonitor(model, optimizer, budget=1, name="digits")
    with suppress(MemoryError), monitor:
        for _ in monitor.loop(range(STEPS)):
            step = monitor.step + 1
            if step > error_after:
                raise MemoryError("12 of 12 GiB in use")
            loss = model(torch.randn(16, 4)).square().mean()
            loss = loss * 0 + loss_at(step) + loss - loss.detach()
            loss = loss * math.nan if step >= nan_from else loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            monitor.log(loss=loss)
    return monitor


def heard(root: Locator) -> list[str]:
    """Return the lines of the tree of roles and names: all that a screen reader finds."""
    lines = (line.strip().removeprefix("- ") for line in root.aria_snapshot().splitlines())
    return [line.rstrip(":").strip("'").replace('\\"', '"') for line in lines]


@pytest.mark.parametrize(
    ("faults", "state", "place", "loss", "wrong"),
    [
        pytest.param(
            {}, "finished", "step 60 / 60", f"{loss_at(STEPS):.4f}", None, id="a healthy run"
        ),
        pytest.param(
            {"nan_from": 41},
            "failed at step 41: loss is NaN or infinite from there on",
            "step 60 / 60",
            "NaN",
            "⚠ step 41: loss is NaN and went first, its gradients followed: look for log(0), a "
            "division by 0 or an overflow, and at the batch itself",
            id="NaN",
        ),
        pytest.param(
            {"error_after": 50},
            "failed at step 50: MemoryError: 12 of 12 GiB in use",
            "step 50 / 60",
            f"{loss_at(50):.4f}",
            None,
            id="an error",
        ),
    ],
)
def test_state_loss_and_fault_are_heard(
    show: Show, faults: dict[str, Any], state: str, place: str, loss: str, wrong: str | None
) -> None:
    page = show(trained(**faults))
    root = page.locator(".torchdial-live")
    expect(root.locator(".torchdial-spoken").first).not_to_be_empty()
    lines = heard(root)
    spoken = [line for line in lines if f"digits, {state}, {place}, epoch 1/1, " in line]
    assert len(spoken) == 1, lines
    assert spoken[0].startswith("status: ")
    assert f'button "loss {loss}" [pressed]' in lines
    warnings = [line for line in lines if "⚠" in line]
    assert warnings == ([] if wrong is None else [f'button "{wrong}"'])
    # The state says of what it failed; the traceback, with paths, is not in a file to mail.
    assert not any(line.startswith("alert") for line in lines)
