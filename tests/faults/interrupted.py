"""Runs that are interrupted or killed at random moments; a process of its own, see the test.

    python -m tests.faults.interrupted loop|plain|killed folder count

prints a line of JSON for each run.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.training.recording.recorded import check_same
from tests.training.steps import SlowSteps, Undisturbed
from torchdial.training import History
from torchdial.training.monitor import TrainingMonitor
from torchdial.training.recording import publisher_thread as publisher

MAIN = threading.main_thread().ident
MOST = 0.01  # seconds after a step, within which a run is interrupted


def sigint() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def thrown() -> None:
    """Raise between any two bytecodes, as Python itself would."""
    error = ctypes.py_object(KeyboardInterrupt)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(MAIN or 0), error)


def after(seconds: float, do: Callable[[], None], is_on: threading.Event) -> threading.Thread:
    def wait() -> None:
        is_on.wait()
        time.sleep(seconds)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def in_a_loop(path: Path, number: int, chance: random.Random) -> dict[str, Any]:
    """Interrupt `monitor.loop`: it ends where a step is over."""
    run, is_on = SlowSteps(), threading.Event()
    first, sender = chance.randrange(6), after(chance.uniform(0, MOST), sigint, is_on)
    raised = ""
    try:
        with TrainingMonitor(run, run.optimizer, budget=1, autosave=path) as monitor:
            for batch in monitor.loop(itertools.count()):
                if batch == first:
                    is_on.set()
                monitor.log(loss=run.train_step())
    except KeyboardInterrupt:
        raised = "KeyboardInterrupt"
    sender.join()
    return summary(run, monitor, path) | {"raised": raised}


def in_a_plain_loop(path: Path, number: int, chance: random.Random) -> dict[str, Any]:
    """Interrupt a loop of somebody's own: it raises anywhere, within our code too; then go on."""
    run, is_on = SlowSteps(), threading.Event()
    first = 1 + chance.randrange(6)  # a torn first step breaks AdamW for good
    sender = after(chance.uniform(0, MOST), (sigint, thrown)[number % 2], is_on)
    monitor = TrainingMonitor(run, run.optimizer, budget=1, autosave=path)
    raised = ""
    try:
        for step in itertools.count():
            if step == first:
                is_on.set()
            monitor.log(loss=run.train_step())
    except KeyboardInterrupt:
        raised = "KeyboardInterrupt"
    sender.join()
    before = monitor.step
    for _ in range(3):
        monitor.log(loss=run.train_step())
    went_on = monitor.step - before
    monitor.close()
    return summary(run, monitor, path) | {"raised": raised, "went on": went_on}


def killed(path: Path, number: int, chance: random.Random) -> dict[str, Any]:
    """Kill a process that trains and saves."""
    child = os.fork()
    if not child:
        run = SlowSteps()
        monitor = TrainingMonitor(run, run.optimizer, budget=1, autosave=path)
        while True:
            monitor.log(loss=run.train_step())
    size = chance.randrange(60_000)
    while not (path.exists() and path.stat().st_size >= size):
        time.sleep(0.001)
    time.sleep(chance.uniform(0, MOST))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return record(History.load(path))


def record(history: History) -> dict[str, Any]:
    names = [name for name in ("loss", "lr", "grad_norm") if name in history]
    return {
        "steps": {name: history[name].steps.tolist() for name in names},
        "losses": history["loss"].values.tolist() if "loss" in history else [],
        "stops": [event.message for event in history.events if event.kind == "stop"],
    }


def summary(run: SlowSteps, monitor: TrainingMonitor, path: Path) -> dict[str, Any]:
    check_same(monitor.history, History.load(path))
    steps = monitor.step
    return record(monitor.history) | {
        "step": steps,
        "problem": monitor.problem,
        "counts": sorted(run.counts),
        "is whole": bool(torch.equal(run.weights, undisturbed.after(steps))),
    }


undisturbed = Undisturbed()
WAYS = {"loop": in_a_loop, "plain": in_a_plain_loop, "killed": killed}


def main(way: str, folder: str, count: str) -> None:
    publisher.SAVING = publisher.UNSEEN = 0.01
    chance = random.Random(way)
    for number in range(int(count)):
        path = Path(folder, str(number))
        found = WAYS[way](path, number, chance)
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
