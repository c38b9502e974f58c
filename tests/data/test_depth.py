"""Images with more than 8 bits a sample: what becomes black and white."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from framework import BadImage, decode
from framework.data.depth import deep_values, value_range

VALUES = np.array([[0, 273, 1000, 2047, 3003, 4095]], np.uint16)
TWELVE_BITS = np.rint(VALUES / 4095 * 255).tolist()[0]
GRAY, GRAY_ALPHA, RGB, RGB_ALPHA = 0, 4, 2, 6


def png(values, colour=GRAY, significant=None):
    """A 16-bit PNG of H×W or H×W×C values."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    bits = chunk(b"sBIT", bytes(significant)) if significant else b""
    return b"\x89PNG\r\n\x1a\n" + header + bits + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(values, bits=None, **tags):
    """A TIFF of H×W values, with tags by number as `t281=4095`."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        directory[int(name[1:])] = value
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", tiffinfo=directory)
    return file.getvalue()


def colours(values):
    return np.stack([values, values // 2, values // 3], axis=2)


def levels(data, **options):
    """Channels of one row each."""
    return [channel[0] for channel in decode(data, **options).tolist()]


def test_values_in_the_lower_bits_of_a_png_that_states_them_are_scaled():
    assert levels(png(VALUES, significant=[12])) == [TWELVE_BITS]
    assert levels(png(VALUES // 16, significant=[8])) == (VALUES // 16).tolist()


def test_values_in_the_upper_bits_of_a_png_as_its_standard_says_stay_as_they_are():
    assert levels(png(VALUES << 4, significant=[12])) == (VALUES >> 4).tolist()
    assert levels(png(VALUES << 4 | VALUES >> 8, significant=[12])) == (VALUES >> 4).tolist()


def test_a_dark_png_whose_values_are_in_the_upper_bits_stays_dark():
    assert levels(png(VALUES // 16 << 4, significant=[12])) == [(VALUES // 256).tolist()[0]]


@pytest.mark.parametrize("tag", ["t281", "t341"])
def test_the_largest_value_that_a_tiff_states_is_white(tag):
    assert levels(tiff(VALUES, **{tag: 4095})) == [TWELVE_BITS]
    assert levels(tiff(VALUES.astype(np.int32), **{tag: 4095})) == [TWELVE_BITS]


def test_a_stated_value_that_pixels_exceed_is_not_believed():
    assert levels(tiff(VALUES, t281=4000)) == [(VALUES >> 8).tolist()[0]]


def test_a_tiff_of_twelve_bits_a_sample_is_scaled():
    packed = bytes([0x00, 0x0F, 0xFF])  # 0 and 4095
    data = tiff(np.zeros((1, 2), np.uint16))
    image = bytearray(data)
    with Image.open(io.BytesIO(data)) as opened:
        offset = opened.tag_v2[273][0]
    image[offset : offset + 3] = packed
    image[image.index(struct.pack("<HHI", 258, 3, 1)) + 8] = 12
    assert levels(bytes(image)) == [[0, 255]]


FORMS = {
    "16-bit PNG": (png(VALUES), 1),
    "16-bit RGB PNG": (png(colours(VALUES), RGB), 3),
    "16-bit gray PNG with opacity": (png(np.stack([VALUES, VALUES * 0 + 65535], 2), GRAY_ALPHA), 1),
    "16-bit RGB PNG with opacity": (png(np.dstack([colours(VALUES), VALUES * 0 + 65535]), RGB_ALPHA), 3),
    "16-bit TIFF": (tiff(VALUES), 1),
    "32-bit TIFF": (tiff(VALUES.astype(np.int32)), 1),
    "floating-point TIFF": (tiff(VALUES.astype(np.float32)), 1),
}


@pytest.mark.parametrize(("data", "channels"), FORMS.values(), ids=FORMS)
def test_a_given_range_scales_every_form(data, channels):
    expected = np.rint(colours(VALUES) / 4095 * 255).transpose(2, 0, 1)[:channels, 0].tolist()
    assert levels(data, value_range=(0, 4095)) == expected
    with value_range((0, 4095)):  # for sources of plugins, which call decode without it
        assert levels(data) == expected


def test_values_beyond_a_given_range_are_black_and_white():
    assert levels(png(VALUES), value_range=(1000, 3003)) == [[0, 0, 0, 133, 255, 255]]


def test_a_given_range_comes_before_what_a_file_states():
    assert levels(png(VALUES, significant=[12]), value_range=(0, 8190)) == [np.rint(VALUES / 8190 * 255).tolist()[0]]


def test_a_range_does_not_change_images_of_eight_bits():
    file = io.BytesIO()
    Image.fromarray(np.array([[0, 100, 255]], np.uint8)).save(file, "PNG")
    assert levels(file.getvalue(), value_range=(0, 4095)) == [[0, 100, 255]]


def test_colours_of_sixteen_bits_without_a_range_keep_their_upper_bits():
    values = colours(np.array([[0, 255, 256, 32768, 65535]], np.uint16))
    assert levels(png(values, RGB)) == (values >> 8).transpose(2, 0, 1)[:, 0].tolist()


def test_opacity_of_sixteen_bits_puts_pixels_on_white():
    values = np.array([[[4095, 0], [4095, 65535], [0, 32768]]], np.uint16)
    assert levels(png(values, GRAY_ALPHA), value_range=(0, 4095)) == [[255, 255, 127]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", ["u2", "i2", "i4", "f4"])
def test_every_order_of_bytes_and_compression_of_a_tiff_gives_the_same(order, compression, kind):
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    tifffile.imwrite(file, VALUES.astype(kind), byteorder=order, compression=compression, metadata=None)
    assert levels(file.getvalue(), value_range=(0, 4095)) == [TWELVE_BITS]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_of_a_tiff_are_read_whole_or_refused(order, compression):
    tifffile = pytest.importorskip("tifffile")
    options = {"byteorder": order, "compression": compression, "photometric": "rgb", "metadata": None}
    file, planes = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(file, colours(VALUES), **options)
    expected = np.rint(colours(VALUES) / 4095 * 255).transpose(2, 0, 1)[:, 0].tolist()
    assert levels(file.getvalue(), value_range=(0, 4095)) == expected
    tifffile.imwrite(planes, colours(VALUES).transpose(2, 0, 1), planarconfig="separate", **options)
    with pytest.raises(BadImage, match="planes"):
        decode(planes.getvalue())


def test_floating_point_needs_a_range_and_says_what_to_set():
    with pytest.raises(BadImage, match=r"dataset\.value_range"):
        decode(tiff(np.array([[0.5]], np.float32)))
    assert levels(tiff(np.array([[-1, 0, 1]], np.float32)), value_range=(-1, 1)) == [[0, 128, 255]]
    with pytest.raises(BadImage, match="not numbers"):
        decode(tiff(np.array([[0, np.nan]], np.float32)), value_range=(0, 1))


def test_the_values_of_images_that_state_no_range_are_found():
    with deep_values() as seen:
        for data in (png(VALUES), png(colours(VALUES) * 2, RGB), tiff(VALUES, t281=4095)):
            decode(data)
    assert (seen.images, seen.low, seen.high, seen.least_white, seen.most_white) == (2, 0, 8190, 4095, 4095)


def test_an_open_image_is_scaled_as_its_file_is():
    deep = Image.fromarray(VALUES)
    assert deep.mode == "I;16"
    assert levels(deep, value_range=(0, 4095)) == [TWELVE_BITS]
    with value_range((0, 4095)):
        assert levels(deep) == [TWELVE_BITS]
    assert levels(deep) == [(VALUES[0] >> 8).tolist()]
