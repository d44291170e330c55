"""A run of torchdial's own that grows while it is read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history import autosave as files
from torchdial.training.history.autosave import Autosave
from torchdial.training.readers.saved_run import SavedRun


def test_each_read_comes_to_what_was_saved_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With frames appended and files written anew, and several saves between two reads."""
    monkeypatch.setattr(files, "LEAST_APPENDED", 30_000)
    dice = random.Random(0)
    history, path = recorded(0), tmp_path / "run.td"
    saver, reader = Autosave(history, path), SavedRun(path, "run")
    replaced, step = 0, 0
    while step < 400:
        new = dice.choice([1, 2, 30])
        fill(history, step, step + new)
        step += new
        saver.save()
        if dice.random() < 0.7:
            reader.read()
            check_same(history, reader.history)
            replaced = reader.history.replaced
    assert reader.history.id == history.id
    assert 1 < replaced < 20  # most reads only added what was new


def test_a_read_adds_only_what_is_new(tmp_path: Path) -> None:
    history, path = recorded(2_000), tmp_path / "run.td"
    saver, reader = Autosave(history, path), SavedRun(path, "run")
    saver.save()
    reader.read()
    before = reader.history["loss"]
    history.record(2_000, {"loss": 0.5})
    saver.save()
    reader.read()
    assert reader.history["loss"] is before
    assert before.last == (2_000, 0.5)
    assert reader.history.replaced == 1


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_save_that_is_going_on_is_read_once_it_is_whole(cut: int, tmp_path: Path) -> None:
    history, path = recorded(20), tmp_path / "run.td"
    saver = Autosave(history, path)
    saver.save()
    first = path.stat().st_size
    fill(history, 20, 40)
    saver.save()
    whole = path.read_bytes()
    path.write_bytes(whole[: first + cut])
    reader = SavedRun(path, "run")
    reader.read()
    assert (len(reader.history["loss"]), reader.unread) == (20, cut)
    with path.open("ab") as file:
        file.write(whole[first + cut :])
    reader.read()
    assert reader.unread == 0
    check_same(history, reader.history)


def test_another_run_in_the_same_place(tmp_path: Path) -> None:
    path, reader = tmp_path / "run.td", SavedRun(tmp_path / "run.td", "run")
    for count in (50, 30):
        other = History(f"{count} steps")
        for step in range(count):
            other.record(step, {"loss": 1.0, f"of {count}": 1.0})
        Autosave(other, path).save()
        reader.read()
        assert (reader.history.name, reader.history.id) == (other.name, other.id)
        assert reader.history.names == ["loss", f"of {count}"]
        assert len(reader.history["loss"]) == count


@pytest.mark.parametrize("error", [None, "", "RuntimeError: shapes do not fit"])
def test_whether_a_run_has_ended_comes_with_it(error: str | None, tmp_path: Path) -> None:
    history, path = recorded(3), tmp_path / "run.td"
    saver, reader = Autosave(history, path), SavedRun(path, "run")
    saver.save()
    reader.read()
    assert reader.history.ended is None
    history.ended = error
    saver.save()
    reader.read()
    assert reader.history.ended == error


def test_a_damaged_file_is_named_and_read_again_once_it_is_whole(tmp_path: Path) -> None:
    history, path = recorded(20), tmp_path / "run.td"
    history.save(path)
    whole = path.read_bytes()
    reader = SavedRun(path, "run")
    for bad in (b"", b"mine" * 100, whole[:-1] + b"?", whole[:50] + b"?" + whole[51:] + whole):
        path.write_bytes(bad)
        for _ in range(2):
            with pytest.raises(ValueError, match=r"run\.td': expected a run saved as .* Save it"):
                reader.read()
        assert reader.history.names == []
    path.write_bytes(whole)
    reader.read()
    check_same(history, reader.history)


def test_a_run_of_an_earlier_version_has_the_names_of_now(tmp_path: Path) -> None:
    history = History("earlier")
    for step in range(3):
        history.record(step, {"loss": 1.0, "lr": 0.1, "system/memory": 1.0})
        history.record_layers("grad_norm", ["w"], step, [5.0])
    history.save(tmp_path / "run.td")
    reader = SavedRun(tmp_path / "run.td", "run")
    reader.read()
    assert reader.history.names == ["loss", "optim/lr", "system/memory"]
