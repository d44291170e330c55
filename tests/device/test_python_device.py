"""The device itself: it refuses what CUDA refuses, and notes what would wait for CUDA."""

import threading

import pytest
import torch

from tests.device.python_device import NAME, waits

X = torch.arange(6.0).to(NAME)

WAITING = {
    "item": lambda: X[1].item(),
    "a comparison asked for": lambda: bool((X > 2).any()),
    "a copy to the host": lambda: X.cpu(),
    "a list": lambda: X.tolist(),
    "a copy to the device": lambda: torch.tensor([1.0], device=NAME),
    "indices of what is true": lambda: (X > 2).nonzero(),
    "what a mask chooses": lambda: X[X > 2],
    "distinct values": lambda: torch.unique(X),
    "a histogram": lambda: torch.bincount(X.long()),
}
NOT_WAITING = {
    "arithmetic": lambda: (X + 1).softmax(0) * X.max(),
    "a number of the CPU": lambda: X * torch.tensor(2.0),
    "a filled tensor": lambda: torch.full((3,), 2.0, device=NAME),
    "a number where a mask is": lambda: X.clone().masked_fill_(X > 2, 0.0),
    "sorting and a search": lambda: torch.searchsorted(X.sort().values, X),
    "a copy that does not block": lambda: X.to("cpu", non_blocking=True),
}


@pytest.mark.parametrize("call", WAITING.values(), ids=WAITING)
def test_what_waits_is_noted(call):
    with waits() as noted:
        call()
    assert len(noted) == 1


@pytest.mark.parametrize("call", NOT_WAITING.values(), ids=NOT_WAITING)
def test_what_does_not_wait_is_not(call):
    with waits() as noted:
        call()
    assert noted == []


def test_another_threads_waits_are_its_own():
    with waits() as noted:
        thread = threading.Thread(target=X.tolist)
        thread.start()
        thread.join()
    assert noted == []


MIXED = {
    "a sum": lambda: X + torch.ones(6),
    "in place": lambda: X.clone().add_(torch.ones(6)),
    "joined": lambda: torch.cat([X, torch.ones(6)]),
    "a choice": lambda: torch.where(X > 2, X, torch.ones(6)),
    "a search": lambda: torch.bucketize(X, torch.ones(6)),
}


@pytest.mark.parametrize("call", MIXED.values(), ids=MIXED)
def test_tensors_of_two_devices_are_refused(call):
    with pytest.raises(RuntimeError, match="on the same device"):
        call()


def test_it_computes_as_the_cpu_does():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 1))
    x = torch.rand(3, 1, 4, 4)
    model(x).square().mean().backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    there = model.to(NAME)
    there(x.to(NAME)).square().mean().backward()
    for parameter, grad in zip(there.parameters(), expected, strict=True):
        assert parameter.grad.device.type == NAME
        torch.testing.assert_close(parameter.grad.cpu(), grad)
