"""The device has no memory left while a preview looks at the model: smaller batches, then words."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td

# Sixteenths, as the weights are: their products and sums are exact, so that the order of summing,
# which depends on the batch size and the CPU, changes nothing.
IMAGES = torch.randint(0, 17, (7, 3, 8, 8), generator=torch.Generator().manual_seed(0)) / 16


class Tight(nn.Module):
    """A model for which there is memory for so many images at a time."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)
        with torch.no_grad():
            for parameter in self.conv.parameters():
                parameter.mul_(16).round_().div_(16)
        self.room = room
        self.batches: list[int] = []

    def forward(self, images: Any) -> Any:
        self.batches.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.conv(torch.stack(list(images)))


class Finder(Tight):
    """The same for boxes."""

    def forward(self, images: Any) -> list[dict[str, torch.Tensor]]:
        found = super().forward(images)
        corners = torch.tensor([[1.0, 1.0, 5.0, 5.0]])
        return [
            {"boxes": corners, "scores": m.sigmoid().mean()[None], "labels": torch.tensor([0])}
            for m in found
        ]


def maps_of(model: Tight) -> Any:
    return td.SegmentationPreview.from_model(model, IMAGES, from_logits=True, batch_size=7)


def boxes_of(model: Tight) -> Any:
    return td.DetectionPreview.from_model(model, IMAGES, batch_size=7)


CASES = pytest.mark.parametrize(
    ("kind", "preview_of"), [(Tight, maps_of), (Finder, boxes_of)], ids=["maps", "boxes"]
)


@CASES
@pytest.mark.parametrize(
    ("room", "batches"),
    [(7, [7]), (6, [7, 3, 3, 1]), (2, [7, 3, 1, 1, 1, 1, 1, 1, 1])],
    ids=["enough", "less", "little"],
)
def test_smaller_batches_are_tried(kind: Any, preview_of: Any, room: int, batches: Any) -> None:
    """And the picture is that of the same weights in one batch."""
    torch.manual_seed(0)
    model, whole = kind(room=7), kind(room=7)
    preview, expected = preview_of(model), preview_of(whole)
    model.batches.clear()
    with torch.no_grad():
        model.conv.weight.neg_()
    whole.load_state_dict(model.state_dict())
    expected.refresh()
    model.room = room
    assert preview.refresh()
    assert preview.notice == ""
    assert model.batches == batches
    assert drawn(preview) == drawn(expected)


def drawn(preview: Any) -> list[Any]:
    if isinstance(preview, td.SegmentationPreview):
        return [preview.mask(i).tolist() for i in range(7)]
    return [{k: v.tolist() for k, v in preview.kept(i).items()} for i in range(7)]


@CASES
def test_when_not_even_one_fits_the_last_picture_stays_with_a_notice(
    kind: Any, preview_of: Any
) -> None:
    model = kind(room=7)
    preview = preview_of(model)
    before = drawn(preview)
    with torch.no_grad():
        model.conv.weight.neg_()
    modes, model.room = [m.training for m in model.modules()], 0
    assert not preview.refresh()
    assert "The picture is an earlier one" in preview.notice
    assert "batch_size: expected memory for one image at a time" in preview.notice
    assert "Tried to allocate 2.00 GiB" in preview.notice
    assert "Pass smaller images, or free memory" in preview.notice
    assert drawn(preview) == before
    assert [m.training for m in model.modules()] == modes
    model.room = 1
    assert preview.refresh()
    assert preview.notice == ""


@CASES
def test_without_a_picture_to_keep_the_error_is_of_its_own_kind(kind: Any, preview_of: Any) -> None:
    with pytest.raises(torch.OutOfMemoryError, match="one image at a time"):
        preview_of(kind(room=0))


@pytest.mark.gpu
def test_a_device_that_is_really_full() -> None:
    """All memory but some is taken; the last layer's output fits for few images only."""
    device = torch.device("cuda")
    model = nn.Conv2d(3, 64, 3, padding=1).to(device)
    images = torch.rand(16, 3, 512, 512)
    found = td.SegmentationPreview.from_model(
        lambda x: model(x.to(device))[:, :1], images, from_logits=True, batch_size=16
    )
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    one = 64 * 512 * 512 * 4
    full = torch.empty(free - 6 * one, dtype=torch.uint8, device=device)
    assert found.refresh(), found.notice
    assert found.notice == ""
    del full
    torch.cuda.empty_cache()
