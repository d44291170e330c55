"""Which parameters are watched: lazy ones, sharded ones, and ones whose tensors are swapped."""

import copy

import pytest
import torch
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

import torchdial as td
from torchdial.training.recording.watched_parameters import Parameters, chooser


@pytest.mark.parametrize("with_optimizer", [True, False])
def test_a_lazy_module_is_watched_from_its_first_forward_on(with_optimizer):
    model = nn.Sequential(nn.LazyLinear(2, bias=False), nn.Linear(2, 1, bias=False))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer if with_optimizer else None, budget=1)
    assert monitor.parameter_names == ["1.weight"]
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(1, 3)).sum().backward()
        if not with_optimizer:
            monitor.record_gradients()
        optimizer.step()
        monitor.log(loss=1.0)
    monitor.close()
    assert monitor.problem == ""
    assert sorted(monitor.parameter_names) == ["0.weight", "1.weight"]
    assert monitor.history.layers["grad_norm"].count.tolist() == [[1, 1], [1, 1]]


def test_a_model_that_is_lazy_throughout_is_not_refused():
    model = nn.LazyLinear(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer)
    assert monitor.parameter_names == []
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    monitor.close()
    assert monitor.parameter_names == ["weight", "bias"]


@pytest.fixture
def swapping():
    torch.__future__.set_swap_module_params_on_conversion(True)
    yield
    torch.__future__.set_swap_module_params_on_conversion(False)


@pytest.mark.parametrize("is_closed", [False, True])
def test_tensors_can_be_swapped_while_they_are_watched(swapping, is_closed):
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model(torch.ones(1, 2)).sum().backward()
    monitor.clip_grad_norm_(max_norm=1.0)
    optimizer.step()
    if is_closed:
        monitor.close()
    optimizer.zero_grad()
    model.to(torch.float64)
    model.load_state_dict(copy.deepcopy(model.state_dict()))
    assert model.weight.dtype is torch.float64
    model(torch.ones(1, 2, dtype=torch.float64)).sum().backward()
    optimizer.step()
    monitor.close()
    assert len(monitor.history["grad_norm"]) == (1 if is_closed else 2)


def test_a_tensor_subclass_can_be_converted_while_it_is_watched():
    model = nn.Linear(2, 1, bias=False)
    model.weight = nn.Parameter(TwoTensor(torch.ones(1, 2), torch.ones(1, 2)))
    monitor = td.TrainingMonitor(model)
    model.to(torch.float64)
    assert model.weight.dtype is torch.float64
    assert monitor.parameter_names == ["weight"]
    monitor.close()


def test_a_parameter_that_takes_the_place_of_another_has_its_own_name():
    model = nn.ModuleDict({"old": nn.Linear(1, 1, bias=False)})
    parameters = Parameters({"": model}, chooser())
    for _ in range(50):  # ids are used again
        del model["old"]
        model["new"] = nn.Linear(1, 1, bias=False)
        assert parameters.name(model["new"].weight) == "new.weight"
        del model["new"]
        model["old"] = nn.Linear(1, 1, bias=False)
        assert parameters.name(model["old"].weight) == "old.weight"
    assert parameters.name(nn.Linear(1, 1).weight) is None


def test_flat_parameters_of_fsdp_are_known_as_shards():
    model = nn.Module()
    model._fsdp_wrapped_module = nn.Linear(2, 1)
    monitor = td.TrainingMonitor(model)
    assert monitor.notes == ["Sharded gradients: what is shown is this rank's shard."]
    monitor.close()
