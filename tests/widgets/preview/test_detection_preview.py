"""The detection preview without a browser."""

from __future__ import annotations

import io
import math
import re
from itertools import chain, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL
import PIL.Image
import PIL.ImageOps
import pytest
import torch
import traitlets

import torchdial as td
from tests.sweeps.boxes import coco
from tests.widgets.preview.boxes import read_source, scene
from torchdial.widgets.preview import detection_dial


def rows(found: dict[str, torch.Tensor]) -> list[int]:
    return found["indices"].tolist()


@pytest.mark.parametrize("agnostic", [False, True])
def test_kept_is_the_definition_at_any_setting(agnostic: bool) -> None:
    """Against `detect`, and against greedy NMS written from its definition."""
    images, found, targets = scene()
    preview = td.DetectionPreview(images, found, targets, class_agnostic=agnostic)
    own = {1: 0.15, 3: 0.6}
    settings = product([0.0, 0.3, 0.5, 0.77], [0.0, 0.31, 0.5, 1.0], [None, own], [2, 300])
    for score, nms_iou, class_thresholds, max_det in settings:
        preview.class_thresholds = preview._to_class_thresholds(class_thresholds)
        preview.score_threshold, preview.nms_iou = score, nms_iou
        preview.max_det = max_det
        for i, one in enumerate(found):
            expected = td.detect(
                **one,
                score_threshold=score,
                nms_iou=nms_iou,
                class_thresholds=class_thresholds,
                class_agnostic=agnostic,
                max_det=max_det,
            )
            kept = preview.kept(i)
            assert kept.keys() == expected.keys()
            assert all(torch.equal(kept[name], expected[name]) for name in expected)
            limits = np.float32([(class_thresholds or {}).get(c, score) for c in range(4)])
            slow = coco.kept_of(one, nms_iou, agnostic)
            slow = [j for j in slow if one["scores"][j].numpy() > limits[one["labels"][j]]]
            assert rows(kept) == slow[:max_det]


def test_kept_is_what_a_browser_decides_of_what_it_gets() -> None:
    images, found, targets = scene()
    preview = td.DetectionPreview(images, found, targets, score_threshold=0.35, nms_iou=0.42)
    parts = read_source(preview)
    for i in range(len(found)):
        on = (parts["kept"][i][:, 42 >> 3] >> (42 & 7) & 1) & (
            parts["scores"][i] > np.float32(0.35)
        )
        assert rows(preview.kept(i)) == parts["index"][i][on == 1].tolist()


def test_of_a_shown_class_are_its_own_among_all_that_max_det_leaves() -> None:
    images, found, targets = scene()
    preview = td.DetectionPreview(images, found, targets, score_threshold=0.1, max_det=4)
    everything = [preview.kept(i) for i in range(5)]
    preview.label = 2
    for i, every in enumerate(everything):
        assert rows(preview.kept(i)) == every["indices"][every["labels"] == 2].tolist()


def test_negative_images_count_from_the_end_and_others_do_not_exist() -> None:
    preview = td.DetectionPreview(*scene())
    assert rows(preview.kept(-1)) == rows(preview.kept(4))
    with pytest.raises(ValueError, match="image: expected a whole number from -5 to 4, got int 5"):
        preview.kept(5)


