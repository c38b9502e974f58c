import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from framework import BadImage, decode
from framework.data.decode import quiet_decoding
from framework.data.preprocess import Preprocessor


def encode(image, format_, **options):
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def pixels(data):
    """Height × width × channels, as a list."""
    return decode(data).transpose(1, 2, 0).tolist()


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def reason(data):
    with pytest.raises(BadImage) as caught:
        decode(data, "broken.png")
    assert caught.value.name == "broken.png"
    return caught.value.reason


def png_that_claims(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "PPM"])
def test_an_rgb_file_is_three_channels_with_its_own_pixels(format_):
    expected = noise(5, 7)
    decoded = decode(encode(Image.fromarray(expected), format_))
    assert (decoded.shape, decoded.dtype) == ((3, 5, 7), np.uint8)
    np.testing.assert_array_equal(decoded, expected.transpose(2, 0, 1))


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "PPM"])
def test_a_grayscale_file_is_one_channel_with_its_own_pixels(format_):
    expected = noise(5, 7, channels=1)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(expected), format_)), expected[None])


@pytest.mark.parametrize("format_", ["TGA", "PCX", "DDS"])
def test_uncompressed_formats_are_read_with_their_own_pixels(format_):
    expected = noise(6, 8)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(expected), format_)), expected.transpose(2, 0, 1))


def test_a_tga_file_is_known_by_its_footer_or_its_name():
    data = encode(Image.fromarray(noise(6, 8)), "TGA")
    without_footer = data[:-26]
    assert decode(without_footer, "a.TGA").shape == (3, 6, 8)
    assert "not an image" in reason(without_footer)  # nothing else tells it from arbitrary bytes


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heix"])
def test_heic_without_its_package_is_named_with_what_to_install(brands, monkeypatch):
    monkeypatch.setattr(Image, "OPEN", {name: opener for name, opener in Image.OPEN.items() if name != "HEIF"})
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    given = reason(b"\0\0\0\x18ftyp" + brands + bytes(100))
    assert "HEIC" in given
    assert "framework[heif]" in given


def test_heic_is_read_with_its_package(monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (32, 24), (200, 30, 30))).save(file)
    monkeypatch.setattr(Image, "OPEN", {name: opener for name, opener in Image.OPEN.items() if name != "HEIF"})
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    decoded = decode(file.getvalue())
    assert decoded.shape == (3, 24, 32)
    assert np.abs(decoded.mean(axis=(1, 2)) - (200, 30, 30)).max() < 4


def test_avif_without_its_decoder_is_named(monkeypatch):
    monkeypatch.setattr(Image, "OPEN", {name: opener for name, opener in Image.OPEN.items() if name != "AVIF"})
    monkeypatch.setattr("framework.data.formats.features.check", lambda name: False)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "AVIF"])
    given = reason(b"\0\0\0 ftypavif\0\0\0\0avifmif1miaf" + bytes(100))
    assert "AVIF" in given
    assert "pip install" in given


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xff\x0a" + bytes(99), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), "JPEG XL"),
        (b"%PDF-1.7\n" + bytes(99), "PDF"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "SVG"),
        (bytes(128) + b"DICM" + bytes(99), "DICOM"),
        (b"v/1\x01" + bytes(99), "OpenEXR"),
        (encode(Image.new("RGB", (16, 16)), "ICO"), "ICO"),
        (encode(Image.new("RGB", (16, 16)), "PDF"), "PDF"),
    ],
)
def test_other_formats_are_refused_by_name(data, name):
    assert reason(data).startswith(f"{name} files are not read")


@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "GIF", "JPEG2000", "AVIF"])
def test_every_lossy_format_that_is_promised_is_read(format_):
    if not any(known == format_ for known in Image.registered_extensions().values()):
        pytest.skip(f"this Pillow has no {format_}")
    decoded = decode(encode(Image.new("RGB", (32, 24), (200, 30, 30)), format_))
    assert decoded.shape == (3, 24, 32)
    assert np.abs(decoded.mean(axis=(1, 2)) - (200, 30, 30)).max() < 4


