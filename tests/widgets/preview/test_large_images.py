"""Far larger than usual: what crosses stays bounded, and nothing is lost."""

from __future__ import annotations

import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training.history.history import History
from torchdial.widgets.preview import preview as preview_module, segmentation_dial

HOSTS_LIMIT = 1000  # iopub messages a second that Jupyter servers let through
WIDGETS = 20


class Wire:
    """Counts what widgets send, and when."""

    def __init__(self, widgets: list[Any]) -> None:
        self.sent: list[tuple[float, int, str]] = []
        for number, widget in enumerate(widgets):
            widget.send = lambda content, _buffers=None, number=number: self.sent.append(
                (time.monotonic(), number, content["type"])
            )

    def most_a_second(self) -> float:
        """Return it as hosts count it, over three seconds."""
        times = np.array([at for at, _, _ in self.sent])
        return max(int(((times >= at) & (times < at + 3)).sum()) for at in times) / 3


def test_a_burst_of_logs_to_twenty_widgets_floods_no_host_and_loses_no_point(
    tmp_path: Path,
) -> None:
    monitor = td.TrainingMonitor(nn.Linear(1, 1), autosave=tmp_path / "run.td")
    widgets = [*(td.TrainingPanel(monitor) for _ in range(10))]
    widgets += [td.LossPlot(monitor) for _ in range(10)]
    wire = Wire(widgets)
    for i in range(count := 50_000):
        monitor.log(loss=float(i))
    monitor.close()
    for widget in widgets:
        widget.close()
    np.testing.assert_array_equal(monitor.history["loss"].values, np.arange(count))
    np.testing.assert_array_equal(
        History.load(tmp_path / "run.td")["loss"].values, np.arange(count)
    )
    assert {kind for _, _, kind in wire.sent} <= {"delta", "keyframe"}
    assert {number for _, number, _ in wire.sent} == set(range(WIDGETS))
    assert wire.most_a_second() < WIDGETS * 15 < HOSTS_LIMIT
    assert monitor.problem == ""


class Lazy:
    """A hundred thousand pictures, made when they are read; knows how many of them live."""

    def __init__(self) -> None:
        self.read: list[int] = []
        self.alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()

    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: int) -> torch.Tensor:
        self.read.append(index)
        made = torch.full((3, 8, 8), index % 256, dtype=torch.uint8)
        self.alive.add(made)
        return made


def test_paging_through_a_large_dataset_reads_what_is_seen_and_keeps_little() -> None:
    dataset = Lazy()
    grid = td.ImageGrid(dataset)
    size = grid._config["page_size"]
    answers: list[list[Any]] = []
    grid.send = lambda _content, buffers=None: answers.append(buffers)  # type: ignore[method-assign]
    for page in range(1, 100):
        images = range(page * size, (page + 1) * size)
        for kind in ("about", "picture"):
            keys = [f"{kind}/{image}" for image in images]
            grid._on_message(grid, {"type": "need", "id": page, "keys": keys}, [])
    assert [bytes(b)[0] for b in answers[-1]] == [i % 256 for i in range(99 * size, 100 * size)]
    assert dataset.read == list(range(100 * size)), "each once, in the order they were seen"
    assert len(dataset.alive) <= 3 * size


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_two_hundred_classes_open_within_the_budget_and_the_rest_comes_on_request(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "FIRST_PAGE_BYTES", 3 << 20)
    logits = torch.randn(6, 200, 48, 48, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 200, (6, 48, 48))
    targets = labels if task == "multiclass" else torch.rand_like(logits) > 0.9
    preview = td.SegmentationPreview(
        torch.rand(6, 3, 48, 48), logits, targets, task=task, from_logits=True
    )
    tiles = [*preview._pictures["tiles"], *preview._frame["sources"][0]["tiles"]]
    assert sum(len(tile["data"]) for tile in tiles) <= 3 << 20
    opening = {tile["key"] for tile in tiles}
    assert {"image/0", "target/0" if task == "multiclass" else "target/0/199"} <= opening
    last = "level/0/5/199"
    assert last not in opening
    answers: list[tuple[Any, Any]] = []
    preview.send = lambda content, buffers=None: answers.append((content, buffers))  # type: ignore[method-assign]
    preview._on_message(preview, {"type": "need", "id": 1, "keys": [last]}, [])
    ((content, (plane,)),) = answers
    assert content["keys"] == [last]
    probability = logits[5].softmax(0)[199] if task == "multiclass" else logits[5, 199].sigmoid()
    stops = torch.arange(101, dtype=torch.float64) / 100
    levels = (stops.float()[:, None, None] < probability).sum(0)
    np.testing.assert_array_equal(np.frombuffer(plane, np.uint8).reshape(48, 48), levels)


