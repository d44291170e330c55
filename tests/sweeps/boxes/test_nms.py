"""The NMS sweep: every stop against a slow greedy NMS written from its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from tests.inputs.error_messages import says
from torchdial.inputs import Stops, to_stops
from torchdial.sweeps.boxes import nms
from torchdial.sweeps.boxes.nms import nms_sweep

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
INF = float("inf")


def iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The IoU of one box with (N, 4) others, each step rounded to float32."""
    box, others = np.float32(box), np.float32(others)
    with np.errstate(all="ignore"):
        width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
        height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
        inter = np.maximum(width, np.float32(0)) * np.maximum(height, np.float32(0))
        area = (box[2] - box[0]) * (box[3] - box[1])
        areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
        ratio = inter / (area + areas - inter)
    assert ratio.dtype == np.float32
    return ratio


def greedy(boxes, scores, stop, labels=None, class_agnostic=False) -> list[bool]:
    """Greedy NMS: who is kept, in the order given."""
    boxes, scores = np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(scores, np.float32)
    count = len(boxes)
    labels = np.zeros(count) if labels is None or class_agnostic else np.asarray(labels)
    kept, suppressed = np.zeros(count, bool), np.zeros(count, bool)
    for i in sorted(range(count), key=lambda i: (-scores[i], i)):
        if not suppressed[i]:
            kept[i] = True
            suppressed |= (iou(boxes[i], boxes).astype(np.float64) > stop) & (labels == labels[i])
    return kept.tolist()


def at_every_stop(boxes, scores, stops: Stops, labels=None, class_agnostic=False) -> torch.Tensor:
    columns = [greedy(boxes, scores, stop, labels, class_agnostic) for stop in stops.values]
    return torch.tensor(columns).T.reshape(len(scores), len(stops))


