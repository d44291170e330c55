"""Tables of comma-separated values with a column of steps, through pandas.

Lightning's `metrics.csv`, Ultralytics' `results.csv`, what pandas and spreadsheets write: a row a
step, a column a scalar. A cell that is empty or text is no point; one that says "nan" or "inf" is.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from torchdial.training.history.history import History
from torchdial.training.readers.run_reader import (
    GrowingFileReader,
    file_refusal,
    missing_package,
)

STEPS = ("step", "global_step", "trainer/global_step", "iteration", "iter", "epoch")
"""Names of the column of steps, in any case; the first of these that is there."""
TIMES = ("time", "wall_time", "timestamp", "_timestamp")
"""Names of a column of seconds, of the run or since 1970."""
NO_POINT = ("", "None", "NA", "N/A", "null")
SINCE_1970 = 1e8  # seconds; a run takes less

PIECE = 2**23  # bytes read at a time
MOST_COLUMNS = 10_000
LONGEST_HEADER = 2**20

Floats = npt.NDArray[np.float64]


class CsvRows(GrowingFileReader):
    """Reads a table, whole rows only: what follows the last line's end is still being written."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self._columns: list[str] = []
        self._separator = ","
        self._rows = 0

    def _read_new(self) -> None:
        is_anew = self._file.look()
        if is_anew is None:
            return
        pandas = _pandas()
        history = self._blank() if is_anew else self.history
        try:
            with self.path.open("rb") as file:
                if self._file.place == 0:
                    self._read_header(file)
                for piece in _whole_lines(file, self._file.place):
                    self._add(history, self._table(pandas, piece))
                    self._file.place += len(piece)
        except Exception:
            self._file.forget()
            raise
        if is_anew:
            self.history.replace_by(history)

    def _read_header(self, file: BinaryIO) -> None:
        header = read_header(file)
        if header is None:
            raise self._refusal(
                f'a table whose first line names its columns, one of them "{STEPS[0]}"',
                "another first line",
                f"Name the column of steps {' or '.join(STEPS[:2])}.",
            )
        if {"name", "value"} <= {name.lower() for name in header.columns}:
            raise self._refusal(
                "a column for each scalar",
                'columns "name" and "value", which hold several scalars below each other',
                'Write pandas.read_csv(path).pivot_table(index="step", columns="name", '
                'values="value").to_csv(other), for one run at a time.',
            )
        if len(header.columns) > MOST_COLUMNS:
            raise self._refusal(
                f"at most {MOST_COLUMNS:,} columns",
                f"{len(header.columns):,}",
                "Write a row a step, and a column a scalar.",
            )
        self._columns, self._separator, self._rows = header.columns, header.separator, 0
        self._file.place = header.size

    def _table(self, pandas: Any, piece: bytes) -> Any:
        known = len(self._columns)
        try:
            # pandas would leave out what the first row has beyond the header.
            width = max(known, self._first_width(piece))
            if width > MOST_COLUMNS:
                raise ValueError(f"saw {width}")
            first = self._separator.join(map(str, range(width))).encode()
            table = pandas.read_csv(
                # Rows with fewer cells are read by every version only behind a header.
                io.BytesIO(first + b"\n" + piece),
                sep=self._separator,
                index_col=False,
                keep_default_na=False,
                na_values=list(NO_POINT),
                skipinitialspace=True,
                encoding_errors="replace",
                low_memory=False,
            )
            table.columns = range(width)
            if table.loc[:, known:].notna().to_numpy().any():
                raise ValueError(f"saw {width}")
        except (ValueError, csv.Error) as error:
            raise self._refusal(
                f"{known} cells a row",
                f"{str(error).strip():.100}",
                "Write a row a step, and as many cells as the first line has names.",
            ) from error
        return table

    def _first_width(self, piece: bytes) -> int:
        """Return the number of cells in the first row that has any."""
        text = io.TextIOWrapper(io.BytesIO(piece), "utf-8", "replace", newline="")
        return len(next(filter(None, csv.reader(text, delimiter=self._separator)), []))

    def _add(self, history: History, table: Any) -> None:
        """Add the points of some rows."""
        place = column_of(self._columns, STEPS)
        steps = self._steps(table[place], place or 0)
        has_step = np.isfinite(steps)
        clock = column_of(self._columns, TIMES)
        times = self._times(history, None if clock is None else _numbers(table[clock]), len(steps))
        self._rows += len(steps)
        for i, name in enumerate(self._columns):
            if i == clock or not name or (i == place and name.lower() != "epoch"):
                continue
            numbers, is_there = _values(table[i])
            is_there = is_there & has_step
            if is_there.any():
                points = steps[is_there], numbers[is_there], times[is_there]
                history.series(name).extend(*points)

    def _steps(self, column: Any, place: int) -> Floats:
        """Return the steps of some rows, NaN for rows without one.

        Raises:
            ValueError: one is no whole number.
        """
        name = self._columns[place]
        numbers, is_there = _values(column)
        steps = np.where(is_there, numbers, np.nan)
        if (column.notna().to_numpy() & ~is_there).any():
            raise self._refusal(
                f"whole numbers in the column {name!r:.60}", "text", "Number the rows."
            )
        bad = ~(np.isnan(steps) | ((np.abs(steps) < 2**53) & (np.floor(steps) == steps)))
        if bad.any():
            first = int(bad.argmax())
            raise self._refusal(
                f"whole numbers in the column {name!r:.60}",
                f"{steps[first]:g} in row {self._rows + first + 1:,}",
                'Add a column "step" of whole numbers.',
            )
        return steps

    def _times(self, history: History, given: Floats | None, count: int) -> Floats:
        """Return seconds since the run began; the numbers of the rows where the file has none."""
        numbers = np.arange(self._rows, self._rows + count, dtype=np.float64)
        if given is None or not np.isfinite(given).all():
            return numbers
        if not self._rows and count and given[0] > SINCE_1970:
            history.started = float(given[0])
        return given - history.started if (given > SINCE_1970).any() else given

    def _refusal(self, expected: str, got: str, remedy: str) -> ValueError:
        return file_refusal(self.path, expected=expected, got=got, remedy=remedy)


