"""The image grid's wire and traits, without a browser."""

from __future__ import annotations

import json
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from traitlets import TraitError

import torchdial as td
from torchdial.widgets.image_grid import GRID_PAGE_SIZE


def tiles(grid: td.ImageGrid) -> dict[str, bytes]:
    return {tile["key"]: bytes(tile["data"]) for tile in grid._frame["tiles"]}


def about(grid: td.ImageGrid, index: int) -> dict[str, Any]:
    return json.loads(bytes(grid._tile(f"about/{index}")))


def asked(grid: td.ImageGrid, content: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    sent: list[Any] = []
    grid.send = lambda c, buffers=None: sent.append((c, buffers))  # type: ignore[method-assign]
    grid._on_message(grid, {"id": 5, **content}, [])
    ((reply, buffers),) = sent
    assert reply["id"] == 5
    return reply, [bytes(b) for b in buffers or []]


class Numbered(Dataset):
    """Ten thousand pictures, made when they are asked for."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index >= len(self):
            raise IndexError(index)
        self.read.append(index)
        return torch.full((3, 4, 4), index % 256, dtype=torch.uint8), index


def test_small_pictures_come_whole_and_large_ones_reduced() -> None:
    images = [torch.rand(3, 20, 30), torch.rand(3, 400, 300)]
    grid = td.ImageGrid(images)
    assert set(tiles(grid)) == {"about/0", "picture/0", "about/1", "small/1"}
    assert tiles(grid)["picture/0"] == grid.picture(0).pixels.tobytes()
    assert about(grid, 1)["reduced"] == 3
    small = np.frombuffer(tiles(grid)["small/1"], np.uint8).reshape(134, 100, 3)
    pixels = grid.picture(1).pixels.astype(float)
    np.testing.assert_allclose(small[0, 0], pixels[:3, :3].mean((0, 1)), atol=0.51)
    np.testing.assert_allclose(small[-1, -1], pixels[399:, 297:].mean((0, 1)), atol=0.51)


def test_the_whole_picture_follows_when_it_is_asked_for() -> None:
    grid = td.ImageGrid(torch.rand(1, 3, 200, 200))
    reply, buffers = asked(grid, {"type": "need", "keys": ["picture/0"]})
    assert (reply["type"], reply["keys"], reply["version"]) == ("tiles", ["picture/0"], 0)
    assert buffers == [grid.picture(0).pixels.tobytes()]


@pytest.mark.parametrize(
    ("image", "values"),
    [
        pytest.param(torch.tensor([[[[0.25]]], [[[3.5]]]])[:1], "0.25", id="float"),
        pytest.param(torch.full((1, 3, 1, 1), 7, dtype=torch.uint8), "7, 7, 7", id="uint8"),
        pytest.param(torch.full((1, 1, 1), 12), "12", id="label"),
        pytest.param(torch.ones(1, 1, 1, 1, dtype=torch.bool), "True", id="bool"),
        pytest.param(torch.tensor([[[[float("nan")]]]]), "nan", id="NaN"),
    ],
)
def test_values_under_the_pointer_are_those_that_were_given(image: Any, values: str) -> None:
    reply, _ = asked(td.ImageGrid(image), {"type": "pixel", "image": 0, "x": 0, "y": 0})
    assert reply["values"] == values


def test_what_there_is_not_is_answered_with_an_error() -> None:
    grid = td.ImageGrid(torch.rand(2, 3, 4, 4))
    for content in (
        {"type": "need", "keys": ["picture/2"]},
        {"type": "need", "keys": ["mask/0"]},
        {"type": "need", "keys": ["picture/-1"]},
        {"type": "pixel", "image": 0, "x": 4, "y": 0},
        {"type": "dance"},
    ):
        assert asked(grid, content)[0]["type"] == "error", content


def test_only_what_is_seen_of_a_dataset_is_read() -> None:
    dataset = Numbered()
    grid = td.ImageGrid(dataset)
    assert set(dataset.read) == set(range(GRID_PAGE_SIZE))
    assert grid._config["num_images"] == 10_000
    _, buffers = asked(grid, {"type": "need", "keys": ["picture/9999"]})
    assert buffers == [bytes([9999 % 256] * 48)]
    assert len(set(dataset.read)) == GRID_PAGE_SIZE + 1


def test_a_loader_is_read_in_its_order_up_to_what_is_seen() -> None:
    dataset = Numbered()
    grid = td.ImageGrid(DataLoader(dataset, batch_size=50))
    assert set(dataset.read) == set(range(100))
    assert grid.picture(99).pixels[0, 0, 0] == 99
    grid.picture(120)
    assert max(dataset.read) == 149


def test_captions_tell_ranges_and_channels() -> None:
    grid = td.ImageGrid(torch.linspace(-1, 3, 5 * 16).reshape(1, 5, 4, 4), normalize=(-1, 3))
    assert (about(grid, 2)["caption"], about(grid, 2)["range"]) == ("channel 2", "[-1, 3]")
    assert grid._caption(2) == "channel 2  [-1, 3]"
    assert about(td.ImageGrid(torch.rand(2, 3, 4, 4), captions=["a", "b"]), 1)["caption"] == "b"


def test_masks_and_boxes_are_laid_over() -> None:
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[1, 2] = True
    boxes = {"boxes": torch.tensor([[0.0, 1.0, 2.0, 3.0]]), "labels": torch.tensor([4])}
    grid = td.ImageGrid(torch.rand(3, 3, 4, 4), targets=[mask, boxes, None])
    shown = [(about(grid, i)["has_mask"], about(grid, i)["has_boxes"]) for i in range(3)]
    assert shown == [(True, False), (False, True), (False, False)]
    np.testing.assert_array_equal(grid._tile("mask/0"), mask.numpy())
    assert grid._tile("boxes/1").view("<f4").tolist() == [[0, 1, 2, 3, 4]]


def test_selected_is_checked_and_keeps_its_order() -> None:
    grid = td.ImageGrid(torch.rand(3, 3, 4, 4))
    grid.selected = [2, 0, 2]
    assert grid.selected == [2, 0]
    with pytest.raises(TraitError, match=r"expected indices 0 … 2, got 3"):
        grid.selected = [3]
    grid._on_message(grid, {"type": "settle", "id": 0, "state": {"selected": [1]}}, [])
    assert grid.selected == [1]


def test_a_refresh_that_is_refused_leaves_the_last_pictures() -> None:
    grid = td.ImageGrid(torch.rand(2, 3, 4, 4))
    before = grid.picture(0).pixels
    assert not grid.refresh("nothing")
    assert "were refused. images: expected tensors" in grid._notice
    assert np.array_equal(grid.picture(0).pixels, before)
    assert grid.refresh(torch.zeros(5, 3, 8, 8))
    assert (grid._notice, grid._config["num_images"], grid._config["height"]) == ("", 5, 8)
    assert tiles(grid)["picture/4"] == bytes(192)


class PartlyMissing(Dataset[torch.Tensor]):
    """A hundred pictures, of which the file of one is gone."""

    def __len__(self) -> int:
        return 100

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == 70:
            raise FileNotFoundError(2, "No such file or directory", "70.png")
        return torch.full((1, 2, 2), index, dtype=torch.uint8)


def replies(grid: td.ImageGrid, keys: list[str]) -> list[tuple[dict[str, Any], list[bytes]]]:
    sent: list[Any] = []
    grid.send = lambda c, buffers=None: sent.append((c, buffers))  # type: ignore[method-assign]
    grid._on_message(grid, {"id": 5, "type": "need", "keys": keys}, [])
    return sent


def test_a_file_that_is_missing_on_the_second_page_costs_only_its_picture() -> None:
    grid = td.ImageGrid(PartlyMissing())
    (tiles_sent, buffers), (error, _) = replies(grid, ["picture/69", "picture/70", "picture/71"])
    assert tiles_sent["keys"] == ["picture/69", "picture/71"]
    assert buffers == [bytes([69] * 4), bytes([71] * 4)]
    assert (error["type"], error["id"]) == ("error", 5)
    assert "picture 70 cannot be shown: FileNotFoundError: [Errno 2]" in error["message"]
    assert "70.png" in error["message"]


def test_a_batch_that_fails_does_not_shift_the_pictures_after_it() -> None:
    grid = td.ImageGrid(DataLoader(PartlyMissing(), batch_size=10))
    for _ in range(2):
        (_, [buffer]), (error, _) = replies(grid, ["picture/69", "picture/70", "picture/80"])
        assert buffer == bytes([69] * 4)
        assert "FileNotFoundError" in error["message"]
    assert grid._config["num_images"] == 100


class Unreadable(Dataset[torch.Tensor]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> torch.Tensor:
        raise FileNotFoundError(f"{index}.png")


def test_later_pages_are_sent_after_a_refused_refresh() -> None:
    grid = td.ImageGrid(torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1))
    assert not grid.refresh(Unreadable())
    assert "0.png" in grid._notice
    ((reply, buffers),) = replies(grid, ["picture/99"])
    assert reply["version"] == grid._frame["version"]  # the page drops those of other versions
    assert buffers == [bytes([99])]


def test_chosen_pictures_that_are_gone_after_a_refresh_are_chosen_no_more() -> None:
    grid = td.ImageGrid(torch.rand(9, 3, 4, 4))
    grid.selected = [8, 1]
    assert not grid.refresh("nothing")
    assert grid.selected == [8, 1]
    assert grid.refresh(torch.rand(4, 3, 4, 4))
    assert grid.selected == [1]


@pytest.mark.parametrize("more", [3, 100], ids=["on the first page", "on the second page"])
def test_more_pictures_than_captions_and_targets_are_shown_and_the_widget_says_so(
    more: int,
) -> None:
    grid = td.ImageGrid(
        torch.rand(2, 3, 4, 4), captions=["a", "b"], targets=[torch.eye(4).int(), None]
    )
    assert grid.refresh(torch.rand(more, 3, 4, 4))
    assert grid._notice == (
        f"There are {more} pictures, but 2 captions and 2 targets: later pictures have none."
    )
    assert (about(grid, 1)["caption"], about(grid, more - 1)["caption"]) == ("b", str(more))
    assert (about(grid, 0)["has_mask"], about(grid, more - 1)["has_mask"]) == (True, False)
    assert grid.refresh(torch.rand(2, 3, 4, 4))
    assert grid._notice == ""


class Tokens(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return {"names": "abc", "logits": ()}


@pytest.mark.parametrize(
    ("module", "channel", "words"),
    [
        pytest.param(nn.Conv2d(1, 2, 1), 7, "index 7 is out of", id="a channel that there is not"),
        pytest.param(nn.Conv2d(1, 2, 1, device="meta"), None, "meta tensor", id="no values"),
        pytest.param(Tokens(), None, "module: expected one that returns a tensor", id="no tensor"),
    ],
)
def test_what_cannot_be_watched_is_a_notice_and_no_error_in_the_forward_pass(
    module: nn.Module, channel: int | None, words: str
) -> None:
    grid = td.ImageGrid(torch.zeros(1, 1, 4, 4))
    grid.watch(module, channel)
    device = next(module.parameters(), torch.zeros(1)).device
    module(torch.rand(1, 1, 4, 4, device=device))
    assert grid._notice.startswith("The pictures are earlier ones: these were refused. ")
    assert words in grid._notice
    assert len(grid._source) == 1
    grid.close()


def test_watching_shows_activations_and_changes_nothing() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU())
    images = torch.rand(2, 3, 8, 8)
    expected = model(images)
    grid = td.ImageGrid(torch.zeros(1, 1, 4, 4))
    grid.watch(model[0], channel=[1, 3])
    assert torch.equal(model(images), expected)
    assert grid._config["num_images"] == 2
    channels = model[0](images)[0].detach()
    np.testing.assert_array_equal(grid.picture(1).values, channels[3].numpy())
    assert not model[0](images).isnan().any()
    grid.close()
    assert not model[0]._forward_hooks


def test_watching_looks_at_most_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("torchdial.widgets.image_grid.time.monotonic", lambda: now[0])
    layer = nn.Conv2d(1, 2, 1)
    grid = td.ImageGrid(torch.zeros(1, 1, 4, 4))
    grid.watch(layer)
    versions = []
    for later in (0.0, 0.4, 0.2):
        now[0] += later
        layer(torch.rand(1, 1, 4, 4))
        versions.append(grid._version)
    assert versions == [1, 1, 2]


def test_a_closed_grid_is_collected() -> None:
    grid = td.ImageGrid(torch.rand(2, 3, 4, 4))
    grid.watch(nn.Conv2d(3, 1, 1))
    alive = weakref.ref(grid)
    grid.close()
    del grid
    import gc

    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"captions": ["a"]}, "a text for each of 2 pictures", id="one caption"),
        pytest.param({"targets": [None]}, "one for each of 2 pictures", id="one target"),
        pytest.param(
            {"targets": [torch.rand(4, 4)] * 2}, "Threshold probabilities: ", id="soft masks"
        ),
    ],
)
def test_refuses_with_a_reason(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        td.ImageGrid(torch.rand(2, 3, 4, 4), **options)


def test_the_static_picture_shows_the_page() -> None:
    grid = td.ImageGrid(
        [torch.rand(3, 8, 8), torch.rand(1, 4, 6)], targets=[torch.eye(8).int(), None]
    )
    figure = grid.to_matplotlib()
    (sheet,) = (image.get_array() for image in figure.axes[0].images)
    half = sheet.shape[1] // 2
    np.testing.assert_array_equal(
        sheet[10, half + 10], [*[grid.picture(1).pixels[0, 0, 0]] * 3, 255]
    )
    assert [text.get_text() for text in figure.texts] == ["1", "2"]
    data, _ = grid._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")


def test_a_mask_of_another_size_is_named_in_the_caption() -> None:
    grid = td.ImageGrid(
        torch.rand(2, 3, 8, 10), targets=[torch.ones(8, 10).long(), torch.ones(4, 5).long()]
    )
    assert [grid._caption(i) for i in range(2)] == ["1", "2  mask of 4 × 5 not drawn"]


def test_16_bits_keep_their_window_over_datasets_and_refreshes() -> None:
    first, second = torch.tensor([[[0, 1000]]]).short(), torch.tensor([[[500, 3000]]]).short()
    grid = td.ImageGrid([first, first])
    grid.refresh([second])
    picture = grid.picture(0)
    assert picture.range == (0, 1000)
    assert picture.pixels.ravel().tolist() == [128, 255]
    slices = td.ImageGrid(TensorDataset(torch.stack([second, first])))
    assert [slices.picture(i).range for i in range(2)] == [(500, 3000)] * 2


def test_labels_have_names_and_instances_their_labels() -> None:
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, 2:] = True, True
    boxes = [[0.0, 0, 4, 2], [0, 2, 4, 4]]
    target = {"boxes": boxes, "labels": torch.tensor([7, 3]), "masks": masks}
    names = {3: "cat", 7: "dog"}
    grid = td.ImageGrid(
        torch.rand(2, 3, 4, 4), targets=[target, masks[0].long()], class_names=names
    )
    assert grid._config["class_names"] == {"3": "cat", "7": "dog"}
    assert about(grid, 0)["instances"] == [7, 3]
    assert about(grid, 1)["instances"] is None
    by_name = td.ImageGrid(
        torch.rand(1, 3, 4, 4),
        targets=[{"boxes": boxes, "labels": ["dog", "cat"]}],
        class_names=names,
    )
    assert np.frombuffer(by_name._tile("boxes/0"), "<f4").reshape(-1, 5)[:, 4].tolist() == [7, 3]
    with pytest.raises(ValueError, match="class_names: expected"):
        td.ImageGrid(torch.rand(1, 3, 4, 4), class_names=5)
