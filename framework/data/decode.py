"""An image file becomes uint8 C×H×W, the way a person would see it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF"})
"""What is read, by content. Pillow knows more, among them EPS, which it hands to Ghostscript to be executed."""
GRAYSCALE_MODES = frozenset({"1", "L", "LA", "La"})
SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by its EXIF orientation."""


class BadImage(ValueError):
    """An image that cannot be used: `name` says which, `reason` why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class TooManyPixels(BadImage):
    """A picture so large that it is not decoded."""


@contextmanager
def quiet_decoding() -> Iterator[None]:
    """Keeps to itself what Pillow warns of: the harmless (odd EXIF) and what `decode` checks (size).

    For the whole of a reading rather than for each image: what a process warns of is not a matter of one thread.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def decode(
    source: str | Path | bytes | Image.Image,
    name: str | None = None,
    least: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Decode a file, its bytes, or a PIL image, to uint8 C×H×W: C is 1 for grayscale and 3 for all others.

    With `least`, a JPEG comes out at a half, a quarter or an eighth of its size, if that divides it and leaves at least
    so many pixels on each side: its decoder then leaves out what a smaller image cannot show.

    EXIF orientation is applied; 16-bit grayscale is scaled to 8 bits; palettes are looked up; transparent pixels are
    put on white; CMYK becomes RGB; of an animation the first frame is taken. Raises `BadImage` for a file that is
    empty, truncated, no image, of a format that is not among `FORMATS`, or has more than `max_pixels` pixels; of a PIL
    image neither format nor size is checked.
    """
    name = name or ("image" if isinstance(source, (bytes, Image.Image)) else str(source))
    try:
        if isinstance(source, Image.Image):
            return _to_array(_upright(source))
        if (len(source) if isinstance(source, bytes) else Path(source).stat().st_size) == 0:
            raise BadImage(name, "the file is empty")
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            _refuse(name, image, max_pixels)
            if least is not None:
                _reduce(image, least)
            return _to_array(_upright(image))
    except (BadImage, MemoryError):
        raise
    except Exception as error:  # damaged files make decoders raise nearly anything, RuntimeError and struct.error too
        kind = TooManyPixels if isinstance(error, Image.DecompressionBombError) else BadImage
        raise kind(name, _reason(error, source)) from None


def _reason(error: Exception, source: str | Path | bytes | Image.Image) -> str:
    match error:
        case UnidentifiedImageError():
            return "not an image, or of an unknown format"
        case Image.DecompressionBombError():
            return f"refused as a decompression bomb: {error}"
        case FileNotFoundError():
            broken = isinstance(source, (str, Path)) and Path(source).is_symlink()
            return "a link that leads nowhere" if broken else "there is no such file"
        case PermissionError() | IsADirectoryError():
            return f"cannot be opened: {error.strerror}"
        case OSError(errno=int()):  # of the system; Pillow's own, for damaged files, have no number
            return f"cannot be read: {error.strerror}"
        case _:
            return f"damaged: {error}"


def _refuse(name: str, image: Image.Image, max_pixels: int) -> None:
    """Before any pixel is read."""
    if image.format not in FORMATS:
        raise BadImage(name, f"{image.format} files are not read; save it as PNG or JPEG")
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(name, f"refused: {width}×{height} pixels, more than {max_pixels:,} (a decompression bomb?)")


def _reduce(image: Image.Image, least: int) -> None:
    """Let a JPEG be decoded at an eighth, a quarter or a half; other formats have no such thing.

    Only where both sides can be divided so: else the decoder rounds them up, and the picture would be shifted.
    """
    width, height = image.size
    for part in (8, 4, 2):
        if min(width, height) >= part * least and width % part == 0 == height % part:
            image.draft(None, (width // part, height // part))
            return


def _upright(image: Image.Image) -> Image.Image:
    """As EXIF orients it; `ImageOps.exif_transpose` would also write EXIF anew, and fail where that is damaged."""
    image.load()  # EXIF may follow the pixels
    try:
        method = ORIENTATIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF, or XMP that is no XML: the pixels are there all the same
        return image
    return image if method is None else image.transpose(method)


def _to_array(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in SIXTEEN_BIT_MODES:
        return _from_sixteen_bits(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined range; save it as 8 or 16 bits")
    target = "L" if image.mode in GRAYSCALE_MODES else "RGB"
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
    pixels = np.asarray(image if image.mode == target else image.convert(target))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _from_sixteen_bits(image: Image.Image) -> NDArray[np.uint8]:
    """65535 is white; Pillow's own conversion would clip everything above 255."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("32-bit pixels beyond 0 to 65535 have no defined range; save it as 8 or 16 bits")
    if "transparency" in image.info:
        values[values == image.info["transparency"]] = 65535
    return (values >> 8).astype(np.uint8)[None]