def test_a_file_is_read_by_its_path_and_named_by_it(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(BadImage, match=r"a\.png: not an image"):
        decode(tmp_path / "a.png")


def test_transparent_pixels_are_put_on_white():
    image = Image.new("RGBA", (3, 1), (10, 20, 30, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    image.putpixel((2, 0), (0, 0, 0, 51))  # a fifth
    assert pixels(encode(image, "PNG")) == [[[255] * 3, [10, 20, 30], [204] * 3]]


def test_transparent_gray_pixels_are_put_on_white_and_stay_gray():
    image = Image.new("LA", (2, 1), (10, 0))
    image.putpixel((1, 0), (10, 255))
    assert pixels(encode(image, "PNG")) == [[[255], [10]]]


@pytest.mark.parametrize(
    ("image", "transparent", "expected"),
    [
        (Image.fromarray(np.array([[7, 9]], np.uint8)), 7, [[[255], [9]]]),
        (Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)), (1, 2, 3), [[[255] * 3, [4, 5, 6]]]),
        (Image.fromarray(np.array([[256, 512]], np.uint16)), 256, [[[255], [2]]]),
        (Image.fromarray(np.array([[True, False]])), 0, [[[255], [255]]]),
    ],
    ids=["gray", "rgb", "16 bits", "1 bit"],
)
def test_a_colour_declared_transparent_is_white(image, transparent, expected):
    assert pixels(encode(image, "PNG", transparency=transparent)) == expected


def palette_image():
    image = Image.new("P", (2, 1), 1)
    image.putpixel((1, 0), 2)
    image.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60])
    return image


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_palettes_are_looked_up(format_):
    assert pixels(encode(palette_image(), format_)) == [[[10, 20, 30], [40, 50, 60]]]


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(format_):
    assert pixels(encode(palette_image(), format_, transparency=1)) == [[[255] * 3, [40, 50, 60]]]


def test_cmyk_becomes_rgb():
    decoded = decode(encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "TIFF"))
    np.testing.assert_array_equal(decoded[:, 0, 0], [255, 0, 0])


def test_cmyk_in_jpeg_as_adobe_inverts_it_becomes_rgb():
    data = encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(decode(data)[:, 8, 8].astype(int) - [255, 0, 0]).max() < 6


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(format_):
    values = np.array([[0, 255, 256, 257, 256 * 7, 32768, 65535]], np.uint16)
    assert decode(encode(Image.fromarray(values), format_)).tolist() == [[[0, 0, 1, 1, 7, 128, 255]]]


def test_big_endian_sixteen_bits_are_scaled_to_eight():
    values = np.array([[256, 65535]], ">u2")
    assert decode(encode(Image.fromarray(values), "TIFF")).tolist() == [[[1, 255]]]
    assert decode(b"P5 2 1 65535\n" + values.tobytes()).tolist() == [[[1, 255]]]


def test_pixels_without_a_defined_range_are_refused():
    beyond = Image.fromarray(np.array([[0, 70_000]], np.int32))
    assert "32-bit pixels" in reason(encode(beyond, "TIFF"))
    assert "floating-point" in reason(encode(Image.fromarray(np.array([[0.5]], np.float32)), "TIFF"))


