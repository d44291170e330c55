"""Following files that grow: what is new, what comes up, and when a writer seems to be gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import torchdial.training.readers.follower as follower_module
import torchdial.training.runs as runs_module
from torchdial.training import History
from torchdial.training.history.autosave import Autosave
from torchdial.training.readers.follower import PATIENCE, Follower, longest_pause
from torchdial.training.runs import forget_runs, runs


class Clock:
    """A clock that goes on when it is asked to; stands for the module `time`."""

    def __init__(self) -> None:
        self.now = self._began = 1e6
        self._real = time.time()
        self.strftime, self.localtime = time.strftime, time.localtime

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self._real + self.now - self._began


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(follower_module, "time", made)
    return made


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the thread: tests call `poll`."""
    monkeypatch.setattr(Follower, "_run", lambda _self: None)
    kept = runs_module._runs[:]
    forget_runs()
    yield
    runs_module._runs[:] = kept


class Writer:
    """A run that another process saves."""

    def __init__(self, path: Path, name: str = "run 1", started: float = 1e9) -> None:
        self.history = History(name)
        self.history.started = started
        self._saver = Autosave(self.history, path)
        self.step = 0

    def write(self, seconds: float | None = None) -> None:
        self.step += 1
        self.history.record(self.step, {"loss": 1 / self.step}, time=seconds)
        self._saver.save()

    def end(self, error: str = "") -> None:
        self.history.ended = error
        self._saver.save()


def test_news_is_what_was_written_since(tmp_path: Path, clock: Clock) -> None:
    writer = Writer(tmp_path / "run.td")
    writer.write()
    follower = Follower([tmp_path / "run.td"])
    (run,) = follower.runs
    assert runs() == [run.history]
    for _ in range(3):
        assert not follower.poll()
        writer.write()
        assert follower.poll()
        assert len(run.history["loss"]) == writer.step
    writer.end()
    assert follower.poll()
    assert run.history.ended == ""


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    follower = Follower([tmp_path / "runs" / "run.td"])
    assert (follower.runs, follower.notes, follower.poll()) == ((), [], False)
    (tmp_path / "runs").mkdir()
    Writer(tmp_path / "runs" / "run.td").write()
    clock.now += 3
    assert follower.poll()
    assert [run.name for run in follower.runs] == ["run 1"]


def test_runs_that_begin_later_come_last(tmp_path: Path, clock: Clock) -> None:
    Writer(tmp_path / "b.td", "second", started=2e9).write()
    Writer(tmp_path / "c.td", "first", started=1e9).write()
    follower = Follower([tmp_path])
    assert [run.name for run in follower.runs] == ["first", "second"]
    Writer(tmp_path / "a.td", "third", started=3e9).write()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "metrics.csv").write_text("step,loss\n1,0.5\n")
    clock.now += 3
    assert follower.poll()
    assert {run.name for run in follower.runs} == {"first", "second", "third", "later"}


def test_of_many_runs_the_newest_are_followed(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "MOST_RUNS", 2)
    for number in range(4):
        Writer(tmp_path / f"{number}.td", f"run {number}", started=1e9 + number).write()
    follower = Follower([tmp_path])
    assert [run.name for run in follower.runs] == ["run 2", "run 3"]
    assert follower.notes == ["Of 4 runs the newest 2 are followed."]


def test_a_writer_seems_gone_after_an_unusual_pause(tmp_path: Path, clock: Clock) -> None:
    writer = Writer(tmp_path / "run.td")
    for second in range(5):
        writer.write(seconds=float(second))
    follower = Follower([tmp_path / "run.td"])
    (run,) = follower.runs
    assert run.age < 5
    assert run.patience == PATIENCE
    clock.now += PATIENCE - 6
    assert not run.is_late
    clock.now += 12
    assert run.is_late
    writer.write(seconds=100.0)  # it was not: that was a long validation
    follower.poll()
    assert (run.is_late, run.age) == (False, 0.0)
    assert run.patience == pytest.approx(3 * 96)
    clock.now += 280
    assert not run.is_late
    writer.end("RuntimeError: no")
    follower.poll()
    clock.now += 1e5
    assert not run.is_late


