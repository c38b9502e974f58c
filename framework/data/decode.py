"""Decodes image files to uint8 C×H×W, as they are displayed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from framework.data import depth, formats, samples
from framework.data.depth import ValueRange

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
GRAYSCALE_MODES = frozenset({"1", "L", "LA", "La"})
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns an image upright, by its EXIF orientation."""


class BadImage(ValueError):
    """An image that cannot be used, with its `name` and the `reason`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class TooManyPixels(BadImage):
    """An image that is too large to be decoded."""


@contextmanager
def quiet_decoding() -> Iterator[None]:
    """Suppress Pillow's warnings: harmless ones (odd EXIF), and those about what `decode` checks (size).

    Used around a loop rather than for each image: warning filters belong to the process, not to a thread.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def decode(
    source: str | Path | bytes | Image.Image,
    name: str | None = None,
    least: int | None = None,
    max_pixels: int = MAX_PIXELS,
    value_range: ValueRange | None = None,
) -> NDArray[np.uint8]:
    """Decode a file, its bytes, or a PIL image, to uint8 C×H×W: C is 1 for grayscale and 3 for all others.

    With `least`, a JPEG is decoded at a half, a quarter or an eighth of its size, if that divides both sides and leaves
    at least `least` pixels a side: the decoder then skips detail that a smaller image cannot show.

    For images with more than 8 bits a sample, `value_range` are the values that become 0 and 255; by default those of
    PNG's sBIT or TIFF's BitsPerSample and MaxSampleValue, else 0 and 65535.

    EXIF orientation and palettes are applied, transparent pixels become white, CMYK becomes RGB, and the first frame of
    an animation is used. Raises `BadImage` for a file that is empty, truncated, not an image, of a format that is not
    in `formats.READ`, or larger than `max_pixels`; format and size of a PIL image are not checked.
    """
    name = name or ("image" if isinstance(source, (bytes, Image.Image)) else str(source))
    try:
        if isinstance(source, Image.Image):
            return _from_pillow(source, value_range)
        if (len(source) if isinstance(source, bytes) else Path(source).stat().st_size) == 0:
            raise BadImage(name, "the file is empty")
        with _open(source) as image:
            _refuse(name, image, max_pixels)
            if image.format == "TGA" and not formats.is_tga(source, name):
                raise UnidentifiedImageError
            if least is not None:
                _reduce(image, least)
            if samples.is_deep(image):
                with depth.value_range(value_range):
                    return _from_many_bits(image, source)
            return _to_array(_upright(image))
    except (BadImage, MemoryError):
        raise
    except Exception as error:  # damaged files make decoders raise almost anything
        kind = TooManyPixels if isinstance(error, Image.DecompressionBombError) else BadImage
        raise kind(name, _reason(error, source)) from None


def _open(source: str | Path | bytes) -> Image.Image:
    """Open an image without decoding it."""
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    except UnidentifiedImageError:
        formats.install_decoder(source)
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)


def _reason(error: Exception, source: str | Path | bytes | Image.Image) -> str:
    match error:
        case UnidentifiedImageError():
            return "not an image, or of an unknown format"
        case formats.NotRead():
            return str(error)
        case Image.DecompressionBombError():
            return f"refused as a decompression bomb: {error}"
        case FileNotFoundError():
            broken = isinstance(source, (str, Path)) and Path(source).is_symlink()
            return "a broken link" if broken else "there is no such file"
        case PermissionError() | IsADirectoryError():
            return f"cannot be opened: {error.strerror}"
        case OSError(errno=int()):  # from the system; Pillow's own, for damaged files, have no errno
            return f"cannot be read: {error.strerror}"
        case _:
            return f"damaged: {error}"


def _refuse(name: str, image: Image.Image, max_pixels: int) -> None:
    """Raise `BadImage` for an unsupported format or too many pixels, before any pixel is read."""
    if image.format not in formats.READ:
        raise BadImage(name, f"{image.format} files are not read; save it as PNG or JPEG")
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(name, f"refused: {width}×{height} pixels, more than {max_pixels:,} (a decompression bomb?)")


def _reduce(image: Image.Image, least: int) -> None:
    """Decode a JPEG at an eighth, a quarter or a half of its size; other formats do not support this.

    Only if that divides both sides: otherwise the decoder rounds up, and the image would be shifted.
    """
    width, height = image.size
    for part in (8, 4, 2):
        if min(width, height) >= part * least and width % part == 0 == height % part:
            image.draft(None, (width // part, height // part))
            return


def _upright(image: Image.Image) -> Image.Image:
    """EXIF orientation applied; `ImageOps.exif_transpose` also rewrites EXIF, and fails if it is damaged."""
    image.load()  # EXIF may follow the pixels
    try:
        method = ORIENTATIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF, or XMP that is not XML: the pixels are still usable
        return image
    return image if method is None else image.transpose(method)


def _to_array(image: Image.Image) -> NDArray[np.uint8]:
    target = "L" if image.mode in GRAYSCALE_MODES else "RGB"
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
    pixels = np.asarray(image if image.mode == target else image.convert(target))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _from_pillow(image: Image.Image, value_range: ValueRange | None) -> NDArray[np.uint8]:
    """An image that is open already; of 16-bit colours Pillow has kept only the upper 8 bits."""
    upright = _upright(image)
    if image.mode not in depth.DEEP_MODES:
        return _to_array(upright)
    with depth.value_range(value_range):
        return depth.to_bytes(np.asarray(upright)[None], image, None)


def _from_many_bits(image: Image.Image, source: str | Path | bytes) -> NDArray[np.uint8]:
    """Pillow would clip gray at 255, and keep only the upper 8 of 16 bits of colours."""
    values = samples.of_image(image, source, _upright)
    if values is None:
        return _to_array(_upright(image))
    colours, opacity = (values[:-1], values[-1:] / depth.FULL) if image.mode == "RGBA" else (values, None)
    pixels = depth.to_bytes(colours, image, depth.significant_bits(source) if image.format == "PNG" else None)
    if opacity is not None:
        return np.rint(pixels * opacity + 255 * (1 - opacity)).astype(np.uint8)
    if "transparency" in image.info:
        transparent = np.reshape(image.info["transparency"], (-1, 1, 1))
        pixels[:, (values == transparent).all(axis=0)] = 255
    return pixels