class TestDials:
    @pytest.mark.parametrize(
        ("name", "value", "read"),
        [
            pytest.param("nms_iou", 0.372, 0.37, id="between stops: the nearest"),
            pytest.param("nms_iou", torch.tensor(0.372), 0.37, id="a tensor"),
            pytest.param("score_threshold", np.float32(0.25), 0.25, id="a numpy scalar"),
            pytest.param("max_det", np.int64(7), 7, id="a whole numpy scalar"),
            pytest.param("label", "class 2", 2, id="a class by its name"),
            pytest.param("label", np.int64(3), 3, id="a class by its label"),
            pytest.param("score_threshold", 0.3721, 0.3721, id="scores are continuous"),
            pytest.param("class_thresholds", [None, 0.2, None], [None, 0.2, None], id="of a class"),
            pytest.param("class_thresholds", [None] * 3, [], id="of none"),
        ],
    )
    def test_read_back_where_they_stand(self, name: str, value: Any, read: Any) -> None:
        preview = td.DetectionPreview(*scene())
        setattr(preview, name, value)
        assert getattr(preview, name) == read

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            pytest.param("score_threshold", math.nan, r"in \[0, 1\], got float nan", id="nan"),
            pytest.param("score_threshold", 25, r"in \[0, 1\], got int 25.* by 100", id="percent"),
            pytest.param("score_threshold", True, r"in \[0, 1\], got", id="a truth value"),
            pytest.param("nms_iou", math.inf, r"in \[0, 1\], got float inf", id="inf"),
            pytest.param("nms_iou", -0.1, r"in \[0, 1\], got float -0.1", id="negative"),
            pytest.param("class_thresholds", [None, 1.2, None], r"in \[0, 1\]", id="of a class"),
            pytest.param("max_det", 0, "from 1, got int 0", id="no boxes"),
            pytest.param("class_thresholds", [0.5], "each of 3 classes", id="too few"),
            pytest.param("label", 4, "'class 3', got int 4", id="unknown class"),
            pytest.param("view", "heat", r"boxes \| errors \| ghosts, got 'heat'", id="view"),
        ],
    )
    def test_refuse_and_stay(self, name: str, value: Any, message: str) -> None:
        preview = td.DetectionPreview(*scene())
        before = getattr(preview, name)
        with pytest.raises((ValueError, traitlets.TraitError), match=message):
            setattr(preview, name, value)
        assert getattr(preview, name) == before

    def test_without_targets_there_are_no_errors_to_view(self) -> None:
        preview = td.DetectionPreview(*scene()[:2])
        with pytest.raises(traitlets.TraitError, match=r"boxes \| ghosts, .* needs targets"):
            preview.view = "errors"

    def test_from_a_browser_are_taken_and_sent_to_all_pages(self, sent: list[Any]) -> None:
        preview = td.DetectionPreview(*scene())
        sent.clear()
        state = {
            "score_threshold": 0.123456789,
            "nms_iou": 0.6,
            "class_thresholds": [None, 0.3, None],
            "max_det": 5,
            "label": 2,
            "view": "ghosts",
            "step": None,
        }
        preview.set_state({"score_threshold": 0.4, "nms_iou": 0.1})
        assert (preview.score_threshold, preview.nms_iou) == (0.4, 0.1)
        assert sent == []
        preview._handle_custom_msg({"type": "settle", "id": 0, "state": state}, [])
        assert {name: getattr(preview, name) for name in state} == state
        settled = {"type": "settled", "page": None, "state": state}
        assert [data for data, _ in sent] == [{"method": "custom", "content": settled}]


