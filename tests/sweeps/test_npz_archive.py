"""Files: what is saved comes back; what is damaged or crafted is refused and runs nothing."""

import io
import json
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from torchdial import ThresholdCurves, ThresholdSweep
from torchdial.sweeps.npz_archive import read_archive, write_archive

FORMAT = "torchdial.ThresholdCurves/1"
CLASSES = {"binary": None, "multilabel": 3, "multiclass": 3}


def curves_of(task: Any, thresholds: Any = 11) -> ThresholdCurves:
    torch.manual_seed(0)
    probs = torch.rand(4, CLASSES[task] or 1, 5, 6)
    target = torch.randint(0, 2, (4, 5, 6) if task == "multiclass" else probs.shape)
    sweep = ThresholdSweep(
        task=task, num_classes=CLASSES[task], thresholds=thresholds, zero_division=0.5
    )
    sweep.update(probs, target)
    return sweep.compute()


def check_same(one: ThresholdCurves, other: ThresholdCurves) -> None:
    assert (one.task, one.stops, one.zero_division) == (other.task, other.stops, 0.5)
    for a, b in zip(one.counts.tensors(), other.counts.tensors(), strict=True):
        assert a.equal(b)
        assert a.dtype == b.dtype
    assert (one.argmax is None) == (other.argmax is None)
    if one.joint is not None:
        assert one.joint.equal(other.joint)
    if one.argmax is not None and other.argmax is not None:
        check_same(one.argmax, other.argmax)


@pytest.mark.parametrize("thresholds", [11, [0.1, 0.37, 0.9]], ids=["even stops", "given stops"])
@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("as_type", [str, Path])
def test_a_round_trip(task: str, thresholds: Any, as_type: Any, tmp_path: Path) -> None:
    curves = curves_of(task, thresholds)
    path = as_type(tmp_path / "curves")
    curves.save(path)
    curves.save(path)  # over the first
    check_same(curves, ThresholdCurves.load(path))
    assert [p.name for p in tmp_path.iterdir()] == ["curves"]


def test_the_argmax_curves_and_one_class_alone(tmp_path: Path) -> None:
    curves = curves_of("multiclass")
    assert curves.argmax is not None
    for each in (curves.argmax, curves.for_label(1)):
        each.save(tmp_path / "curves.npz")
        loaded = ThresholdCurves.load(tmp_path / "curves.npz")
        check_same(each, loaded)
        assert loaded.confusion(0.3).equal(each.confusion(0.3))


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_archive(path, {"format": "a/1"}, {"x": np.arange(3)})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_archive(path, {"format": {"a set"}}, {"x": np.arange(3)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_missing_file_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ThresholdCurves.load(tmp_path / "nothing.npz")


def test_any_cut_and_any_flipped_byte(tmp_path: Path) -> None:
    """Either the numbers are the same (a byte of no meaning), or a ValueError says what to do."""
    path = tmp_path / "curves.npz"
    curves = curves_of("multiclass", [0.5])
    curves.save(path)
    whole = path.read_bytes()
    dice = random.Random(0)
    cuts = [whole[: len(whole) * k // 40] for k in range(40)]
    flips = []
    for _ in range(400):
        changed = bytearray(whole)
        changed[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        flips.append(bytes(changed))
    outcomes = []
    for content in [*cuts, *flips]:
        path.write_bytes(content)
        try:
            check_same(curves, ThresholdCurves.load(path))
            outcomes.append("the same")
        except ValueError as error:
            outcomes.append(str(error))
    remedies = ("the same", "Save it again.", "Load it with the class that saved it.")
    assert [o for o in outcomes if not o.endswith(remedies)] == []
    assert outcomes.count("the same") < len(flips) / 2


class Bomb:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def npz(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def note(**about: Any) -> bytes:
    content = json.dumps({"format": FORMAT, **about}).encode()
    return npy(np.frombuffer(content, dtype=np.uint8))


def crafted(mark: Path) -> dict[str, bytes]:
    bomb = np.array([Bomb(mark)], dtype=object)
    huge = npy(np.zeros(1)).replace(b"(1,)", b"(1" + b"0" * 12 + b",)")
    return {
        "a pickle": pickle.dumps(Bomb(mark)),
        "an array of objects": npy(bomb),
        "objects beside the note": npz(about=note(), tp=npy(bomb)),
        "objects as the note": npz(about=npy(bomb)),
        "an empty file": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + b"0" * 100,
        "one plain array": npy(np.arange(3)),
        "no note": npz(tp=npy(np.arange(3))),
        "a note that is a number": npz(about=npy(np.frombuffer(b"3", dtype=np.uint8))),
        "a note as deep as the stack": npz(about=npy(np.frombuffer(b"[" * 10**6, dtype=np.uint8))),
        "an array larger than memory": npz(about=note(), tp=huge),
        "counts in words": npz(about=note(), tp=npy(np.array("text"))),
    }


@pytest.mark.parametrize("case", crafted(Path("unused")))
def test_crafted_files_are_refused_and_run_nothing(case: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it ran", tmp_path / "curves.npz"
    path.write_bytes(crafted(mark)[case])
    with pytest.raises(ValueError, match=says("load", FORMAT, "cannot be read", "Save it again")):
        ThresholdCurves.load(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("about", "arrays"),
    [
        pytest.param({"task": "semantic"}, {}, id="an unknown task"),
        pytest.param({"task": "multiclass"}, {}, id="no joint table for multiclass"),
        pytest.param({"stops": [0.9, 0.1], "even": False}, {}, id="decreasing stops"),
        pytest.param({"stops": 5}, {}, id="stops that are no list"),
        pytest.param({"zero_division": "one"}, {}, id="text for a number"),
        pytest.param({}, {"tp": np.zeros((4, 1, 10), np.int64)}, id="another number of stops"),
        pytest.param({}, {"tp": np.zeros((4, 1, 11))}, id="counts in floats"),
        pytest.param({}, {"positives": np.zeros((3, 1), np.int64)}, id="another number of images"),
        pytest.param({}, {"joint": np.zeros((1, 1, 12), np.int64)}, id="a table too many"),
        pytest.param({}, {"tp": None}, id="a table too few"),
    ],
)
def test_counts_that_do_not_go_together_are_refused(
    about: Any, arrays: Any, tmp_path: Path
) -> None:
    path = tmp_path / "curves.npz"
    curves_of("binary").save(path)
    good_about, good_arrays = read_archive(path, FORMAT)
    kept = {name: a for name, a in (good_arrays | arrays).items() if a is not None}
    write_archive(path, good_about | about, kept)
    with pytest.raises(ValueError, match=says("load", "go together", "damaged", "Save it again")):
        ThresholdCurves.load(path)


def test_another_format_is_named(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.npz", {"format": "torchdial.BoxCurves/1"}, {})
    message = says("load", FORMAT, "'torchdial.BoxCurves/1'", "class that saved it")
    with pytest.raises(ValueError, match=message):
        ThresholdCurves.load(tmp_path / "a.npz")
