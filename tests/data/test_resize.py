"""Resizing in whole numbers: against torch, against plain Python, and one way of computing it against the other."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from framework.data.preprocess import Preprocessor
from framework.data.resize import ONE, Axis, weights

SIZES = [(48, 48), (37, 61), (24, 20), (130, 97), (500, 375), (1, 1), (1, 90), (300, 2)]


def noise(height, width, channels=3):
    return np.random.default_rng(height * width).integers(0, 256, (channels, height, width), dtype=np.uint8)


def by_torch(image, size):
    resized = F.interpolate(torch.from_numpy(image)[None].float(), size, mode="bilinear", antialias=True)[0]
    return resized.round().to(torch.uint8)


def in_plain_python(line, made):
    """The weights of one side by the definition: a list of lists of ints."""
    taken, rows = line, []
    for i in range(made):
        parts = [max(0, 2 * max(made, taken) - abs((2 * j + 1) * made - (2 * i + 1) * taken)) for j in range(taken)]
        total, so_far, row = sum(parts), 0, []
        for part in parts:
            before = (2 * so_far * 65536 + total) // (2 * total)
            so_far += part
            row.append((2 * so_far * 65536 + total) // (2 * total) - before)
        rows.append(row)
    return rows


def whole(taken, made):
    return weights(Axis(0, taken, 0, made), np.arange(made)[:, None], np.arange(-1, taken)[None])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", [(48, 48), (64, 40)])
def test_no_pixel_is_further_than_a_level_from_torch(size, target):
    image = noise(*size)
    resized = Preprocessor(*target, 3, "stretch")(image)
    assert (resized.int() - by_torch(image, target).int()).abs().max() <= 1


def test_from_48_to_64_every_pixel_is_torch_s():
    image = noise(48, 48)
    assert torch.equal(Preprocessor(64, 64, 3, "stretch")(image), by_torch(image, (64, 64)))


@pytest.mark.parametrize(("taken", "made"), [(48, 64), (100, 48), (7, 48), (333, 224), (1, 9), (50, 1), (48, 48)])
def test_weights_are_those_of_the_definition(taken, made):
    assert whole(taken, made).tolist() == in_plain_python(taken, made)


def test_weights_are_exact_for_sides_whose_products_exceed_64_bits():
    found = weights(Axis(0, 7_000_001, 0, 1), np.array([[0]]), np.arange(-1, 7_000_001)[None])
    assert (found.sum(), found.min()) == (ONE, 0)


@pytest.mark.parametrize("size", [(37, 61), (90, 30)])
def test_pixels_are_those_of_plain_python(size):
    image, target = noise(*size), (24, 40)
    down, across = in_plain_python(size[0], 24), in_plain_python(size[1], 40)
    exact = np.einsum("rh,chw,sw->crs", np.array(down, object), image.astype(object), np.array(across, object))
    expected = [round(value / 2**32) for value in exact.flatten()]  # a quotient by a power of two is exact
    assert Preprocessor(*target, 3, "stretch")(image).flatten().tolist() == expected


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("target", [(48, 48), (20, 70), (224, 224)])
def test_blocks_give_the_pixels_of_whole_matrices(fit, target):
    preprocess = Preprocessor(*target, 3, fit)
    for size in SIZES:
        image = noise(*size)
        whole_matrices = preprocess.resized_batch(torch.from_numpy(image)[None])[0]
        assert torch.equal(preprocess(image), whole_matrices), size


@pytest.mark.parametrize("size", [(3, 200_000), (200_000, 3)])
@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_strip_of_any_length_takes_no_more_memory_than_a_few_of_it(size, fit):
    import tracemalloc

    image = noise(*size, channels=1)
    tracemalloc.start()
    Preprocessor(224, 224, 1, fit)(image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80 * image.size


def test_gray_from_rgb_is_the_same_for_a_batch_as_for_an_image():
    images = torch.from_numpy(np.stack([noise(9, 7), noise(9, 7)[:, ::-1].copy()]))
    gray = Preprocessor(9, 7, 1, "crop").with_channels
    assert torch.equal(gray(images), torch.stack([gray(image) for image in images]))


def test_rgb_whose_channels_are_equal_becomes_that_gray():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    assert torch.equal(Preprocessor(16, 16, 1, "crop").with_channels(levels.expand(3, 16, 16)), levels)