class TestMetrics:
    @pytest.mark.parametrize("average", ["micro", "macro", "image"])
    def test_are_the_definition_at_the_dials(self, average: Any) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets, average=average, max_det=6)
        preview.score_threshold, preview.nms_iou, preview.max_det = 0.123, 0.33, 4
        table = coco.counts(found, targets, 0.123, 0.33, max_det=4)
        metrics = preview.metrics
        tp, fp, fn = table.sum((0, 1)).tolist()
        assert (metrics["tp"], metrics["fp"], metrics["fn"]) == (tp, fp, fn)
        for name in ("precision", "recall", "f1"):
            assert metrics[name] == pytest.approx(coco.average(table, name, average), abs=1e-12)
        assert (metrics["average"], metrics["num_images"]) == (average, 5)
        assert (metrics["score_threshold"], metrics["nms_iou"]) == (0.123, 0.33)

    def test_go_by_thresholds_of_classes(self) -> None:
        images, found, targets = scene()
        own = {"class 2": 0.7}
        preview = td.DetectionPreview(images, found, targets, class_thresholds=own, nms_iou=0.4)
        table = coco.counts(found, targets, [0.25, 0.25, 0.7, 0.25], 0.4)
        assert preview.metrics["tp"] == table[..., 0].sum()
        assert preview.metrics["fp"] == table[..., 1].sum()
        assert preview.metrics["class_thresholds"] == {2: 0.7}

    def test_of_a_shown_class_speak_of_its_label(self) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets)
        preview.label = 2
        table = coco.counts(found, targets, 0.25, 0.5)[:, 2].sum(0)
        metrics = preview.metrics
        assert [metrics[name] for name in ("tp", "fp", "fn")] == table.tolist()
        each = preview.curves.average_precision(average=None)
        assert metrics["ap"] == each[2, 50]
        assert preview.best("recall") == preview.curves.best("recall", label=2)

    def test_have_average_precision_at_the_nms_dial(self) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets, match_iou=0.6)
        preview.nms_iou = 0.3
        kept = [
            {name: values[coco.kept_of(one, 0.3)] for name, values in one.items()} for one in found
        ]
        stats = coco.coco_eval(kept, targets, iouThrs=np.array([0.6])).eval["precision"]
        own = stats[0, :, :, 0, -1]
        assert preview.metrics["ap"] == pytest.approx(own[own >= 0].mean(), abs=1e-12)
        assert preview.metrics["match_iou"] == 0.6
        preview.score_threshold = 0.9
        assert preview.metrics["ap"] == pytest.approx(own[own >= 0].mean(), abs=1e-12)

    def test_best_is_best_of_all_stops(self) -> None:
        preview = td.DetectionPreview(*scene(6, 8), class_thresholds={1: 0.9})
        assert preview.best() == preview.curves.best("f1")
        score, nms_iou, value = preview.best("recall", at_least={"precision": 0.3})
        preview.score_threshold, preview.nms_iou, preview.class_thresholds = score, nms_iou, []
        assert preview.metrics["recall"] == value
        assert preview.metrics["precision"] >= 0.3

    def test_of_a_larger_set_are_at_the_dials(self) -> None:
        sweep = td.DetectionSweep(num_classes=4)
        larger = [scene(seed)[1:] for seed in range(4)]
        for batch in larger:
            sweep.update(*batch)
        preview = td.DetectionPreview(*scene(), curves=sweep.compute())
        preview.max_det, preview.score_threshold = 3, 0.2
        pooled = [list(chain(*parts)) for parts in zip(*larger, strict=True)]
        table = coco.counts(*pooled, 0.2, 0.5, max_det=3).sum((0, 1))
        assert [preview.metrics[name] for name in ("tp", "fp", "fn")] == table.tolist()
        assert preview.metrics["num_images"] == 20

    def test_evaluate_uses_the_setting_on_other_data(self) -> None:
        preview = td.DetectionPreview(*scene(), score_threshold=0.4, nms_iou=0.3, max_det=5)
        other = [scene(seed)[1:] for seed in (3, 4)]
        found = preview.evaluate(other)
        pooled = [list(chain(*parts)) for parts in zip(*other, strict=True)]
        table = coco.counts(*pooled, 0.4, 0.3, max_det=5).sum((0, 1))
        assert [found[name] for name in ("tp", "fp", "fn")] == table.tolist()
        assert found.keys() == preview.metrics.keys()

    def test_without_targets_say_what_is_missing(self) -> None:
        preview = td.DetectionPreview(*scene()[:2])
        assert preview.curves is None
        with pytest.raises(ValueError, match=r"got neither. Pass targets=.*a DetectionSweep"):
            _ = preview.metrics
        with pytest.raises(ValueError, match="targets: expected targets of the shown"):
            preview.errors(0)

    def test_errors_are_the_definition_of_matching(self) -> None:
        images, found, targets = scene(6, 8)
        preview = td.DetectionPreview(images, found, targets, score_threshold=0.1, nms_iou=0.6)
        kinds = set()
        for i, (one, true) in enumerate(zip(found, targets, strict=True)):
            kept, errors = rows(preview.kept(i)), preview.errors(i)
            outcome = coco.match(one, kept, true, 0.5)
            assert errors["true"].tolist() == [outcome[j] == "tp" for j in kept]
            assert errors["ignored"].tolist() == [outcome[j] == "ignored" for j in kept]
            taken = set(coco.take(one, kept, true, 0.5).values())
            wanted = [j for j, dropped in enumerate(coco.ignored(true)) if not dropped]
            assert errors["missed"].tolist() == [j for j in wanted if j not in taken]
            kinds |= set(outcome.values())
            preview.label = 1
            of_class = [j for j in errors["missed"].tolist() if true["labels"][j] == 1]
            assert preview.errors(i)["missed"].tolist() == of_class
            preview.label = None
        assert kinds == {"tp", "fp", "ignored"}


