"""An image file becomes uint8 C×H×W, the way a person would see it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".jp2",
        ".avif",
    }
)
GRAYSCALE_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"})


class BadImage(ValueError):
    """An image that cannot be used: `name` says which, `reason` why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


def decode(source: str | Path | bytes, name: str | None = None) -> NDArray[np.uint8]:
    """Decode a file, or its bytes, to uint8 C×H×W: C is 1 for grayscale files and 3 for all others.

    EXIF orientation is applied; 16-bit grayscale is scaled to 8 bits; palettes are looked up; transparent pixels are
    put on white; CMYK becomes RGB; of an animation the first frame is taken. Raises `BadImage` for a file that is
    empty, truncated, no image, or has more than `MAX_PIXELS` pixels.
    """
    name = name or (str(source) if not isinstance(source, bytes) else "image")
    try:
        if (len(source) if isinstance(source, bytes) else Path(source).stat().st_size) == 0:
            raise BadImage(name, "the file is empty")
        with warnings.catch_warnings():
            # Pillow warns of much that is harmless (odd EXIF) and of what is checked here (size).
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                _refuse_bombs(name, image.size)
                return _to_array(ImageOps.exif_transpose(image))
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage(name, "not an image, or of an unknown format") from None
    except Image.DecompressionBombError as error:
        raise BadImage(name, f"refused as a decompression bomb: {error}") from None
    except FileNotFoundError:
        raise BadImage(name, "there is no such file") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError) as error:
        raise BadImage(name, f"damaged: {error}") from None


def _refuse_bombs(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise BadImage(name, f"refused: {width}×{height} pixels, more than {MAX_PIXELS:,} (a decompression bomb?)")


def _to_array(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("I", "I;16", "I;16L", "I;16B", "I;16N"):
        # 16 bits to 8: 65535 is white. Pillow's own conversion would clip everything above 255.
        return (np.asarray(image).astype(np.uint32).clip(0, 65535) >> 8).astype(np.uint8)[None]
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined range; save it as 8 or 16 bits")
    target = "L" if image.mode in GRAYSCALE_MODES else "RGB"
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
    pixels = np.asarray(image if image.mode == target else image.convert(target))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
