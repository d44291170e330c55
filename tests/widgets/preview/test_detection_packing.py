"""What crosses the wire of the detection dials, read as a browser does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.sweeps.boxes import coco
from tests.widgets.preview.boxes import read_pairs, read_source, read_targets, scene
from torchdial.widgets.preview import detection_packing as detection_wire, preview as preview_module


def test_candidates_come_in_score_order_with_their_places() -> None:
    images, found, targets = scene()
    parts = read_source(td.DetectionPreview(images, found, targets))
    for i, one in enumerate(found):
        order = coco.by_score(one["scores"])
        assert parts["index"][i].tolist() == order
        np.testing.assert_array_equal(parts["boxes"][i], one["boxes"].numpy()[order])
        np.testing.assert_array_equal(parts["scores"][i], one["scores"].numpy()[order])
        np.testing.assert_array_equal(parts["labels"][i] + 1, one["labels"].numpy()[order])


@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("stops", [[0.0, 0.3, 0.5, 0.7, 1.0], [k / 16 for k in range(17)]])
def test_bits_are_greedy_nms_at_each_stop(stops: list[float], agnostic: bool) -> None:
    images, found, _ = scene()
    preview = td.DetectionPreview(
        images, found, nms_ious=stops, class_agnostic=agnostic, after_nms=False
    )
    parts = read_source(preview)
    assert preview._config["stops"] == stops
    for i, one in enumerate(found):
        for k, stop in enumerate(stops):
            on = parts["kept"][i][:, k >> 3] >> (k & 7) & 1 == 1
            assert parts["index"][i][on].tolist() == coco.kept_of(one, stop, agnostic)


@pytest.mark.parametrize("match_iou", [0.3, 0.5, 0.75])
def test_pairs_are_all_that_suffice_to_match(match_iou: float) -> None:
    """Of equal class; of others too, unless the target is ignored."""
    images, found, targets = scene()
    preview = td.DetectionPreview(images, found, targets, match_iou=match_iou)
    parts, pairs = read_source(preview), read_pairs(preview)
    some = 0
    for i, (one, true) in enumerate(zip(found, targets, strict=True)):
        boxes, places = coco.xywh(one["boxes"]), coco.xywh(true["boxes"])
        expected = {}
        for place, d in enumerate(parts["index"][i].tolist()):
            for g, crowd in enumerate(true["iscrowd"].tolist()):
                iou = coco.match_iou(boxes[d], places[g], bool(crowd))
                same = one["labels"][d] == true["labels"][g]
                if iou >= match_iou and (same or not crowd):
                    expected[place, g] = np.float32(iou)
        ends = zip(pairs["detection"][i].tolist(), pairs["target"][i].tolist(), strict=True)
        assert dict(zip(ends, pairs["iou"][i], strict=True)) == expected
        assert (np.diff(pairs["detection"][i]) >= 0).all()
        some += len(expected)
    assert some > 10


def test_targets_say_what_is_a_crowd() -> None:
    images, found, targets = scene()
    ignore = torch.arange(len(targets[0]["labels"])) == 1
    targets[0] = targets[0] | {"ignore": ignore}
    parts = read_targets(td.DetectionPreview(images, found, targets))
    for i, true in enumerate(targets):
        np.testing.assert_array_equal(parts["boxes"][i], true["boxes"])
        np.testing.assert_array_equal(parts["labels"][i] + 1, true["labels"])
        crowd = true["iscrowd"].numpy()
        ignored = crowd | (ignore.numpy() if i == 0 else 0)
        np.testing.assert_array_equal(parts["flags"][i], crowd + 2 * ignored)


def test_labels_with_gaps_are_places_among_the_classes() -> None:
    images, found, targets = scene()
    far = torch.tensor([0, 17, 90, 1_203])
    for one in (*found, *targets):
        one["labels"] = far[one["labels"]]
    names = {17: "cat", 90: "toothbrush", 1_203: "zucchini"}
    preview = td.DetectionPreview(images, found, targets, class_names=names)
    assert preview._config["class_names"] == ["cat", "toothbrush", "zucchini"]
    assert preview._config["labels"] == [17, 90, 1_203]
    assert preview.class_names == names
    parts = read_source(preview)
    for i in range(len(found)):
        expected = found[i]["labels"].numpy()[parts["index"][i]]
        np.testing.assert_array_equal(far.numpy()[parts["labels"][i] + 1], expected)


@pytest.mark.parametrize("match_iou", [0.5, 0.62])
def test_average_precision_is_pycocotools(match_iou: float) -> None:
    images, found, targets = scene()
    preview = td.DetectionPreview(
        images, found, targets, match_iou=match_iou, nms_ious=[0.4, 0.6], max_det=5
    )
    wire = preview._frame["sources"][0]["ap"]
    ap, mean = np.frombuffer(wire["match"]), np.frombuffer(wire["coco"])
    by_class = np.frombuffer(wire["match_by_class"]).reshape(3, 2)
    for k, stop in enumerate([0.4, 0.6]):
        kept = [
            {name: values[coco.kept_of(one, stop)] for name, values in one.items()} for one in found
        ]
        own = coco.coco_eval(kept, targets, iouThrs=np.array([match_iou])).eval["precision"]
        own = own[0, :, :, 0, -1]
        each = [np.nan if (column < 0).any() else column.mean() for column in own.T]
        np.testing.assert_allclose(by_class[:, k], each[-3:], rtol=0, atol=1e-12)
        np.testing.assert_allclose(ap[k], np.nanmean(each), rtol=0, atol=1e-12)
        all_ious = coco.coco_eval(kept, targets).eval["precision"][:, :, :, 0, -1]
        np.testing.assert_allclose(mean[k], all_ious[all_ious >= 0].mean(), rtol=0, atol=1e-12)


def test_without_targets_a_candidate_costs_39_bytes() -> None:
    images, found, _ = scene()
    preview = td.DetectionPreview(images, found)
    source = preview._frame["sources"][0]
    assert (source["pairs"], source["ap"], preview._targets) == (None, None, None)
    size = sum(len(v) for name, v in source.items() if name != "counts" and isinstance(v, bytes))
    assert size == 39 * sum(len(one["scores"]) for one in found)


def test_the_lowest_score_that_was_passed_is_sent() -> None:
    images, found, targets = scene()
    lowest = min(float(one["scores"].min()) for one in found if len(one["scores"]))
    preview = td.DetectionPreview(images, found, targets)
    assert preview._frame["sources"][0]["score_floor"] == lowest
    floored = td.DetectionPreview(images, found, targets, score_floor=0.3)
    above = sorted(float(s) for one in found for s in one["scores"] if s > 0.3)
    assert floored._frame["sources"][0]["score_floor"] == above[0]
    assert len(np.concatenate(read_source(floored)["scores"])) == len(above)


def test_config_says_what_never_changes() -> None:
    images, found, targets = scene()
    preview = td.DetectionPreview(
        images,
        found,
        targets,
        score_threshold=0.3,
        nms_iou=0.456,
        class_thresholds={2: 0.7},
        max_det=7,
        class_agnostic=True,
    )
    config = preview._config
    assert config["sizes"] == [[20, 22], [18, 20], [20, 20], [15, 30], [20, 21]]
    assert (config["num_images"], config["height"], config["width"]) == (5, 20, 30)
    assert config["initial"] == {
        "score_threshold": 0.3,
        "nms_iou": 0.46,
        "class_thresholds": [None, 0.7, None],
        "max_det": 7,
    }
    assert (config["class_agnostic"], config["after_nms"], config["has_targets"]) == (
        True,
        False,
        True,
    )
    tiles = {tile["key"]: tile["data"] for tile in preview._pictures["tiles"]}
    assert set(tiles) == {f"image/{i}" for i in range(5)}
    expected = (images[3].permute(1, 2, 0) * 255).round().to(torch.uint8)
    np.testing.assert_array_equal(np.frombuffer(tiles["image/3"], np.uint8), expected.flatten())


class TestGivenCurves:
    def sweep(self, **how: Any) -> td.DetectionCurves:
        sweep = td.DetectionSweep(num_classes=5, **how)
        for seed in (3, 4):
            sweep.update(*scene(seed)[1:])
        return sweep.compute()

    def test_cross_as_tables_of_the_classes_of_the_preview(self) -> None:
        curves = self.sweep()
        preview = td.DetectionPreview(*scene(), curves=curves, average="macro")
        (wire,) = preview._curves
        shape = (3, 101, 101)
        for name in ("tp", "fp"):
            table = np.frombuffer(wire[name], "<u4").reshape(shape)
            np.testing.assert_array_equal(table, getattr(curves, name)[1:4])
        np.testing.assert_array_equal(
            np.frombuffer(wire["positives"], "<u4"), curves.counts.positives[1:4]
        )
        for name in ("precision", "recall", "f1"):
            values = np.frombuffer(wire["overall"][name], "<f4").reshape(101, 101)
            np.testing.assert_array_equal(values, curves.metric(name, "macro").float())
        np.testing.assert_array_equal(
            np.frombuffer(wire["ap"]["coco"]), curves.average_precision(None)
        )
        assert wire["total_images"] == 10

    def test_are_counted_anew_when_max_det_changes(self) -> None:
        preview = td.DetectionPreview(*scene(), curves=self.sweep())
        preview.max_det = 2
        (wire,) = preview._curves
        table = np.frombuffer(wire["tp"], "<u4").reshape(3, 101, 101)
        np.testing.assert_array_equal(table, self.sweep(max_det=2).tp[1:4])
        assert wire["max_det"] == 2

    def test_go_without_tables_that_are_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(detection_wire, "MAX_TABLE_BYTES", 3 * 2 * 4 * 101 * 101 - 1)
        (wire,) = td.DetectionPreview(*scene(), curves=self.sweep())._curves
        assert (wire["tp"], wire["fp"]) == (None, None)
        assert len(wire["overall"]["f1"]) == 4 * 101 * 101

    def test_bring_their_own_score_stops(self) -> None:
        curves = self.sweep(score_thresholds=11)
        preview = td.DetectionPreview(*scene(), curves=curves)
        assert preview._config["score_stops"] == [k / 10 for k in range(11)]

    @pytest.mark.parametrize(
        ("how", "different"),
        [
            pytest.param({"nms_ious": 11}, "different nms_ious", id="stops"),
            pytest.param({"match_iou": 0.6}, "different match_iou", id="match IoU"),
            pytest.param({"class_agnostic": True}, "different class_agnostic", id="across classes"),
        ],
    )
    def test_of_other_settings_are_refused(self, how: Any, different: str) -> None:
        with pytest.raises(ValueError, match=f"curves: expected .*{different}.*same arguments"):
            td.DetectionPreview(*scene(), curves=self.sweep(**how))

    def test_of_too_few_classes_are_refused(self) -> None:
        curves, names = self.sweep(), dict.fromkeys(range(8), "x")
        with pytest.raises(ValueError, match=r"different num_classes \(at least 8\)"):
            td.DetectionPreview(*scene(), curves=curves, class_names=names)


class TestMasks:
    boxes = torch.tensor([[1.2, 2.0, 5.5, 6.1], [-3.0, 0.5, 2.0, 3.0], [30.0, 30, 40, 40]])

    def preview(self, masks: torch.Tensor) -> Any:
        found = {
            "boxes": self.boxes,
            "scores": torch.tensor([0.2, 0.9, 0.5]),
            "labels": torch.tensor([1, 1, 2]),
            "masks": masks,
        }
        empty = {"boxes": [], "scores": [], "labels": []}
        return td.DetectionPreview(torch.rand(2, 3, 8, 10), [found, empty])

    def test_cross_as_bits_within_their_boxes(self) -> None:
        masks = torch.rand(3, 1, 8, 10, generator=torch.Generator().manual_seed(0))
        preview = self.preview(masks)
        source = preview._frame["sources"][0]
        tiles = {tile["key"]: np.frombuffer(tile["data"], np.uint8) for tile in source["tiles"]}
        assert source["has_masks"] == [True, False]
        assert len(tiles["mask/0/1"]) == 0
        second, first = masks[1, 0, 0:3, 0:2] > 0.5, masks[0, 0, 2:7, 1:6] > 0.5
        bits = np.unpackbits(tiles["mask/0/0"], bitorder="little")
        np.testing.assert_array_equal(bits[:6], second.flatten())
        np.testing.assert_array_equal(bits[8 : 8 + 25], first.flatten())
        assert len(tiles["mask/0/0"]) == 1 + 4  # outside the image there are no pixels

    def test_are_sent_on_request(self, sent: list[Any]) -> None:
        preview = self.preview(torch.ones(3, 8, 10).bool())
        sent.clear()
        preview._handle_custom_msg({"type": "need", "id": 3, "keys": ["mask/0/0", "image/1"]}, [])
        [(data, buffers)] = sent
        assert data["content"]["keys"] == ["mask/0/0", "image/1"]
        assert bytes(buffers[0]) == bytes([0b111111, 255, 255, 255, 1])
        assert len(buffers[1]) == 8 * 10 * 3

    def test_of_a_smaller_size_are_stretched(self) -> None:
        small = torch.zeros(3, 4, 5)
        small[:, 1, 2] = 1  # rows 2 and 3, columns 4 and 5
        tile = np.frombuffer(self.preview(small)._frame["sources"][0]["tiles"][0]["data"], np.uint8)
        bits = np.unpackbits(tile[1:], bitorder="little")[:25].reshape(5, 5)
        expected = np.zeros((5, 5))
        expected[0:2, 3:5] = 1
        np.testing.assert_array_equal(bits, expected)

    def test_of_other_proportions_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"masks: .*8 × 10, got .*retina_masks=True"):
            self.preview(torch.zeros(3, 8, 8))


@pytest.mark.parametrize(
    "key", ["mask/0/9", "mask/1/0", "image/-1", "image/0/0", "level/0/0", "mask/x", "", "_esm/0"]
)
def test_what_is_not_there_is_answered_by_an_error(sent: list[Any], key: str) -> None:
    preview = td.DetectionPreview(*scene())
    sent.clear()
    preview._handle_custom_msg({"type": "need", "id": 7, "keys": [key]}, [])
    [(data, _)] = sent
    assert (data["content"]["type"], data["content"]["id"]) == ("error", 7)


def test_past_the_first_page_pictures_wait_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    images, found, targets = scene(n=20)
    monkeypatch.setattr(preview_module, "OPENING_BYTES", 0)
    few = td.DetectionPreview(images, found, targets)._pictures["tiles"]
    assert [tile["key"] for tile in few] == [f"image/{i}" for i in range(16)]
