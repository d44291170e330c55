"""The runs of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import torchdial.training.runs as module
from torchdial.training.history.history import History
from torchdial.training.runs import KEPT, begin, compare_runs, forget_runs, list_run, runs


@pytest.fixture(autouse=True)
def none_before() -> Iterator[None]:
    kept = module._runs[:], module._begun
    forget_runs()
    module._begun = 0
    yield
    module._runs[:], module._begun = kept


def test_runs_are_numbered_and_named() -> None:
    begin()
    begin("mine", {"lr": 0.1})
    begin()
    assert [(run.number, run.name) for run in runs()] == [(1, "run 1"), (2, "mine"), (3, "run 3")]
    assert runs()[1].config == {"lr": 0.1}
    forget_runs()
    assert runs() == []
    assert begin().name == "run 4"


def test_thousands_of_runs_are_not_kept() -> None:
    first = begin()
    for _ in range(2_000):
        begin()
    assert len(runs()) == KEPT
    assert runs()[-1].number == 2_001
    assert first.name == "run 1"


def test_a_run_of_this_process_stays_listed_when_its_file_is_read() -> None:
    mine, other = begin(), History("other")
    copies = [History("mine"), History("other")]
    for copy, of in zip(copies, (mine, other), strict=True):
        copy.id, copy.started = of.id, of.started
    list_run(other)
    for copy in copies:
        list_run(copy)
    assert runs() == [mine, copies[1]]


def test_a_comparison_has_settings_last_and_best_values() -> None:
    for lr, losses in [(0.1, [0.5, 0.2, 0.3]), (0.3, [0.6])]:
        history = begin(config={"lr": lr})
        for step, loss in enumerate(losses):
            history.record(step, {"loss": loss, "val/acc": 1 - loss, "lr": lr})
    begin().hidden = True
    assert compare_runs() == [
        {
            "run": "run 1",
            "points": 9,
            "config/lr": 0.1,
            "loss": 0.3,
            "best loss": 0.2,
            "best loss at": 1,
            "val/acc": 0.7,
            "best val/acc": 0.8,
            "best val/acc at": 1,
            "lr": 0.1,
        },
        {
            "run": "run 2",
            "points": 3,
            "config/lr": 0.3,
            "loss": 0.6,
            "best loss": 0.6,
            "best loss at": 0,
            "val/acc": 0.4,
            "best val/acc": 0.4,
            "best val/acc at": 0,
            "lr": 0.3,
        },
    ]
    assert len(compare_runs(runs())) == 3
