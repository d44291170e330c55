"""tests/golden/images.json is up to date, and the package gives what is in it."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from tests.golden.make_curves import cases
from tests.golden.make_images import PATH, golden
from torchdial.inputs import to_stops, to_targets
from torchdial.sweeps.image_choice import ANY
from torchdial.sweeps.pixels.image_confusion import count_on, count_outcomes
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame, measure_frame
from torchdial.widgets.preview.segmentation_packing import pack_confusion

GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))
every_case = pytest.mark.parametrize(
    ("case", "given"), list(zip(GOLDEN, cases(), strict=True)), ids=[c["name"] for c in GOLDEN]
)


def frame_of(given: dict[str, Any]) -> SegmentationFrame:
    probs = torch.tensor(given["probs"]).unsqueeze(2)
    targets = to_targets(
        torch.tensor(given["targets"]).unsqueeze(-2),
        tuple(probs.shape),
        given["task"],
        ignore_index=given["ignore_index"],
    )
    return measure_frame([(probs, targets)], given["task"], to_stops(given["stops"]))


def test_the_file_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == golden(), "run python -m tests.golden.make_images"


@every_case
def test_the_wire(case: dict[str, Any], given: dict[str, Any]) -> None:
    frame, wire = frame_of(given), case["wire"]
    assert frame.histograms.ravel().tolist() == wire["histograms"]
    packed = pack_confusion(frame.confusion, case["num_stops"])
    if wire["cells"] is None:
        assert packed is None
    else:
        found = {name: np.frombuffer(packed[name], "<u4").tolist() for name in packed}
        assert found == {name: wire[name] for name in ("cells", "pixels")}


@every_case
def test_cells_against_the_rest(case: dict[str, Any], given: dict[str, Any]) -> None:
    frame = frame_of(given)
    rest = np.array(case["rest"]).reshape(case["num_images"], -1, 2, 2)
    counts = frame.curves.counts.at(case["at"])
    histograms = torch.from_numpy(frame.histograms)[:, : case["num_classes"]]
    for truth, found in product([ANY, 0, 1], repeat=2):
        chosen = rest[:, :, side(truth)][..., side(found)].sum((2, 3))
        assert count_outcomes(counts, truth, found).tolist() == chosen.sum(1).tolist()
        for c in range(case["num_classes"]):
            one = slice(c, c + 1)
            of_class = count_outcomes(counts.of_classes(one), truth, found)
            assert of_class.tolist() == chosen[:, c].tolist()
            if truth == ANY and given["ignore_index"] is None:
                on = count_on(histograms[:, one], case["at"][one], found)
                assert on.tolist() == chosen[:, c].tolist()


@every_case
def test_cells_by_argmax(case: dict[str, Any], given: dict[str, Any]) -> None:
    if case["matrix"] is None:
        return
    num_classes = case["num_classes"]
    matrix = np.array(case["matrix"]).reshape(-1, num_classes, num_classes + 1)
    confusion = frame_of(given).confusion
    for truth, found in product([ANY, *range(num_classes)], [ANY, *range(num_classes + 1)]):
        chosen = matrix[:, side(truth)][..., side(found)].sum((1, 2))
        assert confusion.count(case["at"], truth, found).tolist() == chosen.tolist()


def side(wanted: int) -> slice:
    return slice(None) if wanted == ANY else slice(wanted, wanted + 1)