def test_one_bit_is_black_and_white():
    assert pixels(encode(Image.fromarray(np.array([[True, False]])), "PNG")) == [[[255], [0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_every_exif_orientation_is_turned_upright(orientation, format_):
    upright = noise(4, 6)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(np.ascontiguousarray(stored)), format_, exif=exif)
    np.testing.assert_array_equal(decode(data), upright.transpose(2, 0, 1))


def test_damaged_exif_does_not_cost_the_image():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 40
    data = encode(Image.new("RGB", (16, 8), "red"), "JPEG", exif=exif)
    start = data.index(b"Exif\0\0") + 6
    for position in range(start, start + 60):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        with quiet_decoding():
            assert decode(bytes(broken)).shape in ((3, 8, 16), (3, 16, 8))


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data)[:, 0, 0].tolist() == [255, 0, 0]


def test_a_progressive_jpeg_is_that_of_the_same_pixels():
    image = Image.fromarray(noise(24, 24))
    np.testing.assert_array_equal(
        decode(encode(image, "JPEG", progressive=True)), decode(encode(image, "JPEG", progressive=False))
    )


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_bad(format_, share):
    data = encode(Image.fromarray(noise(64, 64)), format_)
    assert reason(data[: int(len(data) * share)])


def test_an_empty_file_is_bad_and_says_so():
    assert reason(b"") == "the file is empty"


def test_a_text_file_is_no_image_whatever_its_ending(tmp_path):
    (tmp_path / "a.jpg").write_text("hello, world\n" * 20)
    with pytest.raises(BadImage, match="not an image"):
        decode(tmp_path / "a.jpg")


def test_a_missing_file_and_a_folder_are_bad(tmp_path):
    with pytest.raises(BadImage, match="there is no such file"):
        decode(tmp_path / "a.jpg")
    with pytest.raises(BadImage, match="cannot be opened"):
        decode(tmp_path)


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(BadImage):
        decode(tmp_path / "a.jpg")


def test_formats_that_execute_code_are_refused_unread(monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was called"))
    assert "EPS files are not read" in reason(encode(Image.new("RGB", (8, 8)), "EPS"))


@pytest.mark.parametrize("side", [9_999, 15_000, 50_000])
def test_a_header_that_claims_too_many_pixels_is_refused_unread(side):
    assert "bomb" in reason(png_that_claims(side, side))


def test_a_header_that_claims_more_pixels_than_follow_is_truncated():
    assert "truncated" in reason(png_that_claims(900, 900))


def test_a_real_bomb_is_refused_unread():
    data = encode(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(data) < 100_000
    assert "bomb" in reason(data)


def test_a_very_long_image_is_read():
    assert decode(encode(Image.new("L", (10_000, 1), 7), "PNG")).shape == (1, 1, 10_000)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "PPM"])
def test_whatever_is_damaged_is_read_or_bad(format_):
    random = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.fromarray(noise(12, 16)), format_, **({"exif": exif} if format_ in ("JPEG", "PNG") else {}))
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(random.integers(1, 8)):
            broken[random.integers(min(len(broken), random.choice((64, 100_000))))] = random.integers(256)
        try:
            decoded = decode(bytes(broken))
        except BadImage:
            continue
        assert decoded.dtype == np.uint8
        assert decoded.shape[0] in (1, 3)


def photo(width, height, seed=0):
    """A JPEG with detail at every scale, as photographs have."""
    random = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 127.0)
    for cells in (4, 16, 64, 256):
        coarse = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        pixels += (np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) - 127.0) / cells**0.5
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "least", "expected"),
    [
        ((800, 600), 300, (300, 400)),
        ((800, 600), 301, (600, 800)),
        ((800, 600), 150, (150, 200)),
        ((800, 600), 10, (75, 100)),
        ((800, 600), 2000, (600, 800)),
        ((804, 604), 10, (151, 201)),
        ((801, 600), 10, (600, 801)),
    ],
)
def test_a_large_jpeg_comes_at_a_half_a_quarter_or_an_eighth_but_not_below_what_is_needed(size, least, expected):
    assert decode(photo(*size), least=least).shape == (3, *expected)


def test_other_formats_come_as_they_are():
    file = io.BytesIO()
    Image.new("RGB", (800, 600)).save(file, "PNG")
    assert decode(file.getvalue(), least=10).shape == (3, 600, 800)


@pytest.mark.parametrize("target", [32, 64, 224])
def test_what_the_network_sees_hardly_depends_on_the_size_of_decoding(target):
    preprocess = Preprocessor(target, target, 3, "crop")
    data = photo(1600, 1200)
    reduced = decode(data, least=preprocess.least_side)
    assert reduced.shape[1] < 1200
    difference = preprocess(reduced).int() - preprocess(decode(data)).int()
    assert difference.abs().float().mean() < 0.3  # of 255 levels
    assert difference.abs().max() <= 3


def test_a_jpeg_that_was_cut_short_is_bad_at_every_size():
    with pytest.raises(BadImage, match="truncated"):
        decode(photo(800, 600)[:20_000], least=10)