class TestRefresh:
    def test_shows_new_detections_and_keeps_what_the_person_set(self) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets)
        preview.set_state({"score_threshold": 0.4, "view": "errors", "max_det": 9})
        new = scene(seed=0)[1]
        for one in new:
            one["scores"] = 1 - one["scores"]
        assert preview.refresh(new)
        assert (preview.score_threshold, preview.view, preview.max_det) == (0.4, "errors", 9)
        expected = td.detect(**new[2], score_threshold=0.4, nms_iou=0.5, max_det=9)
        assert rows(preview.kept(2)) == rows(expected)
        assert preview._frame["version"] == 1
        table = coco.counts(new, targets, 0.4, 0.5, max_det=9).sum((0, 1))
        assert [preview.metrics[name] for name in ("tp", "fp", "fn")] == table.tolist()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"scores": torch.tensor([math.nan])}, "1 of 1 not finite", id="nan"),
            pytest.param({"scores": torch.tensor([3.0])}, "If these are logits", id="logits"),
            pytest.param({"scores": torch.rand(2)}, "one for each of the 1 boxes", id="lengths"),
            pytest.param({"boxes": torch.tensor([[5.0, 5, 1, 1]])}, "x1 ≤ x2", id="other way"),
            pytest.param({"labels": torch.tensor([7])}, "also 7. Make the preview", id="new class"),
            pytest.param(None, "each of 5 images, got 1", id="too few images"),
        ],
    )
    def test_a_bad_frame_keeps_the_last_good_one(self, change: Any, said: str) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets)
        before, frame = rows(preview.kept(0)), preview._frame
        one = {
            "boxes": torch.tensor([[1.0, 1, 50, 50]]),
            "scores": torch.tensor([0.5]),
            "labels": torch.tensor([1]),
        }
        bad = [one] if change is None else [*found[:4], one | change]
        assert not preview.refresh(bad)
        assert said in preview.notice
        assert rows(preview.kept(0)) == before
        assert preview._frame is frame
        assert preview.refresh(found)
        assert preview.notice == ""

    def test_that_cannot_be_packed_leaves_nothing_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images, found, targets = scene()
        preview = td.DetectionPreview(images, found, targets)
        before = rows(preview.kept(0))
        monkeypatch.setattr(detection_dial, "pack_detections", lambda *_: 1 / 0)
        assert not preview.refresh([one | {"scores": one["scores"] * 0} for one in found])
        assert "division by zero" in preview.notice
        assert rows(preview.kept(0)) == before != []

    def test_of_the_wrong_kind_is_a_type_error(self) -> None:
        preview = td.DetectionPreview(*scene())
        with pytest.raises(TypeError, match="expected detections for a preview made of detections"):
            preview.refresh()


class TestAfterNms:
    def apart(self, number: int = 60, by: float = 0.0) -> dict[str, torch.Tensor]:
        """Boxes 10 wide, side by side, or overlapping by so much of their width."""
        left = torch.arange(number) * 10 * (1 - by)
        top = torch.zeros(number)
        return {
            "boxes": torch.stack([left, top, left + 10, top + 10], 1),
            "scores": torch.linspace(0.1, 0.9, number),
            "labels": torch.ones(number, dtype=torch.int64),
        }

    @pytest.mark.parametrize(
        ("found", "opens"),
        [
            pytest.param({}, 0.5, id="none overlap"),
            pytest.param({"by": 0.6}, 0.5, id="an IoU of 0.43"),
            pytest.param({"by": 0.7}, 0.54, id="an IoU of 0.54, as an NMS at 0.6 leaves it"),
            pytest.param({"by": 0.9}, 0.5, id="an IoU of 0.82, as before an NMS"),
        ],
    )
    def test_what_does_not_tell_is_not_guessed_and_opens_with_what_nms_may_have_left(
        self, found: Any, opens: float
    ) -> None:
        found = self.apart(**found)
        preview = td.DetectionPreview([torch.rand(3, 8, 8)], [found], score_threshold=0)
        assert preview._config["after_nms"] is False
        assert preview.nms_iou == opens
        all_kept = len(preview.kept(0)["boxes"]) == len(found["boxes"])
        overlap = preview._frame["sources"][0]["overlap"]
        assert all_kept == (overlap <= opens)

    @pytest.mark.parametrize("said", [None, True])
    def test_after_nms_exactly_what_was_passed_is_shown(self, said: bool | None) -> None:
        """Low scores and boxes that overlap by 0.82 included."""
        one = self.apart(by=0.9)
        found = {key: one[key] for key in ("scores", "labels", "boxes")} if said is None else one
        preview = td.DetectionPreview([torch.rand(3, 8, 8)], [found], after_nms=said)
        assert (preview.score_threshold, preview.nms_iou) == (0.0, 1.0)
        assert preview.kept(0)["indices"].sort().values.tolist() == list(range(60))
        chosen = {"score_threshold": 0.5, "nms_iou": 0.4}
        preview = td.DetectionPreview([torch.rand(3, 8, 8)], [found], after_nms=said, **chosen)
        assert (preview.score_threshold, preview.nms_iou) == (0.5, 0.4)

    def test_a_grid_of_raw_candidates_is_reported_as_overlapping_and_no_more(self) -> None:
        found = self.apart(14_813)
        preview = td.DetectionPreview([torch.rand(3, 8, 8)], [found])
        assert preview._config["after_nms"] is False
        assert preview._frame["sources"][0]["overlap"] == 0.0

    def test_results_tell(self) -> None:
        one = self.apart(2)
        results = SimpleNamespace(
            boxes=SimpleNamespace(xyxy=one["boxes"], conf=one["scores"], cls=one["labels"]),
            names={0: "cat", 1: "dog"},
        )
        preview = td.DetectionPreview(torch.rand(1, 3, 8, 8), [results])
        assert preview._config["after_nms"]
        assert preview.nms_iou == 1.0
        assert preview.class_names == {0: "cat", 1: "dog"}

    @pytest.mark.parametrize("said", [True, False])
    def test_is_what_the_argument_says(self, said: bool) -> None:
        one = self.apart()
        found = [{key: one[key] for key in ("scores", "labels", "boxes")}]
        preview = td.DetectionPreview(torch.rand(1, 3, 8, 8), found, after_nms=said)
        assert preview._config["after_nms"] is said