def crowd(count: int, seed: int = 0, per: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes that lie around `count / per` objects, and scores of which some are equal."""
    random = np.random.default_rng(seed)
    objects = max(1, count // per)
    which = random.integers(0, objects, count)
    centre = random.uniform(0, 40 * objects**0.5, (objects, 2))[which]
    size = random.uniform(10, 60, (objects, 2))[which]
    centre = centre + size * random.normal(0, 0.15, (count, 2))
    size = size * np.exp(random.normal(0, 0.15, (count, 2)))
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    scores = random.integers(0, 1000, count) / 1000
    return torch.tensor(boxes, dtype=torch.float32), torch.tensor(scores, dtype=torch.float32)


def row(x1: float, x2: float, height: float = 10) -> list[float]:
    return [x1, 0, x2, height]


SQUARE = [0, 0, 10, 10]
TOWER = [row(0, 12), row(4, 16), row(5, 17)]  # IoUs 1/2 (0, 1), 11/13 (1, 2), 7/17 (0, 2)
NO, YES = False, True


@pytest.mark.parametrize(
    ("boxes", "scores", "stops", "kept"),
    [
        pytest.param(
            [SQUARE, row(0, 7.5)],
            [0.9, 0.8],
            [0.7, 0.75, 0.9],
            [[YES] * 3, [NO, YES, YES]],
            id="on a stop is not above it",
        ),
        pytest.param(
            [SQUARE, row(0, 8)],
            [0.9, 0.8],
            [0.7, 0.8, 0.9],
            [[YES] * 3, [NO, NO, YES]],
            id="float32's 8/10 is above 0.8",
        ),
        pytest.param(
            [SQUARE, row(0, 8)],
            [0.9, 0.8],
            torch.tensor([0.7, 0.8, 0.9]),
            [[YES] * 3, [NO, YES, YES]],
            id="a float32 stop counts at its exact value",
        ),
        pytest.param(
            [SQUARE, row(0, 8)],
            [0.9, 0.8],
            list(np.float32([0.7, 0.8, 0.9])),
            [[YES] * 3, [NO, YES, YES]],
            id="a list of float32 stops, too",
        ),
        pytest.param(
            [SQUARE, row(0, 7)],
            [0.9, 0.8],
            [0.6, 0.7, 0.8],
            [[YES] * 3, [NO, YES, YES]],
            id="float32's 7/10 is below 0.7",
        ),
        pytest.param(
            [row(0, 8), SQUARE],
            [0.8, 0.9],
            [0.7, 0.9],
            [[NO, YES], [YES, YES]],
            id="the higher score wins, wherever it stands",
        ),
        pytest.param(
            [row(0, 8), SQUARE],
            [0.9, 0.9],
            [0.7],
            [[YES], [NO]],
            id="of equal scores the first given wins",
        ),
        pytest.param(
            TOWER,
            [0.9, 0.8, 0.7],
            [0.45, 0.6, 0.9],
            [[YES] * 3, [NO, YES, YES], [YES, NO, YES]],
            id="survival is not monotone: kept, suppressed, kept",
        ),
        pytest.param(
            [SQUARE, SQUARE, SQUARE],
            [0.5, 0.5, 0.5],
            [0.0, 0.5, 0.99, 1.0],
            [[YES] * 4, [NO, NO, NO, YES], [NO, NO, NO, YES]],
            id="equal boxes are all kept at 1 alone",
        ),
        pytest.param(
            [SQUARE, row(10, 20), row(30, 40)],
            [0.9, 0.8, 0.7],
            [0.0],
            [[YES], [YES], [YES]],
            id="touching is no overlap",
        ),
        pytest.param(
            [[5, 5, 5, 5], [5, 5, 5, 5], SQUARE, [5, 0, 5, 10]],
            [0.9, 0.8, 0.7, 0.6],
            [0.0],
            [[YES]] * 4,
            id="boxes without area: NaN and 0 suppress nothing",
        ),
        pytest.param(
            [[-3e38, -3e38, 3e38, 3e38]] * 2,
            [0.9, 0.8],
            [0.0],
            [[YES]] * 2,
            id="infinite area: NaN suppresses nothing",
        ),
        pytest.param([], [], [0.3, 0.5], [], id="no boxes"),
        pytest.param([SQUARE], [0.0], [0.0, 1.0], [[YES, YES]], id="one box, of score 0"),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_by_hand(boxes, scores, stops, kept, device: str) -> None:
    boxes_there = torch.tensor(boxes, dtype=torch.float32, device=device).reshape(-1, 4)
    scores_there = torch.tensor(scores, device=device)
    swept = nms_sweep(boxes_there, scores_there, nms_ious=stops)
    assert swept.shape == (len(boxes), len(stops))
    assert (swept.dtype, swept.device.type) == (torch.bool, device)
    assert swept.tolist() == kept == at_every_stop(boxes, scores, to_stops(stops)).tolist()


SMALL = st.integers(0, 10)
BOX = st.tuples(SMALL, SMALL, SMALL, SMALL).map(
    lambda b: [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
)  # of small whole numbers: equal boxes, some without area, IoUs on a stop
STOPS = st.one_of(
    st.sampled_from([2, 5, 11, 63, 64, 65, 101, 127, 128, 129, 255]).map(to_stops),
    st.sets(st.integers(0, 20), min_size=1).map(lambda s: to_stops([k / 20 for k in sorted(s)])),
)


@given(
    data=st.data(),
    stops=STOPS,
    block=st.sampled_from([1, 2, 3, 128]),
    agnostic=st.booleans(),
    place=st.sampled_from([(1, 0), (0.1, 0.7), (0.3, 1e4), (7, -1e7), (1e-23, 0), (1e18, 0)]),
)
@settings(max_examples=300)
@pytest.mark.parametrize("device", DEVICES)
def test_any_boxes_against_the_definition(data, stops, block, agnostic, place, device) -> None:
    """At the ends of float32 as well: areas that underflow or overflow, corners that round."""
    scale, shift = place
    boxes = [[v * scale + shift for v in box] for box in data.draw(st.lists(BOX, max_size=14))]
    numbers = st.lists(
        st.tuples(st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.integers(0, 2)),
        min_size=len(boxes),
        max_size=len(boxes),
    )
    scores, labels = [list(part) for part in zip(*data.draw(numbers), strict=True)] or [[], []]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nms, "BOXES_A_BLOCK", block)
        swept = nms_sweep(
            torch.tensor(boxes, device=device).reshape(-1, 4),
            torch.tensor(scores),
            torch.tensor(labels),
            nms_ious=stops,
            class_agnostic=agnostic,
        )
    assert swept.cpu().equal(at_every_stop(boxes, scores, stops, labels, agnostic))


@pytest.mark.parametrize("scale", [1e-24, 1e-22, 1e-19, 1e-3, 1, 1e17, 1e19])
@pytest.mark.parametrize("shift", [0, 1e3, 1e6])
def test_boxes_of_any_size_block_by_block(
    scale: float, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decided box still suppresses is looked for in its core: none may be missed."""
    monkeypatch.setattr(nms, "BOXES_A_BLOCK", 1)
    for seed in range(4):
        boxes, scores = crowd(40, seed, per=40)
        boxes = (boxes.double() * scale + shift).float()
        stops = to_stops([1e-9, 1e-6, 0.05, 0.3, 0.5, 0.8, 0.95])
        assert nms_sweep(boxes, scores, None, nms_ious=stops).equal(
            at_every_stop(boxes, scores, stops)
        )


def test_ious_are_rounded_as_torchvisions() -> None:
    """Pair by pair: suppressed at the float32 below their IoU, kept at the IoU itself."""
    boxes, _ = crowd(400, per=400)
    for a, b in boxes.view(-1, 2, 4):
        on = iou(a.numpy(), b[None].numpy())[0]
        assert 0 < on < 1
        stops = [float(np.nextafter(on, np.float32(0))), float(on)]
        swept = nms_sweep(torch.stack([a, b]), [0.9, 0.8], nms_ious=stops)
        assert swept.tolist() == [[True, True], [False, True]]


def test_tied_boxes_as_torchvision_on_the_cpu() -> None:
    """1,260 sets of boxes of small whole numbers, whose IoUs often lie on one of 101 stops."""
    stops, random, on_a_stop = to_stops(101), np.random.default_rng(0), 0
    for _ in range(1260):
        corner, size = random.integers(0, 6, (8, 2)), random.integers(5, 11, (8, 2))
        boxes = np.concatenate([corner, corner + size], axis=1)
        scores = random.integers(0, 5, 8) / 5
        k = int(random.integers(0, 101))
        swept = nms_sweep(boxes, scores, nms_ious=stops)
        assert swept[:, k].tolist() == greedy(boxes, scores, stops.values[k])
        ious = np.concatenate([iou(box, boxes) for box in boxes])
        on_a_stop += bool((ious[ious < 1, None] == np.float32(stops.values)).any())
    assert on_a_stop > 600


def mirrored(boxes: list[list[float]]) -> list[list[list[float]]]:
    """The boxes as they are, turned over, and both once more with x and y exchanged."""
    over = [[-x2, y1, -x1, y2] for x1, y1, x2, y2 in boxes]
    return [*(both := [boxes, over]), *[[[b[1], b[0], b[3], b[2]] for b in one] for one in both]]


LEAST = 2.0**-74  # with a height of half of it, an area of 1 is the least float32 above 0


@pytest.mark.parametrize(
    ("boxes", "stops"),
    [
        pytest.param(
            [row(2.5, 10), SQUARE, row(0, 8.000001)], [0.7, 0.8, 0.9], id="just above the stop"
        ),
        pytest.param(
            [[2**20 + x / 8 for x in box] for box in [row(5, 20), row(0, 20), row(0, 16)]],
            [0.7, 0.79, 0.9],
            id="corners of few digits",
        ),
        pytest.param(
            [[x * LEAST for x in row(*ends, 0.5)] for ends in [(0.8, 2.8), (0, 1.4), (0, 0.6)]],
            [0.3, 0.5, 1.0],
            id="areas that underflow: float32 takes 0.6 of 1.4 for all of it",
        ),
    ],
)
def test_none_is_missed_that_just_reaches_a_core(boxes, stops, monkeypatch) -> None:
    """The first suppresses the second at the first stop, the second the third at the second."""
    monkeypatch.setattr(nms, "BOXES_A_BLOCK", 1)
    for around in mirrored(boxes):
        swept = nms_sweep(around, [0.9, 0.8, 0.7], nms_ious=stops)
        assert swept.tolist() == [[True] * 3, [False, True, True], [True, False, True]]


@pytest.mark.parametrize("num_classes", [1, 7])
@pytest.mark.parametrize("count", [0, 1, 64, 65, 127, 128, 129, 300])
@pytest.mark.parametrize("device", DEVICES)
def test_crowds_at_eleven_stops(count: int, num_classes: int, device: str) -> None:
    boxes, scores = crowd(count, seed=count)
    labels = torch.arange(count) % num_classes
    swept = nms_sweep(boxes.to(device), scores, labels, nms_ious=11)
    assert swept.cpu().equal(at_every_stop(boxes, scores, to_stops(11), labels))


@pytest.mark.parametrize("device", DEVICES)
def test_five_thousand_boxes(device: str) -> None:
    boxes, scores = crowd(5000)
    swept = nms_sweep(boxes.to(device), scores.to(device)).cpu()
    for k in (0, 37, 90):
        assert swept[:, k].tolist() == greedy(boxes, scores, k / 100), k
    assert swept[:, 100].all()
    again = (swept[:, :-1] & ~swept[:, 1:]).any(dim=1)
    assert again.float().mean() > 0.1, "a crowd in which boxes come and go"


def test_rows_of_boxes_that_hang_on_each_other() -> None:
    """The most rounds a block can take: each box is decided by the one before it."""
    boxes = [row(10 * k, 10 * k + 15) for k in range(400)]
    scores = torch.linspace(1, 0, 400)
    expected = [[k % 2 == 0, True] for k in range(400)]
    assert nms_sweep(boxes, scores, nms_ious=[0.1, 0.5]).tolist() == expected


def test_small_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, scores = crowd(300)
    expected = nms_sweep(boxes, scores)
    for tile in (1, 1000, 10_000):
        monkeypatch.setattr(nms, "PAIRS_A_BLOCK", tile)
        assert nms_sweep(boxes, scores).equal(expected), tile


def test_classes_do_not_meet() -> None:
    boxes, scores = crowd(200)
    boxes = boxes + 1e4  # shifting boxes apart by their class would round these
    labels = torch.arange(200) % 3 * 10**9 - 5
    swept = nms_sweep(boxes, scores, labels, nms_ious=101)
    for label in labels.unique():
        alone = labels == label
        assert swept[alone].equal(nms_sweep(boxes[alone], scores[alone]))
    together = nms_sweep(boxes, scores, labels, class_agnostic=True)
    assert together.equal(nms_sweep(boxes, scores))
    assert not together.equal(swept)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t: t.double(), id="float64"),
        pytest.param(lambda t: t.clone().requires_grad_(), id="with gradient"),
        pytest.param(lambda t: t.numpy(), id="numpy"),
        pytest.param(lambda t: t.tolist(), id="lists"),
        pytest.param(lambda t: t.repeat_interleave(2, dim=0)[::2], id="strided"),
    ],
)
def test_any_kind_of_numbers(change) -> None:
    boxes, scores = crowd(50)
    assert nms_sweep(change(boxes), change(scores)).equal(nms_sweep(boxes, scores))


