"""The segmentation preview without a browser."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

import torchdial as td
from torchdial.figures.static.canvas import GAP
from torchdial.figures.static.png_picture import TITLE_PIXELS
from torchdial.inputs.images.tensor_images import CATEGORIES

STOPS = torch.arange(101, dtype=torch.float64).div(100).to(torch.float32)


def scene(seed: int = 0, n: int = 3, classes: int = 1) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 3, 8, 10, generator=generator)
    probs = torch.rand(n, classes, 8, 10, generator=generator)
    targets = (torch.rand(n, classes, 8, 10, generator=generator) < probs).long()
    return images, probs, targets


def multiclass(seed: int = 0, n: int = 3, classes: int = 4) -> tuple[torch.Tensor, ...]:
    images, probs, _ = scene(seed, n, classes)
    labels = torch.randint(0, classes, (n, 8, 10), generator=torch.Generator().manual_seed(seed))
    return images, probs.softmax(1), labels


@pytest.mark.parametrize("stop", [0, 1, 37, 50, 99, 100])
def test_mask_is_the_definition_at_every_stop(stop: int) -> None:
    images, probs, _ = scene()
    preview = td.SegmentationPreview(images, probs, threshold=stop / 100)
    for i in range(3):
        expected = torch.where(probs[i, 0] > STOPS[stop], 255, 0).to(torch.uint8).numpy()
        np.testing.assert_array_equal(preview.mask(i), expected)
        assert preview.mask(i).dtype == np.uint8


def test_masks_of_classes_go_by_their_own_thresholds() -> None:
    images, probs, labels = multiclass()
    own = {"class 1": 0.3, "class 3": 0.2}
    preview = td.SegmentationPreview(
        images, probs, labels, task="multiclass", threshold=0.26, class_thresholds=own
    )
    at = STOPS[torch.tensor([26, 30, 26, 20])]
    expected = probs[0].max(0).values > at[probs[0].argmax(0)]
    np.testing.assert_array_equal(preview.mask(0) > 0, expected.numpy())
    np.testing.assert_array_equal(preview.mask(0, 3) > 0, (probs[0, 3] > STOPS[20]).numpy())
    preview.label = 2
    np.testing.assert_array_equal(preview.mask(0) > 0, (probs[0, 2] > STOPS[26]).numpy())
    thresholds = {"class_thresholds": [0.26, 0.3, 0.26, 0.2]}
    assert preview.export() == {**thresholds, "task": "multiclass", "label": 2}
    preview.label = None
    assert preview.export() == {**thresholds, "task": "multiclass"}


def test_multilabel_mask_of_all_is_the_union() -> None:
    images, probs, targets = scene(classes=3)
    preview = td.SegmentationPreview(images, probs, targets, task="multilabel", threshold=0.8)
    np.testing.assert_array_equal(preview.mask(1) > 0, (probs[1] > STOPS[80]).any(0).numpy())


@pytest.mark.parametrize(
    ("value", "stop"),
    [
        pytest.param(0.372, 0.37, id="between stops: the nearest"),
        pytest.param(0.375, 0.37, id="halfway: the lower"),
        pytest.param(torch.tensor(1.0), 1.0, id="a tensor"),
        pytest.param(np.float32(0.372), 0.37, id="a numpy scalar"),
    ],
)
def test_threshold_reads_back_the_stop(value: Any, stop: float) -> None:
    preview = td.SegmentationPreview(*scene())
    preview.threshold = value
    assert preview.threshold == stop


@pytest.mark.parametrize("value", [50, -0.1, math.nan, True, "0.5"])
def test_thresholds_out_of_range_are_refused(value: Any) -> None:
    preview = td.SegmentationPreview(*scene())
    with pytest.raises(ValueError, match=r"threshold: expected a number in \[0, 1\], got .*100"):
        preview.threshold = value
    assert preview.threshold == 0.5


@pytest.mark.parametrize(("value", "end"), [(50, 1.0), (-1, 0.0)])
def test_thresholds_out_of_range_move_to_the_end_on_the_page(
    value: float, end: float, sent: list[Any]
) -> None:
    preview = td.SegmentationPreview(*scene())
    sent.clear()
    preview.set_state({"threshold": value})
    assert preview.threshold == end
    assert [data["state"] for data, _ in sent] == [{"threshold": end}]


def test_threshold_from_the_browser_is_taken_and_not_echoed(sent: list[Any]) -> None:
    preview = td.SegmentationPreview(*scene())
    seen: list[float] = []
    preview.observe(lambda change: seen.append(change["new"]), "threshold")
    sent.clear()
    preview.set_state({"threshold": 0.42})
    assert (preview.threshold, seen) == (0.42, [0.42])
    assert sent == []


def test_what_a_drag_ended_on_is_taken_from_a_message_and_sent_to_all_pages(
    sent: list[Any],
) -> None:
    preview = td.SegmentationPreview(*multiclass(), task="multiclass")
    sent.clear()
    state = {
        "threshold": 0.12,
        "class_thresholds": [None, 0.3, None, None],
        "label": 1,
        "view": "heat",
        "min_size": 0,
        "step": None,
        "_notice": "not to be set",
    }
    preview._handle_custom_msg({"type": "settle", "id": 0, "page": "p1", "state": state}, [])
    assert (preview.threshold, preview.label, preview.view) == (0.12, 1, "heat")
    assert preview.class_thresholds == [None, 0.3, None, None]
    assert preview.notice == ""
    del state["_notice"]
    settled = {"type": "settled", "page": "p1", "state": state}
    assert [data for data, _ in sent] == [{"method": "custom", "content": settled}]


def test_metrics_are_the_curves_at_the_dial() -> None:
    images, probs, targets = scene()
    sweep = td.ThresholdSweep()
    sweep.update(probs, targets)
    preview = td.SegmentationPreview(images, probs, targets, threshold=0.61)
    assert preview.metrics == sweep.compute().at(0.61)
    assert preview.best("iou", {"recall": 0.5}) == sweep.compute().best("iou", {"recall": 0.5})


@pytest.mark.parametrize("average", ["micro", "macro", "image"])
def test_metrics_of_what_is_shown(average: Any) -> None:
    images, probs, labels = multiclass()
    preview = td.SegmentationPreview(images, probs, labels, task="multiclass", average=average)
    preview.threshold = 0.28
    curves = preview.curves
    assert curves is not None
    assert curves.argmax is not None
    assert preview.metrics == curves.argmax.at(0.28, average)
    preview.label = 1
    assert preview.metrics == curves.for_label(1).at(0.28, average)


def test_curves_of_a_larger_set_are_under_the_dial() -> None:
    sweep = td.ThresholdSweep()
    for seed in range(5):
        sweep.update(*scene(seed)[1:])
    preview = td.SegmentationPreview(*scene(), curves=sweep.compute())
    assert preview.metrics["num_images"] == 15
    assert preview._curves[0]["total_images"] == 15
    assert preview._frame["sources"][0]["tally"]["total_images"] == 3


def test_evaluate_uses_the_setting_on_other_data() -> None:
    images, probs, targets = scene()
    preview = td.SegmentationPreview(images, probs, targets)
    preview.threshold = 0.7
    other = [scene(seed)[1:] for seed in (3, 4)]
    sweep = td.ThresholdSweep()
    for batch in other:
        sweep.update(*batch)
    assert preview.evaluate(other) == sweep.compute().at(0.7)


def test_without_targets_metrics_say_what_is_missing() -> None:
    images, probs, _ = scene()
    preview = td.SegmentationPreview(images, probs)
    with pytest.raises(ValueError, match=r"expected targets or curves, got neither. Pass targets="):
        _ = preview.metrics


class TestRefresh:
    def test_shows_new_maps_and_keeps_what_the_person_set(self) -> None:
        images, probs, targets = scene()
        preview = td.SegmentationPreview(images, probs, targets)
        preview.set_state({"threshold": 0.8, "view": "heat"})
        assert preview.refresh(1 - probs)
        assert (preview.threshold, preview.view) == (0.8, "heat")
        expected = (1 - probs)[2, 0] > STOPS[80]
        np.testing.assert_array_equal(preview.mask(2) > 0, expected.numpy())
        assert preview._frame["version"] == 1

    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            pytest.param(torch.full((3, 1, 8, 10), torch.nan), "240 of 240 not finite", id="nan"),
            pytest.param(torch.zeros(2, 1, 8, 10), "for each of 3 images", id="other number"),
            pytest.param(torch.zeros(3, 1, 8, 9), "8 × 10", id="other size"),
            pytest.param(torch.full((3, 1, 8, 10), 2.5), "Scores of any range", id="out of range"),
        ],
    )
    def test_a_bad_frame_keeps_the_last_good_one(self, bad: torch.Tensor, said: str) -> None:
        images, probs, targets = scene()
        preview = td.SegmentationPreview(images, probs, targets)
        before = preview.mask(0)
        assert not preview.refresh(bad)
        assert said in preview.notice
        np.testing.assert_array_equal(preview.mask(0), before)
        assert preview.refresh(probs)
        assert preview.notice == ""

    def test_that_cannot_be_meant_is_a_type_error(self) -> None:
        preview = td.SegmentationPreview(*scene())
        with pytest.raises(TypeError, match="expected maps for a preview made of maps"):
            preview.refresh()


class TestRefusals:
    """Every refusal says what was expected, what came, and what to do."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                {"probs": torch.full((3, 1, 8, 10), torch.inf)},
                r"probs: expected finite values, got 240 of 240 not finite, the first at index",
                id="non-finite",
            ),
            pytest.param(
                {"probs": torch.zeros(3, 1, 8, 10).long()},
                r"expected floating-point.*got a int64.*label map",
                id="label map",
            ),
            pytest.param(
                {"probs": torch.full((3, 1, 8, 10), -3.0)},
                r"probabilities in \[0, 1\], got values in \[-3, -3\].*from_logits=True",
                id="logits",
            ),
            pytest.param(
                {"probs": torch.zeros(3, 1, 4, 5)},
                r"a map of 8 × 10 for each of 3 images, got .*interpolate",
                id="other size",
            ),
            pytest.param(
                {"targets": torch.full((3, 8, 10), 255)},
                r"labels 0 … 1, got also \[255\], 240 of 240 labels.*targets > 0",
                id="unknown labels",
            ),
            pytest.param(
                {"targets": torch.zeros(3, 8, 9)},
                r"one label for each pixel.*nearest neighbours",
                id="targets of another size",
            ),
            pytest.param(
                {"images": torch.zeros(0, 3, 8, 10)}, r"at least one image", id="empty batch"
            ),
            pytest.param(
                {"images": [torch.zeros(3, 8, 10), torch.zeros(3, 8, 9)]},
                r"images of one size and number of channels, got 2 different shapes",
                id="mixed sizes",
            ),
            pytest.param({"task": "multi"}, r"'binary' \| 'multilabel' \| 'multiclass'", id="task"),
            pytest.param({"average": "mean"}, r"'micro' .* 'image', got 'mean'", id="average"),
            pytest.param({"class_names": ["a", "b"]}, r"a name for each of 1 class", id="names"),
            pytest.param(
                {"class_thresholds": [0.1]}, r"None for a single class.*threshold=", id="one class"
            ),
            pytest.param({"threshold": float("nan")}, r"in \[0, 1\], got float nan", id="nan dial"),
        ],
    )
    def test_refuses(self, change: dict[str, Any], message: str) -> None:
        images, probs, targets = scene()
        arguments = {"images": images, "probs": probs, "targets": targets} | change
        with pytest.raises(ValueError, match=message):
            td.SegmentationPreview(**arguments)

    @pytest.mark.parametrize(
        ("given", "own"),
        [
            ({"c": 0.3}, [None, None, 0.3]),
            (np.array([0.1, 0.2, 0.3]), [0.1, 0.2, 0.3]),
            (torch.tensor([0.1, 0.2, 0.3]), [0.1, 0.2, 0.3]),
            ((None, np.float32(0.2), None), [None, 0.2, None]),
            (None, []),
        ],
    )
    def test_takes_class_thresholds_as_the_constructor_does(self, given: Any, own: Any) -> None:
        probs, images = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
        options: dict[str, Any] = {"task": "multilabel", "class_names": ["a", "b", "c"]}
        preview = td.SegmentationPreview(images, probs, **options)
        preview.class_thresholds = given
        made = td.SegmentationPreview(images, probs, class_thresholds=given, **options)
        assert preview.class_thresholds == made.class_thresholds == own
        with pytest.raises(ValueError, match="class_thresholds: expected one number or None for"):
            preview.class_thresholds = [0.1]
        with pytest.raises(ValueError, match="class_thresholds: expected a number or None for"):
            preview.class_thresholds = 0.1  # type: ignore[assignment]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            pytest.param({"dog": 0.1}, r"names among class 0, .*, got 'dog'", id="unknown name"),
            pytest.param([0.1, 0.2], r"for each of 4 classes, got list", id="too few"),
        ],
    )
    def test_refuses_class_thresholds(self, given: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            td.SegmentationPreview(*multiclass(), task="multiclass", class_thresholds=given)
        preview = td.SegmentationPreview(*multiclass(), task="multiclass")
        with pytest.raises(ValueError, match=message):
            preview.class_thresholds = given
        preview.class_thresholds = {"class 1": 0.3}
        assert preview.class_thresholds == [None, 0.3, None, None]

    def test_refuses_curves_of_another_task(self) -> None:
        sweep = td.ThresholdSweep(thresholds=11)
        sweep.update(*scene()[1:])
        with pytest.raises(ValueError, match=r"curves: expected .*101 stops.*, got .*11 stops"):
            td.SegmentationPreview(*scene(), curves=sweep.compute())

    def test_refuses_unknown_keywords(self) -> None:
        with pytest.raises(TypeError, match="tresholds"):
            td.SegmentationPreview(*scene(), tresholds=11)  # type: ignore[call-arg]

    def test_refuses_views_and_classes_that_are_not_there(self) -> None:
        images, probs, _ = scene()
        preview = td.SegmentationPreview(images, probs)
        with pytest.raises(traitlets.TraitError, match=r"got 'errors'. The errors view needs"):
            preview.view = "errors"
        with pytest.raises(traitlets.TraitError, match=r"got 'error'. Choose one of these"):
            preview.view = "error"
        with pytest.raises(traitlets.TraitError, match=r"got 'error'. Choose one of these"):
            td.SegmentationPreview(*scene()).view = "error"
        with pytest.raises(ValueError, match=r"label: expected a class among 'on', got int 3"):
            preview.label = 3


def test_repr_says_what_is_shown() -> None:
    preview = td.SegmentationPreview(*scene(), threshold=0.25)
    assert repr(preview) == "SegmentationPreview(3 images, binary, threshold=0.25)"


class TestStaticPicture:
    def test_is_in_the_mime_bundle_as_png(self) -> None:
        data, _ = td.SegmentationPreview(*scene())._repr_mimebundle_()
        assert data["image/png"].startswith(b"\x89PNG")
        assert "application/vnd.jupyter.widget-view+json" in data

    def test_shows_as_png_the_masks_enlarged_and_the_dial_on_the_curve(self) -> None:
        images, probs, targets = scene()
        preview = td.SegmentationPreview(images, probs, targets, threshold=0.3)
        data, _ = preview._repr_mimebundle_()
        png = np.asarray(Image.open(io.BytesIO(data["image/png"])).convert("RGB"))
        times = 160 // 10
        columns = min(len(images), 4) * (10 * times + GAP)
        left = (640 - min(columns, 640)) // 2
        cell = png[TITLE_PIXELS:, left:][: 8 * times : times, : 10 * times : times]
        shown = preview.pictures[0] + 0.55 * (np.array([230, 159, 0]) - preview.pictures[0])
        on = preview.mask(0)[..., None] > 0
        expected = np.where(on, shown.astype(np.uint8), preview.pictures[0])
        np.testing.assert_array_equal(cell, expected)
        needle = 52 + round(0.3 * (640 - 8 - 52))
        assert (png[-50:-42, needle] == 0).all()

    def test_starts_no_matplotlib(self) -> None:
        code = (
            "import sys, torch, torchdial as td\n"
            "maps = torch.rand(1, 8, 8)\n"
            "for widget in (td.SegmentationPreview(maps, maps, maps > 0.5), td.ImageGrid(maps)):\n"
            "    assert widget._repr_mimebundle_()[0]['image/png']\n"
            "assert 'matplotlib.figure' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_shows_the_masks_and_the_curve_at_the_dial(self) -> None:
        images, probs, targets = scene()
        preview = td.SegmentationPreview(images, probs, targets, threshold=0.3)
        pictures, curve = preview.to_matplotlib().axes
        sheet = np.asarray(pictures.images[0].get_array())
        shown = preview.pictures[0] + 0.55 * (np.array([230, 159, 0]) - preview.pictures[0])
        masked = preview.mask(0) > 0
        np.testing.assert_array_equal(sheet[:8, :10][masked], shown.astype(np.uint8)[masked])
        np.testing.assert_array_equal(sheet[:8, :10][~masked], preview.pictures[0][~masked])
        dice, needle = curve.lines
        np.testing.assert_array_equal(dice.get_ydata(), preview.curves.dice())
        assert list(needle.get_xdata()) == [0.3, 0.3]

    def test_has_the_colours_of_the_widget(self) -> None:
        source = Path(__file__).parents[3] / "js/src/lib/core/colors.ts"
        block = source.read_text(encoding="utf-8").split("CATEGORIES: readonly Rgb[] = [")[1]
        numbers = re.findall(r"\[(\d+), (\d+), (\d+)\]", block.split("];")[0])
        np.testing.assert_array_equal(CATEGORIES, np.array(numbers, dtype=int))

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (400, 3), (3, 400)])
    def test_of_any_shape_fits_on_a_page(self, height: int, width: int) -> None:
        images = (torch.rand(2, 4, height, width) * 255).to(torch.uint8)
        figure = td.SegmentationPreview(images, torch.rand(2, height, width)).to_matplotlib()
        assert figure.get_figheight() <= 10

    def test_that_fails_does_not_keep_the_widget_from_showing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview = td.SegmentationPreview(*scene())
        monkeypatch.setattr(td.SegmentationPreview, "mask", lambda *_: 1 / 0)
        with pytest.warns(UserWarning, match="no static picture"):
            data, _ = preview._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in data
