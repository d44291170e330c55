"""Pictures as people have them, and maps that do not fit them; see test_map_remedies.py."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import PIL
import PIL.Image
import pytest
import skimage.color
import torch

import torchdial as td
from tests.inputs.error_messages import equal, follow
from torchdial.inputs import to_images
from torchdial.inputs.images.overlays import to_overlays
from torchdial.inputs.images.preview_images import ImageReader
from torchdial.inputs.images.tensor_images import to_pictures

RANDOM = np.random.default_rng(0)
P = RANDOM.random((2, 3, 8, 10), dtype=np.float32)  # (N, C, H, W)
RGB = RANDOM.integers(0, 256, (8, 10, 3), dtype=np.uint8)
BANDS = RANDOM.random((13, 64, 96), dtype=np.float32)
CT = RANDOM.integers(-1024, 3072, (3, 8, 10)).astype(np.int16)
VOLUME = RANDOM.random((2, 1, 4, 8, 10), dtype=np.float32)


@pytest.mark.parametrize(
    ("given", "planes"),
    [
        pytest.param(BANDS, list(BANDS), id="array (13, H, W)"),
        pytest.param(torch.from_numpy(BANDS), list(BANDS), id="tensor (13, H, W)"),
        pytest.param(np.moveaxis(BANDS, 0, -1), list(BANDS), id="array (H, W, 13)"),
        pytest.param(BANDS[:2], list(BANDS[:2]), id="array (2, H, W)"),
        pytest.param(BANDS[:4], list(BANDS[:4]), id="4 float bands are no RGBA"),
        pytest.param(BANDS[:, :7, :7], list(BANDS[:, :7, :7]), id="array (13, 7, 7)"),
        pytest.param(
            np.moveaxis(BANDS[:, :7, :7], 0, -1), list(BANDS[:, :7, :7]), id="array (7, 7, 13)"
        ),
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


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_dark_pictures_of_16_bits_are_no_labels(dtype: Any) -> None:
    dark = np.arange(80).reshape(8, 10).astype(dtype)
    (picture,) = to_pictures(dark)
    assert picture.range == (0, 79)
    equal(picture.pixels[..., 0], windowed(dark, 0, 79))
    equal(to_images(dark)[0, ..., 0], windowed(dark, 0, 79))
    (labels,) = to_pictures(dark.astype(np.int64))
    assert labels.range is None
    assert labels.pixels.shape == (8, 10, 3)


def test_a_palette_with_a_transparent_colour_is_rgba() -> None:
    image = PIL.Image.fromarray(RGB).convert("P")
    image.info["transparency"] = 0
    equal(to_images(image)[0], np.asarray(image.convert("RGBA")))


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
def test_grey_images_without_a_channel_are_distinguished_from_colours(count: int) -> None:
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


@pytest.mark.parametrize(
    ("given", "line", "expected"),
    [
        pytest.param(np.full((8, 10), 300), r": (torch.*)\.$", 300 % 256, id="labels above 255"),
        pytest.param(P[0], r": (torch.*)\.$", P[0].argmax(0), id="one map a channel"),
        pytest.param(P[0, 0], r": (torch.*)\.$", P[0, 0] > 0.5, id="probabilities"),
    ],
)
def test_overlays_refused_with_a_line_that_works(given: Any, line: str, expected: Any) -> None:
    def mask(target: Any) -> Any:
        return to_overlays([target], 1)[0].mask

    with pytest.raises(ValueError, match="targets") as refused:
        mask(given)
    found = re.search(line, str(refused.value))
    assert found
    known = {"torch": torch, "targets": [given]}
    equal(mask(eval(found[1], known)), np.broadcast_to(expected, (8, 10)))


def test_overlays_of_pillow_and_of_an_ignored_label_are_drawn() -> None:
    labels = RANDOM.integers(-1, 5, (8, 10))
    found = to_overlays([labels, PIL.Image.fromarray(labels.clip(0).astype(np.uint8))], 2)
    for overlay in found:
        equal(overlay.mask, labels.clip(0))


@pytest.mark.parametrize("count", [2, 255, 256, 300])
def test_any_number_of_instances_is_drawn_with_its_own_labels(count: int) -> None:
    masks, labels = torch.eye(count, dtype=torch.bool)[:, None], torch.arange(count) % 7 + 40
    boxes = torch.tensor([[0.0, 0, 9, 9]]).repeat(count, 1)
    (found,) = to_overlays([{"boxes": boxes, "labels": labels, "masks": masks}], 1)
    assert found.mask is not None
    assert found.instances is not None
    assert found.mask.min() > 0
    assert [found.instances[number - 1] for number in found.mask[0]] == labels.tolist()