def test_a_pause_that_was_seen_counts_where_a_file_has_no_times(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n1,0.5\n")
    follower = Follower([path])
    (run,) = follower.runs
    clock.now += 200
    assert run.is_late
    path.write_text("step,loss\n1,0.5\n2,0.5\n")
    follower.poll()
    assert 590 < run.patience < 615


def test_the_age_of_what_was_there_before_is_that_of_its_file(tmp_path: Path) -> None:
    import os

    writer = Writer(tmp_path / "run.td")
    writer.write()
    an_hour_ago = time.time() - 3600
    os.utime(tmp_path / "run.td", (an_hour_ago, an_hour_ago))
    (run,) = Follower([tmp_path]).runs
    assert run.age == pytest.approx(3600, abs=60)
    os.utime(tmp_path / "run.td", (time.time() + 3600,) * 2)  # by another machine's clock
    (run,) = Follower([tmp_path]).runs
    assert 0 <= run.age < 60


def test_notes_say_which_of_the_others_is_late_and_what_is_wrong(
    tmp_path: Path, clock: Clock
) -> None:
    Writer(tmp_path / "old.td", "from long ago", started=1e8).write()
    older = Writer(tmp_path / "a.td", "older", started=1e9)
    newest = Writer(tmp_path / "b.td", "newest", started=2e9)
    older.write()
    newest.write()
    follower = Follower([tmp_path])
    older.write()
    follower.poll()
    clock.now += PATIENCE + 5
    newest.write()
    assert follower.poll()
    (note,) = follower.notes
    assert note.startswith("older: no point since ")
    assert note.endswith("; its writer may be gone.")
    assert not follower.poll()
    (tmp_path / "a.td").write_bytes(b"mine")
    assert follower.poll()
    assert follower.notes[0].startswith("older: ")
    assert "a.td': expected a run saved as" in follower.notes[0]
    (tmp_path / "a.td").unlink()
    follower.poll()
    assert "No such file" in follower.notes[0]
    assert len(follower.runs[1].history["loss"]) == 2  # what was read stays


def test_a_file_of_another_format_hides_no_run(tmp_path: Path, clock: Clock) -> None:
    paths = [tmp_path / "notes.log", tmp_path / "run.td", tmp_path / "more.log"]
    follower = Follower(paths)
    for path in (paths[0], paths[2]):
        path.write_text("hello\n")
    Writer(paths[1]).write()
    clock.now += 3
    assert follower.poll()
    assert [run.history.name for run in follower.runs] == ["run 1"]
    (note,) = follower.notes
    assert note.count("got another file") == 2
    with pytest.raises(ValueError, match="got another file"):
        Follower(paths)


def test_a_file_that_cannot_be_read_is_tried_again_the_later_the_longer_it_took(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writer(tmp_path / "run.td").write()
    follower = Follower([tmp_path / "run.td"])
    tries = 0

    def read(final: bool = False) -> None:
        nonlocal tries
        tries += 1
        clock.now += 2
        raise ValueError("damaged")

    monkeypatch.setattr(follower.runs[0].reader, "read", read)
    for _ in range(200):
        follower.poll()
        clock.now += 0.25
    assert tries == 3  # in 56 s
    assert follower.notes == ["run 1: damaged"]


def test_the_thread_outlives_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    polls: list[Any] = []

    def poll(_self: Follower) -> bool:
        polls.append(1)
        raise OSError("Stale file handle")

    monkeypatch.setattr(Follower, "poll", poll)
    follower = Follower([tmp_path])
    until = time.monotonic() + 20
    while len(polls) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    follower.close()
    assert len(polls) >= 2
    assert follower.notes == ["OSError('Stale file handle')"]


def test_a_missing_package_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (tmp_path / "run.csv").write_text("step,loss\n1,0.5\n")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        Follower([tmp_path])


def test_the_longest_pause_is_among_the_newest_points() -> None:
    history = History()
    for step, seconds in enumerate([0.0, 500.0, 501.0, *range(510, 1800)]):
        history.record(step, {"loss": 1.0}, time=float(seconds))
    assert longest_pause(history) == 1.0
    assert longest_pause(History()) == 0.0


def test_a_closed_follower_has_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    called: list[Any] = []
    follower = Follower([tmp_path])
    follower.subscribe(lambda: called.append(1))
    Writer(tmp_path / "run.td").write()
    until = time.monotonic() + 20
    while not called and time.monotonic() < until:
        time.sleep(0.01)
    assert called
    follower.close()
    assert not follower._thread.is_alive()