def test_maps_of_many_classes_open_with_one_image_and_come_in_messages_of_limited_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preview_module, "FIRST_MAP_BYTES", 30 * 48 * 48)
    monkeypatch.setattr(preview_module, "MESSAGE_BYTES", 8 * 48 * 48)
    preview = td.SegmentationPreview(
        torch.rand(3, 3, 48, 48), torch.rand(3, 20, 48, 48), task="multilabel"
    )
    (source,) = preview._frame["sources"]
    opening = {tile["key"] for tile in source["tiles"]}
    assert opening == {f"level/0/0/{c}" for c in range(20)}
    answers: list[tuple[Any, Any]] = []
    preview.send = lambda content, buffers=None: answers.append((content, buffers))  # type: ignore[method-assign]
    asked = [f"level/0/1/{c}" for c in range(20)]
    preview._on_message(preview, {"type": "need", "id": 5, "keys": asked}, [])
    assert [key for content, _ in answers for key in content["keys"]] == asked
    assert {content["id"] for content, _ in answers} == {5}
    assert [len(buffers) for _, buffers in answers] == [7, 8, 5]
    assert all(len(content["codings"]) == len(buffers) for content, buffers in answers)


MANY = (3, 70, 24, 24)  # (N, C, H, W)


def many_classes(**options: Any) -> td.SegmentationPreview:
    options = {"task": "multilabel", "min_sizes": (0, 5)} | options
    num_classes = options.pop("num_classes", MANY[1])
    maps = torch.rand((3, num_classes, 24, 24), generator=torch.Generator().manual_seed(0))
    targets = maps.argmax(1) if options["task"] == "multiclass" else maps > 0.9
    return td.SegmentationPreview(torch.rand(3, 3, 24, 24), maps, targets, **options)


def opening_of(preview: Any) -> dict[str, Any]:
    tiles = [*preview._pictures["tiles"], *preview._frame["sources"][0]["tiles"]]
    return {tile["key"]: tile for tile in tiles}


def labels_seen(plane: Any, stop: int) -> np.ndarray:
    """Return what a page paints of a plane of top classes, -1 for nothing."""
    seen = np.full((24, 24), -1)
    for levels, labels in np.frombuffer(plane, np.uint8).reshape(-1, 2, 24, 24)[::-1]:
        seen = np.where(levels > stop, labels.astype(int), seen)
    return seen


def labels_on(preview: td.SegmentationPreview, image: int) -> np.ndarray:
    """Return the last class of each pixel that is on, -1 for none."""
    on = [preview.mask(image, label) > 0 for label in range(MANY[1])]
    return np.where(np.any(on, 0), MANY[1] - 1 - np.argmax(on[::-1], 0), -1)


def test_many_large_maps_open_with_the_classes_that_are_seen_of_all_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segmentation_dial, "FIRST_MAP_BYTES", 0)
    preview = many_classes(keep=4)
    images = range(MANY[0])

    def check(tiles: Any) -> None:
        for image in images:
            for size, end in ((0, ""), (5, "@1")):
                preview.min_size = size
                for stop in (10, 50, 95):
                    preview.threshold = stop / 100
                    seen = labels_seen(tiles[f"top/0/{image}{end}"]["data"], stop)
                    np.testing.assert_array_equal(seen, labels_on(preview, image))

    opening = opening_of(preview)
    names = ("image/{}", "top/0/{}", "top/0/{}@1")
    assert set(opening) == {name.format(image) for image in images for name in names}
    check(opening)
    assert preview.refresh(torch.rand(MANY), step=7)
    check(opening_of(preview))
    preview.step = 0
    kept = preview._pack_kept(0, ["top/0/0", "top/0/0@1"])["sources"][0]["tiles"]
    images = range(1)
    check({tile["key"]: tile for tile in kept})
    everything = preview._picture_in_file(2)
    wanted = {f"level/0/2/{c}{end}" for c in range(70) for end in ("", "@1")}
    assert set(everything) == {
        *wanted,
        *(f"target/2/{c}" for c in range(70)),
        *(name.format(2) for name in names),
    }


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"num_classes": 64}, id="fewer classes"),
        pytest.param({"class_thresholds": {3: 0.2}}, id="thresholds of their own"),
        pytest.param({"task": "multiclass"}, id="multiclass"),
    ],
)
def test_other_maps_open_with_all_that_is_shown(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation_dial, "FIRST_MAP_BYTES", 0)
    preview = many_classes(**options)
    shown = "maximum/0/2" if "task" in options else "level/0/2/63"
    opening = opening_of(preview)
    assert shown in opening
    assert not [key for key in opening if key.startswith("top/")]
    assert not preview._config["has_tops"]


