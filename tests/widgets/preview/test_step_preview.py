"""The step dial of previews: what is kept, what Python sees of a step, and what is sent."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.e2e import detections, maps
from tests.e2e.step_maps import STEPS, probs_at
from torchdial.report.packed_bytes import Joined, without_bytes
from torchdial.sweeps.refresh_records import NewestFrame
from torchdial.widgets.steps import step_preview

Sent = list[tuple[dict[str, Any], list[Any]]]


def trained(
    keep: int = 5, steps: tuple[int, ...] = STEPS, **options: Any
) -> td.SegmentationPreview:
    preview = td.SegmentationPreview(
        maps.images, probs_at(steps[0]), maps.targets, keep=keep, **options
    )
    for step in steps[1:]:
        assert preview.refresh(probs_at(step), step=step), preview.notice
    return preview


def alone(step: int) -> td.SegmentationPreview:
    """Return a preview of one step by itself."""
    return td.SegmentationPreview(maps.images, probs_at(step), maps.targets)


def make_task(task: str, step: int, **options: Any) -> td.SegmentationPreview:
    rng = np.random.default_rng(step)
    logits = rng.normal(size=(2, 3, 20, 30)).astype(np.float32)
    if task == "binary":
        logits = logits[:, :1]
    labels = rng.integers(0, 3, (2, 20, 30))
    targets = labels if task == "multiclass" else (logits > 1).astype(np.uint8)
    images = np.zeros((2, 20, 30, 3), np.uint8)
    return td.SegmentationPreview(images, logits, targets, task=task, from_logits=True, **options)


class TestFrames:
    def test_masks_and_metrics_are_those_of_the_shown_step(self) -> None:
        preview = trained()
        for step in STEPS:
            preview.step = np.int64(step)
            assert preview.step == step
            kept = [one.step for one in preview._records.kept]
            assert preview.shown_step == min(kept, key=lambda k: (abs(k - step), k))
            same = alone(preview.shown_step)
            assert preview.metrics == same.metrics
            assert preview.worst() == same.worst()
            for image in range(3):
                np.testing.assert_array_equal(preview.mask(image), same.mask(image))

    @pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
    def test_a_restored_frame_is_the_one_that_was_measured(self, task: str) -> None:
        preview = make_task(task, 1, keep=4)
        before = preview._shown[1][0]
        after = preview._compress(before).restore()
        for name in ("levels", "argmax", "maximum", "histograms"):
            ours, theirs = getattr(before, name), getattr(after, name)
            assert (ours is None) == (theirs is None)
            assert ours is None or np.array_equal(ours, theirs)
        assert before.curves is not None
        assert after.curves is not None
        pairs = zip(before.curves.counts.tensors(), after.curves.counts.tensors(), strict=True)
        assert all(torch.equal(ours, theirs) for ours, theirs in pairs)

    def test_the_newest_is_followed_until_a_step_is_chosen(self) -> None:
        preview = trained(steps=(0, 10, 20))
        assert (preview.step, preview.shown_step) == (None, 20)
        preview.step = 10
        preview.refresh(probs_at(50), step=50)
        assert preview.shown_step == 10
        preview.step = None
        assert preview.shown_step == 50

    def test_a_number_between_moves_to_the_nearest_step(self) -> None:
        preview = trained(steps=(0, 10, 20))
        preview.step = 14
        assert preview.step == 10

    def test_the_same_step_replaces_and_an_earlier_one_cuts_off(self) -> None:
        preview = trained(steps=(0, 10, 20, 50))
        preview.step = 50
        preview.refresh(probs_at(60), step=50)
        assert preview.steps == (0, 10, 20, 50)
        assert preview.metrics == alone(60).metrics
        preview.refresh(probs_at(90), step=15)
        assert preview.steps == (0, 10, 15)
        assert preview.step is None
        assert preview.metrics == alone(90).metrics

    def test_steps_count_on_by_themselves_or_follow_a_monitor(self) -> None:
        preview = trained(steps=(0,))
        preview.refresh(probs_at(10))
        preview.refresh(probs_at(20), step=40)
        preview.refresh(probs_at(50))
        assert preview.steps == (0, 1, 40, 41)
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        monitor = td.TrainingMonitor(model, optimizer)
        followed = trained(steps=(0,), monitor=monitor)
        for _ in range(3):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            followed.refresh(probs_at(monitor.step))
        assert followed.steps == (0, 1, 2, 3)
        assert followed._config["run"] == monitor.history.id
        monitor.close()
        gone = weakref.ref(monitor)
        del monitor
        gc.collect()
        assert gone() is None, "a preview keeps no monitor alive"
        followed.refresh(probs_at(10))
        assert followed.steps == (0, 1, 2, 3, 4)

    def test_a_refused_frame_is_no_step(self) -> None:
        preview = trained(steps=(0, 10))
        bad = probs_at(20)
        bad[0, 0, 0] = np.nan
        assert not preview.refresh(bad, step=20)
        assert preview.steps == (0, 10)
        assert "refused" in preview.notice

    def test_bytes_drop_frames_and_it_says_so(self) -> None:
        one = trained(steps=(0, 10))._records.nbytes
        preview = trained(keep=8, keep_bytes=int(3.5 * one))
        assert preview._records.nbytes <= 3.5 * one
        assert len(preview._records.kept) < 8
        assert "Pictures of 4 steps are kept, not of 8" in preview.notice
        assert len(preview.steps) == len(STEPS)

    def test_other_images_begin_anew(self) -> None:
        model = torch.nn.Conv2d(3, 1, 1)
        preview = td.SegmentationPreview.from_model(
            model, torch.rand(2, 3, 8, 8), from_logits=True, keep=4
        )
        preview.refresh(step=5)
        assert preview.look_at(torch.rand(2, 3, 8, 8))
        assert len(preview.steps) == 1

    def test_without_keep_there_is_no_step_dial(self) -> None:
        preview = trained(keep=1)
        assert "about" not in preview._frame
        assert preview.get_state()["_steps"] == {}
        with pytest.raises(Exception, match="keep=24"):
            preview.step = 10
        with pytest.raises(ValueError, match="keep=24"):
            preview.best(over="steps")


class TestBest:
    @pytest.mark.parametrize("metric", ["dice", "recall", "precision", "iou"])
    def test_over_the_steps_is_the_earliest_of_the_highest(self, metric: Any) -> None:
        preview = trained()
        found = preview.best(metric, over="steps")
        each = [alone(step).best(metric) for step in STEPS]
        values = [value for _, value in each]
        place = values.index(max(values))
        assert found[:3] == (STEPS[place], *each[place])
        kept = {one.step for one in preview._records.kept}
        assert found.has_picture == (found.step in kept)

    def test_the_best_dice_has_its_picture(self) -> None:
        assert trained(keep=4).best(over="steps").has_picture

    @pytest.mark.parametrize("average", ["micro", "macro", "image"])
    def test_as_it_is_averaged_and_of_the_shown_class(self, average: Any) -> None:
        preview = make_task("multiclass", 0, keep=4, average=average)
        for step in (1, 2):
            logits = np.random.default_rng(step).normal(size=(2, 3, 20, 30))
            preview.refresh(logits)
        for label in (None, 1):
            preview.label = label
            each = []
            for step in preview.steps:
                preview.step = step
                each.append(preview.best())
            found = preview.best(over="steps")
            assert found.value == max(value for _, value in each)

    @pytest.mark.parametrize("average", ["micro", "image"])
    def test_the_table_of_pairs_of_classes_is_of_the_newest_alone(self, average: Any) -> None:
        preview = make_task("multiclass", 0, keep=4, average=average)
        assert preview._frame["sources"][0]["tally"]["joint"] is not None
        curves = preview._records.all[0].counts.curves
        assert curves.joint is None
        assert curves.argmax.joint is None
        assert preview._frame["about"]["counts"]["tally"]["joint"] is None

    def test_demands_are_met_or_refused(self) -> None:
        preview = trained()
        found = preview.best("precision", {"recall": 0.9}, over="steps")
        preview.step = found.step
        assert preview.best("recall").value >= 0.9
        with pytest.raises(ValueError, match="the best reachable"):
            preview.best("precision", {"recall": 1.5}, over="steps")

    def test_of_boxes(self) -> None:
        preview = detections.make(keep=4)
        for step, seed in ((10, 1), (20, 2), (30, 3), (40, 4), (50, 5)):
            found = [detections.candidates(detections.scene, i, 8, seed) for i in range(3)]
            assert preview.refresh(found, step=step)
            assert preview._records.all[-1].counts.best("f1", None, None) == preview.best()
        best = preview.best(over="steps")
        assert best.value == max(one.value for one in preview._records.all)
        preview.step = best.step
        assert preview.best() == best[1:4]
        preview.label = 3
        found = preview.best("recall", over="steps")
        preview.step = found.step
        assert found.step == preview.shown_step
        assert preview.best("recall") == found[1:4]


class TestMessages:
    def test_a_kept_frame_comes_as_it_was_shown(self, sent: Sent) -> None:
        preview = trained(steps=(0, 10, 20))
        first = trained(steps=(0,))._frame
        sent.clear()
        preview._handle_custom_msg({"type": "frame", "id": 3, "step": 0}, [])
        ((data, buffers),) = sent
        content = data["content"]
        assert (content["type"], content["id"], content["step"]) == ("frame", 3, 0)
        json.dumps(content)
        (source,) = content["frame"]["sources"]
        start, length = source["histogram"]["$bytes"]
        assert bytes(buffers[0][start : start + length]) == first["sources"][0]["histogram"]
        assert [tile["key"] for tile in source["tiles"]] == [
            tile["key"] for tile in first["sources"][0]["tiles"]
        ]

    def test_planes_of_a_step_come_with_its_version(self, sent: Sent) -> None:
        preview = trained(steps=(0, 10, 20))
        sent.clear()
        keys = ["level/0/1/0", "image/0"]
        preview._handle_custom_msg({"type": "need", "id": 4, "keys": keys, "step": 10}, [])
        ((data, buffers),) = sent
        assert data["content"]["version"] == 1
        coding = data["content"]["codings"][0]
        from torchdial.widgets.preview.plane_coding import inflated

        plane = inflated([bytes(buffers[0])], tuple(coding["shape"]))[0]
        np.testing.assert_array_equal(plane, alone(10)._shown[1][0].levels[1, 0])
        assert bytes(buffers[1]) == maps.images[0].tobytes()

    def test_a_step_without_a_picture_is_an_error_message(self, sent: Sent) -> None:
        preview = trained(keep=4)
        dropped = next(one.step for one in preview._records.all if one.frame is None)
        sent.clear()
        preview._handle_custom_msg({"type": "frame", "id": 5, "step": dropped}, [])
        ((data, _),) = sent
        assert data["content"]["type"] == "error"
        assert str(dropped) in data["content"]["message"]

    def test_the_newest_comes_as_any_other(self, sent: Sent) -> None:
        """A page may ask for a step that a rewind has made the newest meanwhile."""
        preview = trained(steps=(0, 10))
        sent.clear()
        preview._handle_custom_msg({"type": "frame", "id": 6, "step": 10}, [])
        ((data, _),) = sent
        assert data["content"]["type"] == "frame", data["content"]

    def test_a_refresh_sends_its_own_counts_alone(self) -> None:
        preview = trained()
        about = preview._frame["about"]
        assert about["step"] == STEPS[-1]
        assert about["kept"] == [one.step for one in preview._records.kept]
        assert len(preview.get_state()["_steps"]["steps"]) == len(STEPS)

    def test_a_page_opens_with_as_many_counts_as_fit_and_with_all_pictures(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview = trained(keep=4)
        every = preview.get_state("_steps")["_steps"]["steps"]
        assert [one["step"] for one in every] == list(preview.steps)
        joined = Joined()
        without_bytes(every, joined.add)
        monkeypatch.setattr(step_preview, "OPENING_COUNTS", len(joined.bytes()) // 2)
        opened = [one["step"] for one in preview.get_state("_steps")["_steps"]["steps"]]
        kept = {one.step for one in preview._records.kept}
        assert kept <= set(opened)
        assert set(opened) == kept | set(preview.steps[::2])
        assert len(opened) < len(every)

    def test_bytes_are_joined_in_their_order(self) -> None:
        joined = Joined()
        packed = without_bytes({"a": [b"12", 3], "b": memoryview(b"456")}, joined.add)
        assert packed == {"a": [{"$bytes": [0, 2]}, 3], "b": {"$bytes": [2, 3]}}
        assert joined.bytes() == b"12456"


class TestCompare:
    def test_two_steps_stand_side_by_side(self) -> None:
        preview = trained()
        comparison = td.compare(preview, steps=(0, 160))
        assert comparison._config["sources"] == ["step 0", "step 160"]
        for model, step in enumerate((0, 160)):
            np.testing.assert_array_equal(comparison.mask(1, model=model), alone(step).mask(1))
            assert comparison.metrics[model] == alone(step).metrics
        preview.refresh(probs_at(10), step=170)
        np.testing.assert_array_equal(comparison.mask(1, model=1), alone(160).mask(1))

    def test_two_previews_show_the_newest_of_both(self) -> None:
        first, second = trained(), trained()
        first.step = 0
        comparison = td.compare(first, second)
        for _ in range(2):
            np.testing.assert_array_equal(comparison.mask(1), alone(160).mask(1))
            second.refresh(probs_at(10), step=170)

    def test_a_step_without_its_picture_is_shown_by_the_nearest(self) -> None:
        preview = trained(keep=4)
        dropped = next(one.step for one in preview._records.all if one.frame is None)
        shown = preview._records.nearest(dropped, kept=True).step
        comparison = td.compare(preview, steps=(dropped, 160))
        assert comparison._config["sources"][0] == f"step {shown}, nearest to {dropped}"

    def test_of_boxes(self) -> None:
        preview = detections.make(keep=4)
        preview.refresh(detections.newer, step=9)
        comparison = td.compare(preview, steps=(0, 9), names=["a", "b"])
        first = detections.make()
        assert comparison.kept(1)["indices"].tolist() == first.kept(1)["indices"].tolist()

    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (1, {"steps": (0,)}, "steps: expected two steps"),
            (1, {"steps": 5}, "steps: expected two steps"),
            (2, {"steps": (0, 10)}, "second: expected no second preview"),
            (1, {}, "expected two SegmentationPreviews"),
        ],
    )
    def test_what_cannot_be_compared(
        self, arguments: int, options: dict[str, Any], message: str
    ) -> None:
        preview = trained(steps=(0, 10))
        with pytest.raises(ValueError, match=message):
            td.compare(*[preview] * arguments, **options)

    def test_without_keep_there_are_no_two_steps(self) -> None:
        preview = trained(steps=(0, 10), keep=1)
        with pytest.raises(ValueError, match="first: expected a preview made with keep="):
            td.compare(preview, steps=(0, 10))


def test_kept_frames_cost_at_most_a_tenth_more_than_their_compressed_levels() -> None:
    from torchdial.widgets.preview.plane_coding import deflated

    preview = trained()
    for record in preview._records.kept:
        if record.frame is None or isinstance(record.frame, NewestFrame):
            continue
        levels = record.frame.restore().levels.reshape(-1, *maps.probs.shape[1:])
        assert record.frame.nbytes <= 1.1 * sum(len(deflated(plane)) for plane in levels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 3}, "keep: expected 1, or at least 4, got 3"),
        ({"keep": 0}, "keep: expected"),
        ({"keep": 5, "keep_bytes": 0}, "keep_bytes: expected"),
        ({"keep": 5, "monitor": object()}, "monitor: expected a TrainingMonitor"),
    ],
)
def test_invalid_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        trained(steps=(0,), **({"keep": 5} | options))
