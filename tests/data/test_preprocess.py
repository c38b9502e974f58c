import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import functional as torchvision

from framework.data.preprocess import Preprocessor, level_counts

GRAY = Preprocessor(48, 48, 1, "crop")
RGB = Preprocessor(48, 48, 3, "crop")
FITS = ["crop", "stretch", "pad"]


def photo(height, width, channels=3, seed=0):
    """Uint8 C×H×W, noise over a slope."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 128, width)[None, None, :] + np.zeros((channels, height, 1))
    return (slope + random.integers(0, 128, (channels, height, width))).astype(np.uint8)


def as_pillow(image):
    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))


def from_pillow(image):
    pixels = np.asarray(image).astype(int)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def furthest(first, second):
    """The largest difference in grey levels."""
    return np.abs(np.asarray(first).astype(int) - np.asarray(second).astype(int)).max()


def test_rgb_becomes_gray_exactly_as_in_pillow():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels)).reshape(3, len(levels), -1)
    for image in (cube, photo(300, 400)):
        expected = np.asarray(as_pillow(image).convert("L"))
        np.testing.assert_array_equal(GRAY.with_channels(torch.from_numpy(image))[0], expected)
        np.testing.assert_array_equal(Preprocessor(*expected.shape, 1, "crop")(image)[0], expected)


def test_gray_becomes_rgb_by_repetition():
    image = torch.from_numpy(photo(5, 6, channels=1))
    np.testing.assert_array_equal(RGB.with_channels(image), image.repeat(3, 1, 1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(100, 80), (30, 20), (48, 300), (7, 5), (500, 333)])
def test_resizing_agrees_with_pillow_to_one_grey_level(size, channels):
    image = photo(*size, channels)
    expected = from_pillow(as_pillow(image).resize((48, 48), Image.Resampling.BILINEAR))
    resized = replace(RGB, channels=channels, fit="stretch")(image)
    assert furthest(resized, expected) <= 1


@pytest.mark.parametrize("size", [(100, 80), (30, 20), (500, 333)])
def test_resizing_agrees_with_torchvision(size):
    image = photo(*size)
    expected = torchvision.resize(torch.from_numpy(image), [48, 48], antialias=True)
    assert furthest(replace(RGB, fit="stretch")(image), expected) <= 1


@pytest.mark.parametrize("size", [(96, 144), (144, 96), (50, 90), (24, 30), (31, 45), (333, 501)])
def test_cropping_takes_the_largest_centred_square_and_resizes_it_as_pillow_does(size):
    image = photo(*size)
    side, (top, left) = min(size), ((length - min(size)) // 2 for length in size)
    square = as_pillow(image).crop((left, top, left + side, top + side))
    expected = from_pillow(square.resize((48, 48), Image.Resampling.BILINEAR))
    assert furthest(RGB(image), expected) <= 1


@pytest.mark.parametrize("size", [(96, 144), (144, 96), (50, 90), (24, 30)])
def test_cropping_agrees_with_pillow_s_fit_away_from_the_border(size):
    image = photo(*size)
    expected = from_pillow(ImageOps.fit(as_pillow(image), (48, 48), Image.Resampling.BILINEAR))
    assert furthest(RGB(image)[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2]) <= 1


@pytest.mark.parametrize("size", [(96, 192), (192, 96)])
def test_cropping_agrees_with_torchvision_away_from_the_border(size):
    image = photo(*size)
    resized = torchvision.resize(torch.from_numpy(image), [48], antialias=True)
    expected = torchvision.center_crop(resized, [48, 48])
    assert furthest(RGB(image)[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2]) <= 1


def test_cropping_keeps_the_middle_and_the_shape_of_things():
    image = np.zeros((1, 40, 100), np.uint8)
    image[:, :, 30:70] = 200
    assert (GRAY(image) == 200).all()


def test_cropping_to_a_wide_size_keeps_the_full_width():
    image = photo(90, 60, channels=1)
    wide = Preprocessor(24, 48, 1, "crop")
    expected = from_pillow(Image.fromarray(image[0, 30:60]).resize((48, 24), Image.Resampling.BILINEAR))
    assert furthest(wide(image), expected) <= 1


def test_padding_puts_the_whole_image_between_even_black_bars():
    padded = replace(GRAY, fit="pad")(np.full((1, 50, 100), 200, np.uint8))
    assert (padded[0, 12:36] == 200).all()
    assert (padded[0, :12] == 0).all()
    assert (padded[0, 36:] == 0).all()


def test_padding_a_tall_image_puts_the_bars_beside_it():
    padded = replace(GRAY, fit="pad")(np.full((1, 100, 50), 200, np.uint8))
    assert (padded[0, :, 12:36] == 200).all()
    assert padded.sum() == 200 * 48 * 24


def test_stretching_keeps_the_corners():
    image = np.zeros((1, 96, 480), np.uint8)
    image[0, :48, :240] = 100
    image[0, 48:, 240:] = 200
    stretched = replace(GRAY, fit="stretch")(image)
    assert (stretched[0, 0, 0], stretched[0, -1, -1], stretched[0, 0, -1]) == (100, 200, 0)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_the_right_size_stays_as_it_is(fit, channels):
    image = photo(48, 48, channels)
    np.testing.assert_array_equal(replace(RGB, channels=channels, fit=fit)(image), image)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (3, 5), (47, 49)])
@pytest.mark.parametrize("target", [(48, 48), (20, 70)])
def test_every_shape_comes_to_the_network_s_size(fit, size, target):
    image = np.full((1, *size), 99, np.uint8)
    resized = Preprocessor(*target, 1, fit)(image)
    assert (tuple(resized.shape), resized.dtype) == ((1, *target), torch.uint8)
    assert (resized if fit != "pad" else resized[resized > 0]).eq(99).all()


def test_a_strip_is_cropped_before_it_is_enlarged(monkeypatch):
    from framework.data import preprocess

    seen = []
    resize = preprocess.resize
    monkeypatch.setattr(preprocess, "resize", lambda image, *axes: seen.append(axes) or resize(image, *axes))
    Preprocessor(224, 224, 3, "crop")(np.zeros((3, 10_000, 1), np.uint8))
    ((down, across, _),) = seen
    assert (down.taken, down.made, across.taken, across.made) == (1, 224, 1, 224)


@pytest.mark.parametrize(
    "image",
    [photo(48, 48)[:, ::-1], photo(96, 96)[:, ::2, ::2], np.broadcast_to(np.uint8(7), (3, 48, 48))],
    ids=["flipped", "strided", "broadcast"],
)
def test_any_layout_of_memory_will_do(image):
    np.testing.assert_array_equal(RGB(image), np.array(image))


def test_an_array_that_cannot_be_written_to_gives_no_warning():
    image = photo(48, 48)
    image.flags.writeable = False
    torch.set_warn_always(True)  # torch would warn once in a process
    try:
        RGB(image)
    finally:
        torch.set_warn_always(False)


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_and_deviation_are_numpy_s(channels):
    images = np.stack([photo(9, 11, channels, seed) for seed in range(1100)])
    measured = Preprocessor(9, 11, channels, "crop").measured(level_counts(torch.from_numpy(images)))
    scaled = images / 255
    np.testing.assert_allclose(measured.mean, scaled.mean(axis=(0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(measured.std, scaled.std(axis=(0, 2, 3)), atol=1e-6)


def test_images_of_one_level_do_not_divide_by_zero():
    images = torch.full((4, 1, 48, 48), 80, dtype=torch.uint8)
    assert GRAY.measured(level_counts(images)).network_input(images).isfinite().all()


def test_network_input_has_mean_zero_and_deviation_one_by_channel():
    images = torch.from_numpy(np.stack([photo(48, 48, seed=seed) for seed in range(5)]))
    inputs = RGB.measured(level_counts(images)).network_input(images)
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(inputs.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_what_is_saved_comes_back():
    preprocess = Preprocessor(40, 60, 3, "pad", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Preprocessor.from_dict(json.loads(json.dumps(preprocess.as_dict()))) == preprocess