@pytest.mark.parametrize("key", ["top/0/3", "top/0/-1", "top/0", "top/0/0/0", "top/1/0", "top/0/x"])
def test_what_is_no_plane_of_top_classes_is_refused(key: str) -> None:
    with pytest.raises(KeyError, match=key):
        many_classes()._planes([key])


def test_twenty_thousand_candidates_cross_in_some_fifty_bytes_each() -> None:
    generator = torch.Generator().manual_seed(0)
    corner = 900 * torch.rand(20_000, 2, generator=generator)
    size = 4 + 90 * torch.rand(20_000, 2, generator=generator)
    found = {
        "boxes": torch.cat([corner, corner + size], 1),
        "scores": torch.rand(20_000, generator=generator),
        "labels": torch.randint(0, 20, (20_000,), generator=generator),
    }
    preview = td.DetectionPreview(torch.rand(1, 3, 16, 16), [found], class_names=["x"] * 20)
    assert sum(_bytes_in(preview._frame["sources"])) <= 64 * 20_000
    preview.score_threshold = 0.999
    kept = preview.kept(0)["scores"]
    assert (kept > 0.999).all()
    assert 0 < len(kept) < 40


def _bytes_in(value: Any) -> list[int]:
    if isinstance(value, (bytes, memoryview)):
        return [memoryview(value).nbytes]
    values = value.values() if isinstance(value, dict) else value
    return [n for v in values for n in _bytes_in(v)] if isinstance(value, (dict, list)) else []


def test_the_picture_of_a_thousand_modules_is_short_and_says_so() -> None:
    model = nn.Sequential(*(nn.Linear(1 + i % 7, 1 + (i + 1) % 7) for i in range(1000)))
    tree = td.ModelTree(model)
    (text,) = tree.to_matplotlib().texts
    lines = text.get_text().splitlines()
    whole = tree.text().splitlines()
    assert len(lines) == 200
    assert lines[:195] == whole[:195]
    assert lines[195] == f"… {len(whole) - 199:,} lines more"
    assert lines[-1] == whole[-1]


BOX = {"boxes": [[0.0, 0.0, 1.0, 1.0]], "scores": [1.0], "labels": [0]}
HUGE = torch.zeros((), dtype=torch.uint8).expand(3, 16_384, 16_384)  # of no memory


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(lambda: td.SegmentationPreview(HUGE[None], HUGE[:1]), id="segmentation"),
        pytest.param(lambda: td.DetectionPreview([HUGE], [BOX]), id="detection"),
        pytest.param(lambda: td.ImageGrid(HUGE), id="grid"),
        pytest.param(lambda: td.ImageGrid(HUGE[0]), id="a map in a grid"),
    ],
)
def test_a_map_no_browser_can_draw_is_refused_in_words(show: Any) -> None:
    with pytest.raises(
        ValueError, match=r"at most [\d,]+ pixels.*got 16,384 × 16,384.*interpolate"
    ):
        show()


def test_a_page_with_a_picture_too_large_is_answered_with_the_reason() -> None:
    grid = td.ImageGrid(Growing())
    answers: list[Any] = []
    grid.send = lambda content, _buffers=None: answers.append(content)  # type: ignore[method-assign]
    grid._on_message(grid, {"type": "need", "id": 1, "keys": ["about/64"]}, [])
    (answer,) = answers
    assert answer["type"] == "error"
    assert "16,384 × 16,384" in answer["message"]


class Growing:
    """Small pictures, and one that is not."""

    def __len__(self) -> int:
        return 65

    def __getitem__(self, index: int) -> torch.Tensor:
        return HUGE if index == 64 else HUGE[:, :8, :8]
