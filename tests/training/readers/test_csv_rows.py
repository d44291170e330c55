"""Tables with a column of steps: what is a point, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pytest

from tests.training.readers.points import points
from torchdial.training.readers import csv_rows
from torchdial.training.readers.csv_rows import CsvRows

READ = {
    "steps and losses": ("step,loss\n1,0.5\n2,0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),
    "no rows yet": ("step,loss\n", {}),
    "a last row without its end": ("step,loss\n1,0.5\n2,0.2", {"loss": [(1, 0.5)]}),
    "an empty cell is no point": ("step,a,b\n1,0.5,\n1,,2\n", {"a": [(1, 0.5)], "b": [(1, 2.0)]}),
    "nan and inf are points": (
        "step,a\n1,nan\n2,inf\n3,-inf\n4,1\n",
        {"a": [(1, "nan"), (2, float("inf")), (3, float("-inf")), (4, 1.0)]},
    ),
    "missing in other words": (
        "step,a,b\n1,None,NA\n2,N/A,null\n3,1,1\n",
        {"a": [(3, 1.0)], "b": [(3, 1.0)]},
    ),
    "columns of text": ("step,phase,loss\n1,train,0.5\n", {"loss": [(1, 0.5)]}),
    "text among numbers": (
        "step,loss\n1,0.5\n2,failed\n3,0.25\n",
        {"loss": [(1, 0.5), (3, 0.25)]},
    ),
    "the step is not the first": ("loss,Step\n0.5,7\n", {"loss": [(7, 0.5)]}),
    "a step goes before an epoch": (
        "epoch,step,loss\n0,10,0.5\n",
        {"epoch": [(10, 0.0)], "loss": [(10, 0.5)]},
    ),
    "epochs alone": ("epoch,loss\n1,0.5\n", {"epoch": [(1, 1.0)], "loss": [(1, 0.5)]}),
    "spaces around": ("  step,   loss \n 1,  0.5 \n", {"loss": [(1, 0.5)]}),
    "semicolons": ("step;loss\n1;0.5\n", {"loss": [(1, 0.5)]}),
    "tabs": ("step\tloss\n1\t0.5\n", {"loss": [(1, 0.5)]}),
    "Windows": ("\ufeffstep,loss\r\n1,0.5\r\n", {"loss": [(1, 0.5)]}),
    "quotes": ('"step","a,b"\n"1","0.5"\n', {"a,b": [(1, 0.5)]}),
    "steps as floats": ("step,loss\n1.0,0.5\n1e1,0.25\n", {"loss": [(1, 0.5), (10, 0.25)]}),
    "a row without a step": ("step,loss\n1,0.5\n,0.3\n2,0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),
    "steps that go back": ("step,loss\n5,0.5\n2,0.25\n", {"loss": [(5, 0.5), (2, 0.25)]}),
    "two of a name": ("step,a,a\n1,2,3\n", {"a": [(1, 2.0)], "a.1": [(1, 3.0)]}),
    "a name that a second one would get": (
        "step,a,a.1,a\n1,2,3,4\n",
        {"a": [(1, 2.0)], "a.1": [(1, 3.0)], "a.2": [(1, 4.0)]},
    ),
    "a column without a name": (",step,a\n0,1,2\n", {"a": [(1, 2.0)]}),
    "a separator at the end": ("step,a\n1,2,\n2,3,\n", {"a": [(1, 2.0), (2, 3.0)]}),
    "fewer cells": ("step,a,b\n1,2\n", {"a": [(1, 2.0)]}),
    "a name that is markup": ("step,<b>x</b>\n1,2\n", {"<b>x</b>": [(1, 2.0)]}),
    "true and false": ("step,a\n1,True\n2,False\n", {"a": [(1, 1.0), (2, 0.0)]}),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_what_is_read(text: str, expected: object, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(text.encode())
    reader = CsvRows(path, "run")
    reader.read()
    assert points(reader.history) == expected


@pytest.mark.parametrize("size", [40, 2**23])
@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_byte_by_byte_comes_to_the_same(
    text: str, expected: object, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole rows are read as they come, in pieces of any size, and none twice."""
    monkeypatch.setattr(csv_rows, "PIECE", size)
    path = tmp_path / "run.csv"
    content = text.encode()
    header = content.index(b"\n") + 1
    reader = CsvRows(path, "run")
    for end in range(header, len(content) + 1):
        path.write_bytes(content[:end])
        reader.read()
    assert points(reader.history) == expected
    assert reader.history.replaced == 1


TIMES = {
    "none: rows": ("step,a\n5,1\n6,1\n6,1\n", None, [0.0, 1.0, 2.0]),
    "seconds of the run": ("step,time,a\n1,2.5,1\n2,3.5,1\n", None, [2.5, 3.5]),
    "since 1970": ("step,wall_time,a\n1,1700000000,1\n2,1700000002.5,1\n", 1.7e9, [0.0, 2.5]),
    "text": ("step,time,a\n1,noon,1\n2,later,1\n", None, [0.0, 1.0]),
}


