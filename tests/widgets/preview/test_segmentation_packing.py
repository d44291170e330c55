"""What crosses the wire."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.widgets.preview.test_segmentation_preview import multiclass, scene
from torchdial.widgets.preview import preview as preview_module
from torchdial.widgets.preview.segmentation_packing import pack_tally


def tiles_of(preview: Any) -> dict[str, np.ndarray]:
    tiles = preview._pictures["tiles"] + [
        tile for source in preview._frame["sources"] for tile in source["tiles"]
    ]
    return {tile["key"]: np.frombuffer(tile["data"], np.uint8) for tile in tiles}


def test_a_binary_map_costs_one_byte_a_pixel() -> None:
    images, probs, targets = scene()
    preview = td.SegmentationPreview(images, probs, targets)
    levels = [data for key, data in tiles_of(preview).items() if key.startswith("level/")]
    assert sum(level.nbytes for level in levels) == probs.numel()
    slow = [sum(float(stop) < p for stop in preview.curves.thresholds) for p in probs[0].flatten()]
    np.testing.assert_array_equal(levels[0], slow)


def test_a_multiclass_map_opens_with_the_argmax_and_its_level() -> None:
    images, probs, labels = multiclass()
    preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
    tiles = tiles_of(preview)
    assert not [key for key in tiles if key.startswith("level/")]
    np.testing.assert_array_equal(tiles["argmax/0/1"], probs[1].argmax(0).flatten())
    np.testing.assert_array_equal(tiles["target/2"], labels[2].flatten())


class TestRequests:
    def need(self, preview: Any, *keys: str) -> None:
        preview._handle_custom_msg({"type": "need", "id": 7, "keys": list(keys)}, [])

    def test_are_answered_with_their_id_version_and_planes(self, sent: list[Any]) -> None:
        images, probs, labels = multiclass()
        preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
        sent.clear()
        self.need(preview, "level/0/1/3", "image/0")
        [(data, buffers)] = sent
        assert data["content"] == {
            "type": "tiles",
            "id": 7,
            "version": 0,
            "keys": ["level/0/1/3", "image/0"],
            "codings": [None, None],
        }
        np.testing.assert_array_equal(
            np.frombuffer(buffers[0], np.uint8).reshape(8, 10) > 50, probs[1, 3] > 0.5
        )
        assert len(buffers[1]) == 8 * 10 * 3

    def test_after_a_refresh_are_answered_with_its_version_and_planes(
        self, sent: list[Any]
    ) -> None:
        images, probs, labels = multiclass()
        preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
        for version, newer in enumerate((probs.flip(1), probs.flip(3)), start=1):
            preview.refresh(newer)
            assert preview._frame["version"] == version
            sent.clear()
            self.need(preview, "level/0/1/3")
            [(data, [levels])] = sent
            assert data["content"]["version"] == version, "or the page would drop the planes"
            seen = np.frombuffer(levels, np.uint8).reshape(8, 10)
            np.testing.assert_array_equal(seen > 50, newer[1, 3] > 0.5)

    def test_once_answered_are_kept_up_to_date(self, sent: list[Any]) -> None:
        images, probs, labels = multiclass()
        preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
        self.need(preview, "level/0/1/3")
        preview.refresh(probs.flip(1))
        levels = tiles_of(preview)["level/0/1/3"].reshape(8, 10)
        np.testing.assert_array_equal(levels > 50, probs.flip(1)[1, 3] > 0.5)

    def test_after_a_refresh_name_its_version_and_get_its_planes(self, sent: list[Any]) -> None:
        images, probs, labels = multiclass()
        preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
        preview.refresh(probs.flip(1))
        sent.clear()
        self.need(preview, "level/0/1/3")
        [(data, buffers)] = sent
        assert data["content"]["version"] == preview.get_state()["_frame"]["version"] == 1
        levels = np.frombuffer(buffers[0], np.uint8).reshape(8, 10)
        np.testing.assert_array_equal(levels > 50, probs.flip(1)[1, 3] > 0.5)

    def test_beyond_the_budget_only_the_latest_are_kept_up_to_date(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images, probs, labels = multiclass()
        preview = td.SegmentationPreview(images, probs, labels, task="multiclass")
        for c in range(4):
            self.need(preview, f"level/0/0/{c}")
        monkeypatch.setattr(preview_module, "OPENING_BYTES", 2 * 8 * 10)
        preview.refresh(probs)
        levels = {key for key in tiles_of(preview) if key.startswith("level/")}
        assert levels == {"level/0/0/2", "level/0/0/3"}

    @pytest.mark.parametrize(
        "key",
        ["level/0/9/0", "level/5/0/0", "image/-1", "argmax/0/0", "target/x", "", "level", "_esm/0"],
    )
    def test_for_what_is_not_there_get_an_error_with_their_id(
        self, sent: list[Any], key: str
    ) -> None:
        preview = td.SegmentationPreview(*scene())
        sent.clear()
        self.need(preview, key)
        [(data, _)] = sent
        assert (data["content"]["type"], data["content"]["id"]) == ("error", 7)

    def test_of_an_unknown_type_get_an_error(self, sent: list[Any]) -> None:
        preview = td.SegmentationPreview(*scene())
        sent.clear()
        preview._handle_custom_msg({"type": "delete", "id": 1}, [])
        assert "unknown message type 'delete'" in sent[0][0]["content"]["message"]


def test_past_the_first_page_planes_wait_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    images, probs, targets = scene(n=20)
    monkeypatch.setattr(preview_module, "OPENING_BYTES", 0)
    few = tiles_of(td.SegmentationPreview(images, probs, targets))
    assert {key for key in few if key.startswith("image/")} == {f"image/{i}" for i in range(16)}
    monkeypatch.undo()
    assert len(tiles_of(td.SegmentationPreview(images, probs, targets))) == 3 * 20


def test_counts_too_large_to_send_are_refused_with_a_remedy() -> None:
    sweep = td.ThresholdSweep()
    sweep.update(torch.zeros(30, 1, 1), torch.zeros(30, 1, 1))
    curves = sweep.compute()
    counts = type(curves.counts)(
        *(t.repeat(700, *[1] * (t.ndim - 1)) for t in curves.counts.tensors())
    )
    large = type(curves)("binary", curves.stops, counts)
    with pytest.raises(ValueError, match="average='micro'"):
        pack_tally(large, "image", per_image=False)
    for per_image in (False, True):
        packed = pack_tally(large, "micro", per_image=per_image)
        assert (packed["total_images"], packed["counts"]["num_images"]) == (21_000, 1)
