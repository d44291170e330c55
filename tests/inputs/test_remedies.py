"""Maps, targets and pictures as people have them: read right, or refused with a line that works.

A refused row's remedy is cut out of the error, evaluated as it stands, and passed in place of the
input; what comes of it is compared with numpy, Pillow or scikit-image.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL
import PIL.Image
import pytest
import skimage.color
import torch

import torchdial as td
from torchdial.inputs import to_images, to_probabilities, to_targets
from torchdial.inputs.preview_images import ImageReader
from torchdial.inputs.tensor_images import to_pictures

RANDOM = np.random.default_rng(0)
P = RANDOM.random((2, 3, 8, 10), dtype=np.float32)  # (N, C, H, W)
ONE = P[:, :1]
LABELS = RANDOM.integers(0, 3, (2, 8, 10))
ONE_HOT = np.eye(3, dtype=np.int64)[LABELS]  # (N, H, W, C)
RGB = RANDOM.integers(0, 256, (8, 10, 3), dtype=np.uint8)
BANDS = RANDOM.random((13, 64, 96), dtype=np.float32)
CT = RANDOM.integers(-1024, 3072, (3, 8, 10)).astype(np.int16)
PALETTE = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]])


def follow(call: Callable[[Any], Any], given: Any, line: str, name: str, **names: Any) -> Any:
    """Return what a call gives once its error's remedy, which `line` finds, is passed to it."""
    with pytest.raises(ValueError, match=rf"{name}.*: expected .+, got ") as refused:
        call(given)
    found = re.search(line, str(refused.value))
    assert found, str(refused.value)
    known = {"torch": torch, "numpy": np, "PIL": PIL, name: given, **names}
    return call(eval(found[1], known))