def test_half_precision_is_cast_first() -> None:
    boxes, scores = (t.half() for t in crowd(100))
    assert nms_sweep(boxes, scores).equal(nms_sweep(boxes.float(), scores.float()))


def test_what_was_given_is_left_alone() -> None:
    boxes, scores = crowd(50)
    labels = torch.arange(50) % 2
    before = [t.clone() for t in (boxes, scores, labels)]
    with torch.inference_mode():
        nms_sweep(boxes, scores, labels)
    assert all(a.equal(b) for a, b in zip(before, (boxes, scores, labels), strict=True))


def test_another_default_dtype_changes_nothing() -> None:
    boxes, scores = crowd(50)
    expected = nms_sweep(boxes, scores)
    torch.set_default_dtype(torch.float64)
    try:
        assert nms_sweep(boxes, scores).equal(expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_normalised_boxes_are_swept_as_they_are() -> None:
    boxes, scores = crowd(50)
    small = boxes / 1024  # a power of two: the same IoUs
    assert nms_sweep(small, scores).equal(nms_sweep(boxes, scores))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"boxes": [[10, 0, 0, 10]], "scores": [0.5]},
            says("boxes", "x1 ≤ x2", "1 of 1", "xywh"),
            id="boxes",
        ),
        pytest.param(
            {"boxes": [SQUARE], "scores": [1.5]},
            says("scores", "[0, 1]", "[1.5, 1.5]", "logits"),
            id="score",
        ),
        pytest.param(
            {"boxes": [SQUARE], "scores": [0.5], "nms_ious": [0.5, 0.2]},
            says("nms_ious", "increasing", "list", "Sort"),
            id="stops",
        ),
    ],
)
def test_what_is_refused(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nms_sweep(**arguments)


def test_stops_that_fill_their_words() -> None:
    """A box that is kept at no stop needs one bit more, for a stop above all IoUs."""
    boxes = [SQUARE] * 3
    for count in (64, 128, 192, 255):
        swept = nms_sweep(boxes, [0.5] * 3, nms_ious=[k / 300 for k in range(count)])
        assert swept.tolist() == [[True] * count, [False] * count, [False] * count]
