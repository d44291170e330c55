"""Files that somebody made to do harm, and names that are no plain text."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import random
import warnings
from pathlib import Path
from typing import Any

import pandas  # noqa: F401 - so that its import is not counted as memory
import pytest
from torch.utils.tensorboard import SummaryWriter

import torchdial as td
from tests.faults.test_hostile_text import TEXTS, shown_in
from tests.memory import little_memory
from torchdial.training import History

FORMATS = ["run.td", "run.csv", "trainer_state.json", "events.out.tfevents.1"]


def content_of(name: str, folder: Path) -> bytes:
    """Return a whole file of a format, with forty steps of a loss."""
    steps = range(40)
    if name == "run.td":
        history = History("run")
        for step in steps:
            history.record(step, {"loss": 0.5})
        history.save(folder / "whole")
        return (folder / "whole").read_bytes()
    if name == "run.csv":
        return "".join(["step,loss\n", *(f"{step},0.5\n" for step in steps)]).encode()
    if name == "trainer_state.json":
        logs = [{"step": step, "loss": 0.5} for step in steps]
        return json.dumps({"log_history": logs}).encode()
    with SummaryWriter(folder / "events") as writer:
        for step in steps:
            writer.add_scalar("loss", 0.5, step)
    (path,) = (folder / "events").iterdir()
    return path.read_bytes()


def read(path: Path) -> list[History] | None:
    """Return what is read, None if it is refused in words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return td.read_runs(path)
        except ValueError as error:
            message = str(error)
    assert " expected " in message
    return None


@pytest.mark.parametrize("name", FORMATS)
def test_any_bytes_changed_cut_or_repeated(name: str, tmp_path: Path) -> None:
    whole, path = content_of(name, tmp_path), tmp_path / name
    dice = random.Random(0)
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(dice.choice([1, 1, 3, 30])):
            place = dice.randrange(len(changed))
            what = dice.choice(["flip", "cut", "repeat", "byte"])
            if what == "flip":
                changed[place] ^= 1 << dice.randrange(8)
            elif what == "cut":
                del changed[place : place + dice.choice([1, 10, 10_000])]
                changed = changed or bytearray(b"?")
            elif what == "repeat":
                changed[place:place] = changed[place : place + 50]
            else:
                changed[place] = dice.choice(b'\0\n",;-e9{}[]')
        path.write_bytes(changed)
        with little_memory(20_000_000):
            found = read(path)
        for history in found or []:
            history.to_pandas()


class Bomb:
    """An object whose unpickling makes a folder."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("it ran",)


@pytest.mark.parametrize("name", FORMATS)
def test_a_pickle_is_not_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (pickle.dumps(Bomb()), b"step,loss\n" + pickle.dumps(Bomb()) + b"\n"):
        Path(name).write_bytes(content)
        read(Path(name))
        assert os.listdir() == [name]


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_names_stay_the_text_they_are(text: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("run.csv", "trainer_state.json"):
            if name == "run.csv":
                table = io.StringIO(newline="")
                writer = csv.writer(table, lineterminator="\n")
                writer.writerows([["step", text, "loss"], [1, 0.5, 0.25], [2, 0.5, 0.25]])
                (tmp_path / name).write_bytes(table.getvalue().encode("utf-8", "replace"))
            else:
                logs = [{"step": step, text: 0.5, "loss": 0.25} for step in (1, 2)]
                (tmp_path / name).write_text(json.dumps({"log_history": logs}))
            found = read(tmp_path / name)
            if found is None:
                assert "\n" in text  # a table's names are on one line
                continue
            (history,) = found
            assert history["loss"].values.tolist() == [0.25, 0.25]
            if name == "trainer_state.json":
                assert history[text].values.tolist() == [0.5, 0.5]
            plot = td.LossPlot(found)
            shown_in(plot.to_matplotlib())
            plot.get_state()
            plot.close()


def test_names_of_files_stay_text(tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "$x^2$", "a\nb", "%s{0}", "-rf"]
    for name in names:
        (tmp_path / f"{name}.csv").write_text("step,loss\n1,0.5\n")
    found = td.read_runs(tmp_path)
    assert sorted(history.name for history in found) == sorted(names)
    shown_in(td.LossPlot(found).to_matplotlib())


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "again").symlink_to(tmp_path)
    (tmp_path / "runs" / "a.csv").write_text("step,loss\n1,0.5\n")
    assert [history.name for history in td.read_runs(tmp_path / "runs")] == ["a"]


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.td")  # reading it would wait for ever
    os.mkfifo(tmp_path / "run.csv")
    with pytest.raises(ValueError, match="expected"):
        td.read_runs(tmp_path)
    with pytest.raises(ValueError, match="expected"):
        td.read_runs(tmp_path / "run.csv")
