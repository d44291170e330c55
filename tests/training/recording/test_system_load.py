"""The devices' load, with GPUs and NVML that are only said to be there."""

from __future__ import annotations

import sys
import time
from collections import UserDict
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

import torchdial as td
from torchdial.training.recording.batch_size import batch_size
from torchdial.training.recording.system_load import SystemLoad

GPUS = [torch.device("cuda", 0), torch.device("cuda", 1)]
CPU = torch.device("cpu")


@pytest.fixture
def cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda gpu: 1e9)
    monkeypatch.setattr(torch.cuda, "utilization", lambda gpu: 80 + 10 * gpu.index)
    monkeypatch.setattr(torch.cuda, "device_memory_used", lambda gpu: 3e9, raising=False)
    about = SimpleNamespace(total_memory=80e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda gpu: about)
    return monkeypatch


def test_gpus_are_taken_together(cuda):
    found = SystemLoad([CPU, *GPUS, GPUS[0]]).readings()
    del found["system/cpu"]
    assert found == {
        "system/memory": 2e9,
        "system/gpu": pytest.approx(0.85),
        "system/gpu_memory": 6e9,
        "system/gpu_memory_total": 160e9,
    }


def test_without_nvml_the_rest_is_known(cuda):
    def missing(gpu):
        raise ModuleNotFoundError("pynvml does not seem to be installed")

    cuda.setattr(torch.cuda, "utilization", missing)
    cuda.setattr(torch.cuda, "device_memory_used", missing)
    found = SystemLoad(GPUS).readings()
    assert "system/gpu" not in found
    assert "system/gpu_memory" not in found
    assert found["system/memory"] == 2e9


def test_without_a_gpu_it_is_this_process(monkeypatch):
    now, busy = [10.0], [3.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: busy[0])
    load = SystemLoad([CPU])
    assert load.readings().keys() == {"system/memory"}  # no time has passed
    now[0], busy[0] = 12.0, 10.0
    assert load.readings() == {
        "system/memory": pytest.approx(psutil.Process().memory_info().rss, rel=0.2),
        "system/cpu": 3.5,
    }


def test_without_psutil_memory_is_read_from_linux(monkeypatch):
    expected = psutil.Process().memory_info().rss
    monkeypatch.setitem(sys.modules, "psutil", None)
    found = SystemLoad([CPU]).readings()
    assert found["system/memory"] == pytest.approx(expected, rel=0.2)


IMAGES, TARGETS = torch.zeros(4, 3, 8, 8), torch.zeros(4)
NESTED = torch.nested.nested_tensor([torch.zeros(4, 3), torch.zeros(2, 3)])  # without a shape


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        pytest.param(IMAGES, (4, 0), id="a tensor"),
        pytest.param([IMAGES, TARGETS], (4, 0), id="images and targets"),
        pytest.param((np.zeros((4, 2)), TARGETS), (4, 0), id="an array"),
        pytest.param((list(IMAGES), [{}] * 4), (4, 0), id="lists of a detector"),
        pytest.param({"image": IMAGES, "name": list("abcd")}, (4, 0), id="a dict"),
        pytest.param(UserDict({"input_ids": torch.zeros(4, 9)}), (4, 36), id="tokens"),
        pytest.param((IMAGES, torch.zeros(3)), (0, 0), id="parts of several lengths"),
        pytest.param(list(IMAGES), (0, 0), id="a list of images"),
        pytest.param([(image, 0) for image in IMAGES], (0, 0), id="a list of pairs"),
        pytest.param(([IMAGES, TARGETS], [IMAGES, TARGETS]), (0, 0), id="two loaders"),
        pytest.param([0] * 10**6, (0, 0), id="a long list"),
        pytest.param(3, (0, 0), id="a number"),
        pytest.param("abc", (0, 0), id="text"),
        pytest.param(None, (0, 0), id="nothing"),
        pytest.param((), (0, 0), id="an empty tuple"),
        pytest.param(torch.tensor(1.0), (0, 0), id="a scalar"),
        pytest.param(NESTED, (0, 0), id="a nested tensor"),
    ],
)
def test_the_size_of_a_batch(batch, expected):
    assert batch_size(batch) == expected


def test_parameters_on_a_device_without_memory_of_its_own():
    """Such as weights that `device_map="auto"` keeps off the devices."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(1, 1, device="meta"))
    model[1].requires_grad_(False)
    with td.TrainingMonitor(model, torch.optim.SGD(model[0].parameters(), lr=0.1)) as monitor:
        monitor.log(loss=1.0)
    assert monitor.problem == ""
    assert "system/memory" in SystemLoad([torch.device("meta")]).readings()