class Header(NamedTuple):
    """The names of the columns, what is between them, and the length of the line in bytes."""

    columns: list[str]
    separator: str
    size: int


def read_header(file: BinaryIO) -> Header | None:
    """Return the names of a table's columns, None if none of them is one of steps.

    Args:
        file: open for reading, at its beginning.
    """
    line = file.readline(LONGEST_HEADER)
    if not line.endswith(b"\n"):
        return None
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    for separator in (",", ";", "\t"):
        try:
            names = next(csv.reader([text], delimiter=separator), [])
        except csv.Error:
            continue
        columns = [name.strip() for name in names]
        if column_of(columns, STEPS) is not None:
            return Header(_unlike(columns), separator, len(line))
    return None


def column_of(columns: list[str], names: tuple[str, ...]) -> int | None:
    """Return the place of the first of some names among the columns, in any case.

    Example:
        >>> column_of(["epoch", "Step", "loss"], STEPS)
        1
    """
    lower = [column.lower() for column in columns]
    return next((lower.index(name) for name in names if name in lower), None)


def _unlike(columns: list[str]) -> list[str]:
    """Return names of which no two are the same: those that come again get a number."""
    again: Counter[str] = Counter()
    taken: set[str] = set()
    names = []
    for name in columns:
        unlike = name
        while name and unlike in taken:
            again[name] += 1
            unlike = f"{name}.{again[name]}"
        taken.add(unlike)
        names.append(unlike)
    return names


def _whole_lines(file: BinaryIO, start: int) -> Iterator[bytes]:
    """Yield what is behind a place, in pieces of whole lines, up to the last line's end.

    Raises:
        ValueError: a line is longer than a piece.
    """
    place = start
    while True:
        file.seek(place)
        read = file.read(PIECE)
        piece = read[: read.rfind(b"\n") + 1]
        if not piece and len(read) == PIECE:
            raise file_refusal(
                file.name,
                expected="rows of numbers",
                got=f"a line of more than {PIECE:,} bytes at byte {place:,}",
                remedy="Write a row a step, and a column a scalar.",
            )
        if not piece:
            return
        yield piece
        place += len(piece)


def _values(column: Any) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the numbers of a column, and where there are some: a cell of text is none."""
    if column.dtype.kind in "biuf":
        numbers = column.to_numpy(np.float64)
        return numbers, ~np.isnan(numbers)
    is_there = column.notna().to_numpy()
    read = [_number(cell) for cell in column.where(is_there, "")]
    return np.array(read, np.float64), np.array([number is not None for number in read], bool)


def _number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _numbers(column: Any) -> Floats:
    numbers, is_there = _values(column)
    return np.where(is_there, numbers, np.nan)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise missing_package("Tables (CSV)", "pandas") from error
    return pandas
