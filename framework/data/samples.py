"""Images with more than 8 bits a sample at full depth, which Pillow does not support for all formats."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, TiffImagePlugin

from framework.data.depth import BITS_PER_SAMPLE, DEEP_MODES, has_range, number
from framework.data.formats import NotRead

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLANAR_CONFIGURATION = 284
"""TIFF tag: 2 if the colours are in separate planes."""


def is_deep(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has more than 8 bits a sample."""
    if image.mode in DEEP_MODES or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        return True
    return isinstance(image, TiffImagePlugin.TiffImageFile) and (number(image.tag_v2.get(BITS_PER_SAMPLE)) or 0) > 8


def _is_gray_with_opacity(image: Image.Image) -> bool:
    """16-bit grayscale with alpha, which Pillow converts to RGBA."""
    return any(str(tile[3]).startswith("LA;16") for tile in getattr(image, "tile", ()))


def of_image(
    image: Image.Image, source: str | Path | bytes, load: Callable[[Image.Image], Image.Image]
) -> NDArray[Any] | None:
    """All bits of an image that is not loaded yet, as numbers C×H×W; None if 8 bits are enough.

    Raises `NotRead` if they cannot be decoded.
    """
    if image.mode in DEEP_MODES:
        image.tile = [tile._replace(args=_native(tile.args)) for tile in image.tile]  # type: ignore[attr-defined]
        return np.asarray(load(image))[None]
    if _in_planes(image):
        raise NotRead("16-bit colours in separate planes are not read; save it as PNG")
    if image.mode in ("RGB", "RGBA"):
        return _colours(image, source, load)
    if has_range():
        raise NotRead(f"16-bit {image.mode} has no range of values; save it as RGB")
    return None


def _colours(
    image: Image.Image, source: str | Path | bytes, load: Callable[[Image.Image], Image.Image]
) -> NDArray[np.int64]:
    """Pillow unpacks only the upper bytes; with the byte order reversed it unpacks the lower ones instead."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as other:
        if _is_gray_with_opacity(image):  # its four bytes have the layout of 8-bit RGBA
            other.tile = [tile._replace(args="RGBA") for tile in other.tile]
            both = np.asarray(load(other)).astype(np.int64)
            upper, lower = both[..., 0::2], both[..., 1::2]
        else:
            other.tile = [tile._replace(args=_reversed(tile.args)) for tile in other.tile]
            upper, lower = np.asarray(load(image)).astype(np.int64), np.asarray(load(other)).astype(np.int64)
    return (upper << 8 | lower).transpose(2, 0, 1)


def _in_planes(image: Image.Image) -> bool:
    """Whether Pillow misreads the bytes of 16-bit planes as pixels, or cannot access the lower ones."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PLANAR_CONFIGURATION) == 2


def _reversed(arguments: Any) -> Any:
    """Decoder arguments with the byte order of 16-bit samples reversed."""
    if isinstance(arguments, tuple):
        return tuple(_reversed(argument) for argument in arguments)
    if not isinstance(arguments, str) or ";16" not in arguments:
        return arguments
    raw, _, order = arguments.partition(";16")
    native = "L" if sys.byteorder == "little" else "B"
    return f"{raw};16{'B' if order.replace('N', native) == 'L' else 'L'}"


def _native(arguments: Any) -> Any:
    """Libtiff returns samples in the machine's byte order; Pillow handles that only for 16 bits."""
    raw = arguments[0] if isinstance(arguments, tuple) and len(arguments) == 3 else None
    if not isinstance(raw, str) or not isinstance(arguments[1], bool) or sys.byteorder != "little":
        return arguments  # for another decoder
    return (re.sub(r";(16|32)B(?=[SF])", r";\1", raw), *arguments[1:])
