"""TensorBoard's event files, as torch writes them, whole, cut and growing."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

import torchdial as td
from tests.training.readers.points import points
from torchdial.training.readers.tensorboard_events import TensorBoardEvents

LOSSES = {"loss": [(step, 0.5**step) for step in range(5)]}


def written(folder: Path, start: int = 0, stop: int = 5) -> None:
    with SummaryWriter(folder) as writer:
        for step in range(start, stop):
            writer.add_scalar("loss", 0.5**step, step, walltime=1.7e9 + step)


def read(folder: Path) -> TensorBoardEvents:
    reader = TensorBoardEvents(folder, "run")
    reader.read()
    return reader


def test_scalars_with_steps_and_times(tmp_path: Path) -> None:
    written(tmp_path)
    history = read(tmp_path).history
    assert points(history) == LOSSES
    assert history["loss"].times.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert history.started == 1.7e9


def test_numbers_that_are_not_finite_and_other_kinds_of_data(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("words", "loss: 3", 1)
        writer.add_histogram("weights", np.arange(9.0), 1)
        writer.add_image("picture", np.zeros((3, 4, 4), np.uint8), 1)
        for step, value in enumerate([math.nan, math.inf, -math.inf]):
            writer.add_scalar("loss", value, step)
        writer.add_scalar("new style", 2.5, 7, new_style=True)
        writer.add_hparams({"lr": 0.1}, {"hparam/accuracy": 0.5}, run_name=".")
    found = points(read(tmp_path).history)
    assert found["loss"] == [(0, "nan"), (1, math.inf), (2, -math.inf)]
    assert found["new style"] == [(7, 2.5)]
    assert set(found) == {"loss", "new style", "hparam/accuracy"}


def test_several_files_of_one_run_in_order(tmp_path: Path) -> None:
    """A training that was started again writes another file into the same folder."""
    written(tmp_path, 0, 3)
    (first,) = tmp_path.iterdir()
    first.rename(first.with_name("events.out.tfevents.1.a"))
    written(tmp_path, 3, 5)
    reader = read(tmp_path)
    assert points(reader.history) == LOSSES
    assert len(reader.files()) == 2


@pytest.mark.parametrize("size", [20, 61, 100])
def test_a_file_that_grows_by_some_bytes_at_a_time(size: int, tmp_path: Path) -> None:
    written(tmp_path / "whole")
    (source,) = (tmp_path / "whole").iterdir()
    whole = source.read_bytes()
    path = tmp_path / source.name
    path.touch()
    reader = TensorBoardEvents(path, "run")
    for end in [*range(0, len(whole), size), len(whole)]:
        path.write_bytes(whole[:end])
        reader.read()
        found = points(reader.history).get("loss", [])
        assert found == LOSSES["loss"][: len(found)]
    assert points(reader.history) == LOSSES


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    written(tmp_path / "whole")
    (source,) = (tmp_path / "whole").iterdir()
    whole = source.read_bytes()
    path, counts = tmp_path / source.name, []
    for cut in [*range(0, len(whole), 7), len(whole)]:
        path.write_bytes(whole[:cut])
        found = points(read(path).history).get("loss", [])
        assert found == LOSSES["loss"][: len(found)]
        counts.append(len(found))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 5)


def test_a_changed_byte_costs_what_follows_and_nothing_is_made_up(tmp_path: Path) -> None:
    written(tmp_path / "whole")
    (source,) = (tmp_path / "whole").iterdir()
    whole = source.read_bytes()
    path = tmp_path / source.name
    for place in range(0, len(whole), 11):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])
        found = points(read(path).history).get("loss", [])
        assert found == LOSSES["loss"][: len(found)]


@pytest.mark.parametrize("claimed", [2**31, 2**50, 2**63])
def test_a_record_that_claims_to_be_huge(claimed: int, tmp_path: Path) -> None:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    written(tmp_path)
    (path,) = tmp_path.iterdir()
    length = struct.pack("<Q", claimed)
    with path.open("ab") as file:
        file.write(length + struct.pack("<I", masked_crc32c(length)) + b"and no more")
    reader = TensorBoardEvents(tmp_path, "run")
    if claimed > 2**31:
        for _ in range(2):
            with pytest.raises(ValueError, match="a record that cannot be read"):
                reader.read()
        with pytest.warns(UserWarning, match="What comes before it was read"):
            (history,) = td.read_runs(path)
        assert points(history) == LOSSES
    else:
        reader.read()
    assert points(reader.history) == LOSSES