class TestClasses:
    def test_of_labels_alone_are_those_that_occur(self) -> None:
        preview = td.DetectionPreview(*scene())
        assert preview.class_names == {1: "class 1", 2: "class 2", 3: "class 3"}

    def test_of_boxes_without_labels_are_one(self) -> None:
        found = [([[0, 0, 5, 5]], [0.5])]
        preview = td.DetectionPreview(torch.rand(1, 3, 8, 8), found)
        assert preview.class_names == {0: "object"}

    def test_are_named_by_a_coco_file(self) -> None:
        annotation = {"image_id": 4, "category_id": 18, "bbox": [1, 1, 4, 4]}
        file = {
            "images": [{"id": 4, "height": 8, "width": 8}, {"id": 9, "height": 8, "width": 8}],
            "annotations": [annotation],
            "categories": [{"id": 18, "name": "dog"}, {"id": 17, "name": "cat"}],
        }
        results = [annotation | {"score": 0.9, "image_id": 9}]
        preview = td.DetectionPreview(torch.rand(2, 3, 8, 8), results, file)
        assert preview.class_names == {17: "cat", 18: "dog"}
        assert [len(rows(preview.kept(i))) for i in range(2)] == [0, 1]
        turned = td.DetectionPreview(torch.rand(2, 3, 8, 8), results, file, image_ids=[9, 4])
        assert [len(rows(turned.kept(i))) for i in range(2)] == [1, 0]
        assert turned.metrics["fn"] == 1

    def test_images_of_another_size_than_the_files_are_refused(self) -> None:
        file = {
            "images": [{"id": 4, "height": 8, "width": 9}],
            "annotations": [{"image_id": 4, "category_id": 18, "bbox": [1, 1, 4, 4]}],
        }
        with pytest.raises(ValueError, match=r"images\[0\]: expected 8 × 9, .* got 8 × 8"):
            td.DetectionPreview(torch.rand(1, 3, 8, 8), [([], [], [])], file)

    def test_a_picture_that_is_stored_turned_is_refused_with_a_line_that_works(self) -> None:
        pixels = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
        exif, stored = PIL.Image.Exif(), io.BytesIO()
        exif[0x0112] = 6  # to be turned clockwise
        PIL.Image.fromarray(pixels).save(stored, "PNG", exif=exif)
        images = [PIL.Image.open(stored)]
        file = {
            "images": [{"id": 4, "height": 9, "width": 6}],
            "annotations": [{"image_id": 4, "category_id": 18, "bbox": [1, 4, 4, 4]}],
        }
        found = [([], [], [])]
        with (
            pytest.warns(UserWarning, match="EXIF orientation 6"),
            pytest.raises(ValueError, match=r"expected 9 × 6, .* got 6 × 9") as refused,
        ):
            td.DetectionPreview(images, found, file)
        line = re.search(r"is turned by (.*)\.$", str(refused.value))
        assert line is not None
        turned = eval(line[1], {"PIL": PIL, "images": images})
        preview = td.DetectionPreview([turned], found, file)
        np.testing.assert_array_equal(preview.pictures[0], np.rot90(pixels, -1))