def equal(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


SCORES = np.float32(40) * P[0, 0] - 3
VOLUME = RANDOM.random((2, 1, 4, 8, 10), dtype=np.float32)


@pytest.mark.parametrize(
    ("given", "options", "line", "expected"),
    [
        pytest.param(
            (ONE * 255).astype(np.uint8),
            {},
            r"pass (probs / 255)\.",
            (ONE * 255).astype(np.uint8) / np.float32(255),
            id="uint8 maps",
        ),
        pytest.param(
            (ONE * 65535).astype(np.uint16),
            {},
            r"pass (probs / 65535)\.",
            (ONE * 65535).astype(np.uint16) / np.float32(65535),
            id="uint16 maps",
        ),
        pytest.param(
            np.round(ONE * 255),
            {},
            r"pass (probs / 255)\.",
            np.round(ONE * 255) / 255,
            id="0 … 255",
        ),
        pytest.param(
            SCORES,
            {},
            r"pass (\(probs - .*)\.$",
            (SCORES - SCORES.min()) / (SCORES.max() - SCORES.min()) / np.float32(1 + 1e-6),
            id="anomaly scores",
        ),
        pytest.param(
            np.moveaxis(P, 1, -1),
            {"task": "multiclass", "num_classes": 3},
            r": (torch.*)\.$",
            P,
            id="channels last",
        ),
        pytest.param(np.moveaxis(ONE, 1, -1), {}, r": (torch.*)\.$", ONE, id="one channel last"),
        pytest.param(VOLUME[:, 0], {}, r"volumes .* (torch.*)\.$", VOLUME, id="volumes"),
        pytest.param(P[0, 0, 0], {}, r": (torch.*)\.$", P[:1, :1, :1], id="a row"),
        pytest.param(
            np.repeat(P, 100, 1),
            {"task": "multilabel"},
            r": (torch.*) with task='multilabel'\.$",
            np.repeat(P, 100, 1)[:, [3, 7]],
            id="300 classes",
        ),
        pytest.param(
            np.ma.masked_array(ONE, ONE > 0.5),
            {},
            r"Pass (probs\.filled\(0\))\.",
            np.where(ONE > 0.5, 0, ONE),
            id="a masked array",
        ),
    ],
)
def test_maps_refused_with_a_line_that_works(
    given: Any, options: dict[str, Any], line: str, expected: Any
) -> None:
    found = follow(lambda probs: to_probabilities(probs, **options), given, line, "probs")
    assert found.shape == np.shape(expected) or found.numel() == np.size(expected)
    np.testing.assert_allclose(found.numpy().ravel(), np.ravel(expected), atol=1e-6)


def test_rounding_above_1_is_clamped_and_said() -> None:
    with pytest.warns(UserWarning, match="taken as rounding and clamped"):
        equal(to_probabilities(ONE * 0 + np.float32(1.0000004)), ONE * 0 + 1)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        to_probabilities(ONE + 0.01 + 1)
    with pytest.warns(UserWarning, match="clamped"):
        assert td.segment(torch.tensor([1.0000004]), 0.5).tolist() == [255]


def test_logits_of_minus_infinity_are_probabilities_of_0() -> None:
    logits = torch.tensor([[[0.5, -torch.inf]], [[0.5, 2.0]], [[-torch.inf, 1.0]]])
    exact = np.exp(logits.double().numpy())
    found = to_probabilities(logits, "multiclass", from_logits=True)
    np.testing.assert_allclose(found[0], exact / exact.sum(0), rtol=1e-6)
    found = to_probabilities(logits, "multilabel", from_logits=True)
    np.testing.assert_allclose(found[0], exact / (1 + exact), rtol=1e-6)
    nothing = to_probabilities(torch.full((2, 1, 1), -torch.inf), "multiclass", from_logits=True)
    assert nothing.eq(0).all()


def test_logits_without_a_negative_value_are_said() -> None:
    with pytest.warns(UserWarning, match=r"no value is negative.*from_logits=False"):
        to_probabilities(ONE, from_logits=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_probabilities(ONE - 0.5, from_logits=True)
        to_probabilities(P, "multiclass", from_logits=True)


@pytest.mark.parametrize(
    ("given", "task", "line", "expected"),
    [
        pytest.param(
            (LABELS > 0) * np.uint8(255), "binary", r"pass (.*)\.$", LABELS > 0, id="0 and 255"
        ),
        pytest.param(ONE_HOT, "multiclass", r": (torch.*)\.$", LABELS, id="one-hot, last"),
        pytest.param(
            np.moveaxis(ONE_HOT, -1, 1), "multiclass", r": (torch.*)\.$", LABELS, id="one-hot"
        ),
        pytest.param(
            PALETTE[LABELS].astype(np.uint8), "multiclass", r": (\(torch.*)\.$", LABELS, id="RGB"
        ),
        pytest.param(LABELS[..., None], "multiclass", r": (torch.*)\.$", LABELS, id="(N, H, W, 1)"),
        pytest.param(
            ONE_HOT,
            "multilabel",
            r": (torch.*)\.$",
            np.moveaxis(ONE_HOT, -1, 1),
            id="multilabel, channels last",
        ),
        pytest.param(
            np.repeat(np.repeat(LABELS, 2, 1), 3, 2),
            "multiclass",
            r": (torch\.nn.*)\.$",
            LABELS,
            id="another size",
        ),
        pytest.param(LABELS % 2 * 0.9, "binary", r"pass (.*)\.$", LABELS % 2, id="soft labels"),
        pytest.param(
            np.where(LABELS == 0, -7, np.where(LABELS == 1, 9, 1)),
            "binary",
            r": (numpy.*)\.$",
            np.where(LABELS == 2, 1, 255),
            id="two unknown labels",
        ),
        pytest.param(LABELS + 0j, "multiclass", r"pass (.*)\.$", LABELS, id="complex"),
    ],
)
def test_targets_refused_with_a_line_that_works(
    given: Any, task: Any, line: str, expected: Any
) -> None:
    shape = (2, 1, 8, 10) if task == "binary" else (2, 3, 8, 10)
    found = follow(
        lambda targets: to_targets(targets, shape, task), given, line, "targets", palette=PALETTE
    )
    equal(found.reshape(np.shape(expected)), expected)


def test_one_unknown_label_is_named_as_ignore_index() -> None:
    labels = np.where(LABELS == 0, -100, LABELS)
    with pytest.raises(ValueError, match=r"pass ignore_index=-100\.$"):
        to_targets(labels, (2, 3, 8, 10), "multiclass")
    found = to_targets(labels, (2, 3, 8, 10), "multiclass", ignore_index=-100)
    equal(found, np.where(LABELS == 0, 255, LABELS))


@pytest.mark.parametrize("as_list", [False, True])
def test_masked_targets_are_void(as_list: bool) -> None:
    masked: Any = np.ma.masked_array(LABELS, LABELS == 1)
    given = list(masked) if as_list else masked
    equal(to_targets(given, (2, 3, 8, 10), "multiclass"), np.where(LABELS == 1, 255, LABELS))


def test_a_palette_image_as_target_is_its_indices() -> None:
    images = [PIL.Image.fromarray(one.astype(np.uint8), "L") for one in LABELS]
    for image in images:
        image.putpalette(PALETTE.astype(np.uint8).tobytes())
        assert image.mode == "P"
    equal(to_targets(images, (2, 3, 8, 10), "multiclass"), LABELS)


def _of_slices(volumes: bool) -> Any:
    generator = np.random.default_rng(1)
    probs = generator.random((2, 3, 4, 8, 10), dtype=np.float32)
    probs /= probs.sum(1, keepdims=True)
    labels = generator.integers(0, 3, (2, 4, 8, 10))
    sweep = td.ThresholdSweep("multiclass", 3)
    if volumes:
        sweep.update(probs, labels)
    for k in range(0 if volumes else 4):
        sweep.update(probs[:, :, k], labels[:, k])
    return sweep.compute()


def test_volumes_count_as_their_slices_do() -> None:
    volumes, slices = _of_slices(True), _of_slices(False)
    assert volumes.num_images == 2
    for name in ("tp", "fp", "fn", "tn"):
        equal(getattr(volumes, name), getattr(slices, name))
    equal(volumes.argmax.tp, slices.argmax.tp)
    equal(volumes.joint, slices.joint)


@pytest.mark.parametrize(
    ("given", "planes"),
    [
        pytest.param(BANDS, list(BANDS), id="array (13, H, W)"),
        pytest.param(torch.from_numpy(BANDS), list(BANDS), id="tensor (13, H, W)"),
        pytest.param(np.moveaxis(BANDS, 0, -1), list(BANDS), id="array (H, W, 13)"),
        pytest.param(BANDS[:2], list(BANDS[:2]), id="array (2, H, W)"),
        pytest.param(BANDS[:4], list(BANDS[:4]), id="4 float bands are no RGBA"),
        pytest.param(np.stack([BANDS, BANDS]), [*BANDS, *BANDS], id="array (2, 13, H, W)"),
        pytest.param(RGB.astype(np.int64), [RGB], id="int64 (H, W, 3)"),
        pytest.param(np.moveaxis(RGB, -1, 0).astype(np.int32), [RGB], id="int32 (3, H, W)"),
        pytest.param(torch.from_numpy(RGB).long(), [RGB], id="int64 tensor (H, W, 3)"),
    ],
)
def test_where_channels_are_is_decided_alike_for_grid_and_preview(given: Any, planes: Any) -> None:
    pictures = to_pictures(given)
    assert len(pictures) == len(planes)
    for picture, plane in zip(pictures, planes, strict=True):
        equal(picture.values, plane)
    if planes[0].ndim == 3:
        equal(to_images(given)[0], planes[0])
    elif np.ndim(given) == 3:
        first = 3 if len(planes) > 3 else 1
        found = follow(to_images, given, r"bands pass \d, such as (.*), in", "images")
        equal(found[0], np.round(np.stack(planes[:first], -1) * np.float32(255)))


@pytest.mark.parametrize(
    ("given", "line", "expected"),
    [
        pytest.param(BANDS[:5], r"grey images pass (.*?)\. ", BANDS[:5, None], id="5 grey images"),
        pytest.param(BANDS[:4], r"RGBA pass (.*?)\. ", BANDS[None, :4], id="float RGBA"),
        pytest.param(VOLUME, r": (torch.*)\.$", VOLUME.reshape(8, 1, 8, 10), id="volumes"),
        pytest.param(P[None], r": (torch.*)\.$", P, id="a video (N, T, C, H, W)"),
        pytest.param(P[0, 0, 0], r": (torch.*)\.$", P[:1, :1, :1], id="a vector"),
    ],
)
def test_images_refused_with_a_line_that_works(given: Any, line: str, expected: Any) -> None:
    found = follow(to_images, given, line, "images")
    assert np.abs(found - np.moveaxis(expected, 1, -1) * 255.0).max() <= 1


def test_floats_beyond_1_are_refused_with_their_window() -> None:
    with pytest.raises(ValueError, match=r"window=\(") as refused:
        to_images(CT[0].astype(np.float32))
    (low, high) = eval(re.search(r"window=(\(.*?\))", str(refused.value))[1])  # type: ignore[index]
    shares = (CT[0] - low) / (high - low)
    expected = np.clip(shares, 0, 1) * 255
    found = to_images(CT[0].astype(np.float32), window=(low, high))[0, ..., 0]
    assert np.abs(found - expected).max() <= 0.51


def windowed(values: Any, low: float, high: float) -> Any:
    return np.round(np.clip((values.astype(float) - low) / (high - low), 0, 1) * 255)


@pytest.mark.parametrize("kind", ["array", "tensor", "pillow"])
def test_16_bits_have_one_window_for_all_and_keep_it(kind: str) -> None:
    images = (CT - CT.min()).astype(np.uint16)
    given: Any = images[:, None]
    if kind == "tensor":
        given = torch.from_numpy(given)
    if kind == "pillow":
        given = [PIL.Image.fromarray(one) for one in images]
        assert given[0].mode.startswith("I")
    low, high = int(images.min()), int(images.max())
    reader = ImageReader()
    equal(reader.batch(given)[..., 0], windowed(images, low, high))
    assert reader.window == (low, high)
    equal(reader.batch(images[:1] // 2)[..., 0], windowed(images[:1] // 2, low, high))
    equal(to_images(given, window=(100, 300))[..., 0], windowed(images, 100, 300))
    pictures = to_pictures(given)
    equal([p.pixels[..., 0] for p in pictures], windowed(images, low, high))
    assert {p.range for p in pictures} == {(low, high)}


def test_the_preview_keeps_its_window_and_says_it() -> None:
    model = torch.nn.Conv2d(1, 1, 1)
    images = torch.from_numpy(CT[:1, None])
    run = lambda batch: model(batch.float() / 3000)  # noqa: E731
    preview = td.SegmentationPreview.from_model(run, images, from_logits=True)
    low, high = float(CT[0].min()), float(CT[0].max())
    assert preview._config["window"] == [low, high]
    assert preview.look_at(images // 2)
    equal(preview.pictures[0, ..., 0], windowed(CT[0] // 2, low, high))


def pillow(mode: str) -> PIL.Image.Image:
    image = PIL.Image.fromarray(RGB)
    if mode == "LAB":
        from PIL import ImageCms

        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")  # type: ignore
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "HSV", "L", "1", "RGBA", "LA", "PA"])
def test_pillow_modes_are_converted_by_its_own_rules(mode: str) -> None:
    image = pillow(mode)
    expected = np.asarray(image.convert({"L": "L", "1": "L", "RGBA": "RGBA"}.get(mode, "RGB")))
    found = to_images([image])[0]
    equal(found[..., :3].squeeze(), expected[..., :3] if expected.ndim == 3 else expected)
    equal(to_pictures(image)[0].pixels, found)


def test_lab_is_converted_as_scikit_image_does() -> None:
    lab = pillow("LAB")
    channels = np.asarray(lab).astype(float)
    signed = np.asarray(lab).astype(np.int8).astype(float)
    plain = np.stack([channels[..., 0] * 100 / 255, signed[..., 1], signed[..., 2]], -1)
    white = "D50"  # of ICC profiles; sRGB's own is adapted to it
    expected = skimage.color.lab2rgb(plain, illuminant=white) * 255
    found = to_images(lab)[0]
    assert np.abs(found.astype(float) - RGB).mean() < 4  # a round trip in 8 bits
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95  # colours beyond the gamut


@pytest.mark.parametrize(("mode", "scale"), [("I", 40), ("F", 1 / 255)])
def test_pillow_images_of_many_bits(mode: str, scale: float) -> None:
    values = (RGB[..., 0] * np.float64(scale)).astype(np.float32 if mode == "F" else np.int32)
    image = PIL.Image.fromarray(values)
    assert image.mode == mode
    low, high = (0, 1) if mode == "F" else (values.min(), values.max())
    equal(to_images(image)[0, ..., 0], windowed(values, low, high))


def turned(orientation: int) -> PIL.Image.Image:
    import io

    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    PIL.Image.fromarray(RGB).save(file, "PNG", exif=exif)
    return PIL.Image.open(file)


@pytest.mark.parametrize(
    ("orientation", "maps", "is_turned", "said"),
    [
        pytest.param(6, (10, 8), True, False, id="only the turned picture fits"),
        pytest.param(6, (8, 10), False, False, id="only the picture as stored fits"),
        pytest.param(3, (8, 10), False, True, id="both fit"),
        pytest.param(1, (8, 10), False, False, id="nothing to turn"),
    ],
)
def test_the_maps_decide_about_orientation(
    orientation: int, maps: tuple[int, int], is_turned: bool, said: bool
) -> None:
    from PIL import ImageOps

    image = turned(orientation)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        preview = td.SegmentationPreview([image], torch.rand(1, *maps))
    expected = ImageOps.exif_transpose(image) if is_turned else image
    equal(preview.pictures[0], np.asarray(expected))
    assert any("EXIF orientation" in str(w.message) for w in caught) == said


def test_without_maps_orientation_is_not_applied_and_said() -> None:
    with pytest.warns(UserWarning, match=r"exif_transpose\(image\)"):
        equal(to_pictures(turned(6))[0].pixels, RGB)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_grey_images_without_a_channel_are_told_from_colours(count: int) -> None:
    images, probs = BANDS[:count, :8, :10], BANDS[:count, :8, :10]

    def preview(images: Any) -> Any:
        return td.SegmentationPreview(images, probs)

    with pytest.raises(ValueError, match="expected") as refused:
        preview(images)
    line = re.search(r"grey images pass (.*?)\.(?: |$)", str(refused.value))
    assert line, str(refused.value)
    found = preview(eval(line[1], {"torch": torch, "images": images}))
    equal(found.pictures[..., 0], np.round(images * np.float32(255)))


@pytest.mark.parametrize(
    ("probs", "expected"),
    [
        pytest.param(np.moveaxis(P, 1, -1), P, id="(N, H, W, C)"),
        pytest.param(np.repeat(np.repeat(P, 2, 2), 2, 3), P, id="another size"),
        pytest.param(np.swapaxes(P, 2, 3), P, id="height and width swapped"),
    ],
)
def test_maps_of_a_preview_refused_with_a_line_that_works(probs: Any, expected: Any) -> None:
    def levels(probs: Any) -> Any:
        images = np.zeros((2, 8, 10, 3), np.uint8)
        preview = td.SegmentationPreview(images, probs, task="multilabel")
        return preview._shown[1][0].levels

    found = follow(levels, probs, r": (torch.*)\.$", "probs")
    equal(found, td.threshold_levels(torch.from_numpy(expected)))


def test_volumes_of_a_preview_become_slices() -> None:
    probs = VOLUME

    def preview(given: Any) -> Any:
        return td.SegmentationPreview(np.zeros((8, 8, 10, 1), np.uint8), given)

    found = follow(preview, probs, r": (torch.*)\.$", "probs")
    equal(found._shown[1][0].levels, td.threshold_levels(torch.tensor(VOLUME.reshape(8, 1, 8, 10))))