@pytest.mark.parametrize(("text", "started", "times"), TIMES.values(), ids=TIMES)
def test_times(text: str, started: float | None, times: list[float], tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    lines = text.splitlines(keepends=True)
    reader = CsvRows(path, "run")
    for end in range(2, len(lines) + 1):
        path.write_text("".join(lines[:end]))
        reader.read()
    assert reader.history["a"].times.tolist() == times
    assert reader.history.names == ["a"]
    if started is not None:
        assert reader.history.started == started


def test_a_table_that_is_written_anew_replaces_what_was_read(tmp_path: Path) -> None:
    """As Lightning's logger does when a metric comes up for the first time."""
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n1,0.5\n2,0.4\n")
    reader = CsvRows(path, "run")
    reader.read()
    run = reader.history.id
    path.write_text("step,loss,val\n1,0.5,\n2,0.4,\n2,,0.3\n")
    reader.read()
    assert points(reader.history) == {"loss": [(1, 0.5), (2, 0.4)], "val": [(2, 0.3)]}
    assert (reader.history.replaced, reader.history.id) == (2, run)
    path.write_text("step,loss\n")
    reader.read()
    assert reader.history.names == []


def test_a_long_table_that_is_cut_short_is_read_anew(tmp_path: Path) -> None:
    """Its beginning is the same, far beyond the bytes that are compared."""
    path, rows = tmp_path / "run.csv", [f"{step},{step}\n" for step in range(3_000)]
    path.write_text("step,loss\n" + "".join(rows))
    reader = CsvRows(path, "run")
    reader.read()
    path.write_text("step,loss\n" + "".join(rows[:2_000]))
    reader.read()
    assert reader.history["loss"].steps.tolist() == list(range(2_000))


REFUSED = {
    "empty": ("", "names its columns", "another first line"),
    "no step": ("a,b\n1,2\n", "names its columns", 'the column of steps "?step'),
    "one below the other": ("name,step,value\na,1,2\n", "a column for each", "pivot_table"),
    "text as steps": ("step,a\nx,2\n", "whole numbers in the column 'step'", "Number the rows"),
    "text among steps": ("step,a\n1,2\nx,2\n", "whole numbers", "text. Number the rows"),
    "half a step": ("step,a\n1,2\n1.5,2\n", "whole numbers", "1.5 in row 2"),
    "an endless step": ("step,a\ninf,2\n", "whole numbers", "inf in row 1"),
    "a huge step": ("step,a\n1e300,2\n", "whole numbers", "1e\\+300 in row 1"),
    "more cells in the first row": ("step,a\n1,2,3\n2,3,4\n", "2 cells a row", "saw 3"),
    "more cells behind an empty one": ("step,a\n1,2,\n2,3,4\n", "2 cells a row", "saw 3"),
    "more cells": ("step,a\n1,2\n1,2,3\n", "2 cells a row", "saw 3"),
    "too many columns": ("step," + "a," * 10_000 + "\n", "at most 10,000 columns", "a row a step"),
}


@pytest.mark.parametrize(("text", "expected", "more"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text: str, expected: str, more: str, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(text)
    reader = CsvRows(path, "run")
    for _ in range(2):  # and so it is the next time
        with pytest.raises(ValueError, match=f"(?s)run.csv': .*{expected}.*, got .*{more}"):
            reader.read()


def test_the_remedy_for_a_missing_step(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("a,b\n1,2\n".replace("a,", "step,"))
    reader = CsvRows(path, "run")
    reader.read()
    assert points(reader.history) == {"b": [(1, 2.0)]}


def test_the_remedy_for_scalars_below_each_other(tmp_path: Path) -> None:
    path, other = tmp_path / "saved.csv", tmp_path / "run.csv"
    path.write_text("run,name,step,time,value\nb,loss,1,0,0.5\nb,acc,1,0,0.75\nb,loss,2,0,0.25\n")
    with pytest.raises(ValueError, match="Write pandas") as caught:
        CsvRows(path, "run").read()
    remedy = str(caught.value).split("Write ")[1].split(", for one")[0]
    eval(remedy, {"pandas": pandas, "path": path, "other": other})
    reader = CsvRows(other, "run")
    reader.read()
    assert points(reader.history) == {"acc": [(1, 0.75)], "loss": [(1, 0.5), (2, 0.25)]}


def test_a_line_without_end_is_not_taken_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "PIECE", 1000)
    path = tmp_path / "run.csv"
    path.write_text("step,a\n1," + "2" * 5000 + "\n")
    with pytest.raises(ValueError, match="a line of more than 1,000 bytes at byte 7"):
        CsvRows(path, "run").read()


def rounded(scalars: dict[str, list[tuple[int, Any]]]) -> dict[str, list[tuple[int, Any]]]:
    """Return points with 12 digits: pandas before 3 loses the last ones."""
    return {
        name: [(step, v if isinstance(v, str) else float(f"{v:.12g}")) for step, v in points]
        for name, points in scalars.items()
    }


def test_what_torchdial_writes_with_pandas_comes_back(tmp_path: Path) -> None:
    from tests.training.recording.recorded import recorded

    history = recorded(40)
    history.to_pandas().to_csv(tmp_path / "run.csv")
    reader = CsvRows(tmp_path / "run.csv", "run")
    reader.read()
    expected = points(history)
    found = points(reader.history)
    expected["loss"] = [point for point in expected["loss"] if point[1] != "nan"]
    expected["val/loss"] = sorted(expected["val/loss"])  # pandas writes NaN as an empty cell
    assert rounded(found) == rounded(expected)
    assert reader.history["lr"].times.tolist() == history["lr"].times.tolist()