class TestRefusals:
    """Every refusal says what was expected, what came, and what to do."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"detections": []}, r"each of 5 images, got 0.*empty entry", id="none"),
            pytest.param({"targets": []}, r"targets: expected .*5 images, got 0", id="no targets"),
            pytest.param({"box_format": "xyhw"}, r"'xyxy' \| 'xywh' \| 'cxcywh'", id="format"),
            pytest.param(
                {"class_names": ["a", "b"]}, r"a name for each label, such as 2", id="few"
            ),
            pytest.param({"class_names": "abcd"}, r"a name for each label, labels", id="no list"),
            pytest.param({"class_names": {-1: "a"}}, r"labels from 0 to 9,999", id="negative"),
            pytest.param({"class_thresholds": {"x": 0.1}}, r"class 1, .*got 'x'", id="unknown"),
            pytest.param({"class_thresholds": {5: 0.1}}, r"class 1, .*got 5", id="unknown label"),
            pytest.param({"average": "mean"}, r"'micro' .* 'image', got 'mean'", id="average"),
            pytest.param({"match_iou": 0.0}, r"match_iou: expected a number in \(0, 1\]", id="iou"),
            pytest.param({"max_det": 0}, r"max_det: expected a whole number", id="max_det"),
            pytest.param({"score_threshold": "x"}, r"in \[0, 1\], got str 'x'", id="no number"),
            pytest.param({"nms_iou": math.nan}, r"in \[0, 1\], got float nan", id="nan dial"),
            pytest.param({"nms_ious": 1}, r"a count from 2 to 255, got 1", id="stops"),
            pytest.param({"score_floor": -1}, r"score_floor: expected .*\[0, 1\)", id="floor"),
            pytest.param(
                {"images": [torch.rand(3, 8, 8), torch.rand(1, 8, 8)]},
                r"the same channels in every image, got 1 and 3 channels.*RGB",
                id="channels",
            ),
            pytest.param(
                {"images": [torch.rand(3, 8, 8), torch.rand(3, 8, 8) * 9]},
                r"images\[1\]: expected floating-point values in \[0, 1\]",
                id="one image out of range",
            ),
            pytest.param(
                {"images": [torch.rand(2, 3, 8, 8)]}, r"images\[0\]: .*a batch of 2", id="batches"
            ),
        ],
    )
    def test_refuses(self, change: dict[str, Any], message: str) -> None:
        images, found, targets = scene()
        arguments = {"images": images, "detections": found, "targets": targets} | change
        with pytest.raises(ValueError, match=message):
            td.DetectionPreview(**arguments)

    def test_refuses_unknown_keywords(self) -> None:
        with pytest.raises(TypeError, match="tresholds"):
            td.DetectionPreview(*scene(), tresholds=11)  # type: ignore[call-arg]

    def test_refuses_own_thresholds_of_a_single_class(self) -> None:
        found = [([[0, 0, 5, 5]], [0.5])]
        with pytest.raises(ValueError, match=r"None for a single class.*Pass score_threshold="):
            td.DetectionPreview(torch.rand(1, 3, 8, 8), found, class_thresholds=[0.5])


def test_repr_says_what_is_shown() -> None:
    images, found, _ = scene()
    number = sum(len(one["scores"]) for one in found)
    assert repr(td.DetectionPreview(images, found)) == (
        f"DetectionPreview(5 images, {number} candidates, score_threshold=0.25, nms_iou=0.5)"
    )


def test_images_as_a_batch_in_any_form() -> None:
    found = [([[0, 0, 5, 5]], [0.5])] * 2
    images = np.zeros((2, 8, 9, 3), np.uint8)
    assert td.DetectionPreview(images, found)._config["sizes"] == [[8, 9], [8, 9]]
    grey = [torch.rand(8, 9), torch.rand(5, 5)]
    assert td.DetectionPreview(grey, found)._config["channels"] == 1
