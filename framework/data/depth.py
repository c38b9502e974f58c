"""Images with more than 8 bits a sample: which of their values are black and white, and what values there are."""

from __future__ import annotations

import io
import math
import re
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, TiffImagePlugin

from framework.data.formats import NotRead

if TYPE_CHECKING:
    from numpy.typing import NDArray

ValueRange = tuple[float, float]
"""The values of a file that become 0 and 255."""

FULL = 65535
"""White in a file of 16 bits that states nothing else."""
DEEP_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
BITS_PER_SAMPLE, PLANAR_CONFIGURATION, S_MIN_SAMPLE_VALUE = 258, 284, 340
MAX_SAMPLE_VALUES = (341, 281)
"""TIFF's SMaxSampleValue and MaxSampleValue."""


@dataclass
class DeepValues:
    """The values of images that have more than 8 bits a sample."""

    images: int = 0
    """Those whose files do not state a range, or that were read by a given one."""
    low: float = math.inf
    high: float = -math.inf
    """The smallest and the largest value of these."""
    least_white: float = math.inf
    most_white: float = -math.inf
    """The smallest and the largest value that other files state as white."""

    def add(self, other: DeepValues) -> None:
        """Those of further images."""
        self.images += other.images
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.least_white = min(self.least_white, other.least_white)
        self.most_white = max(self.most_white, other.most_white)


_range: ContextVar[ValueRange | None] = ContextVar("range", default=None)
_seen: ContextVar[DeepValues | None] = ContextVar("seen", default=None)


@contextmanager
def value_range(given: ValueRange | None) -> Iterator[None]:
    """Let this thread decode images of more than 8 bits by that range, whoever calls `decode`; None: as files say."""
    token = _range.set(given)
    try:
        yield
    finally:
        _range.reset(token)


@contextmanager
def deep_values() -> Iterator[DeepValues]:
    """What values the images have that this thread decodes."""
    seen = DeepValues()
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def is_deep(image: Image.Image) -> bool:
    """Whether an image, not loaded yet, has more than 8 bits a sample."""
    if image.mode in DEEP_MODES or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        return True
    return isinstance(image, TiffImagePlugin.TiffImageFile) and (_number(image.tag_v2.get(BITS_PER_SAMPLE)) or 0) > 8


def to_bytes(values: NDArray[Any], image: Image.Image, significant_bits: int | None) -> NDArray[np.uint8]:
    """Values of any shape to 0 to 255; raises `NotRead` where nothing says which of them is white."""
    if not np.isfinite(low := float(values.min())) or not np.isfinite(high := float(values.max())):
        raise NotRead("it has pixels that are not numbers")
    stated, chosen = _stated(values, high, image, significant_bits), _range.get()
    seen = _seen.get() or DeepValues()
    if chosen is None and stated is not None:
        chosen = stated
        seen.add(DeepValues(least_white=stated[1], most_white=stated[1]))
    else:
        seen.add(DeepValues(1, low, high))
    if chosen is not None and (chosen != (0, FULL) or image.mode == "F"):
        return _scaled(values, *chosen)
    if image.mode == "F":
        raise NotRead(f"floating-point pixels, from {low:g} to {high:g}, have no defined range; {_what_to_set()}")
    if chosen is None and (low < 0 or high > FULL):
        raise NotRead(f"32-bit pixels from {low:g} to {high:g}, beyond 0 to {FULL}, have no range; {_what_to_set()}")
    upper: NDArray[np.int64] = np.clip(values, 0, FULL).astype(np.int64) >> 8
    return upper.astype(np.uint8)


def is_gray_with_opacity(image: Image.Image) -> bool:
    """Of 16 bits: Pillow makes RGBA of it."""
    return any(str(tile[3]).startswith("LA;16") for tile in getattr(image, "tile", ()))


def samples(
    image: Image.Image, source: str | Path | bytes, load: Callable[[Image.Image], Image.Image]
) -> NDArray[Any] | None:
    """All bits of an image that is not loaded yet, as numbers C×H×W; None where 8 of them will do.

    Raises `NotRead` where they cannot be had.
    """
    if image.mode in DEEP_MODES:
        image.tile = [tile._replace(args=_native(tile.args)) for tile in image.tile]  # type: ignore[attr-defined]
        return np.asarray(load(image))[None]
    if _in_planes(image):
        raise NotRead("16-bit colours in separate planes are not read; save it as PNG")
    if image.mode in ("RGB", "RGBA"):
        return _colours(image, source, load)
    if _range.get() is not None:
        raise NotRead(f"16-bit {image.mode} has no range of values; save it as RGB")
    return None


def significant_bits(source: str | Path | bytes) -> int | None:
    """The largest number in the sBIT chunk of a PNG file; None where there is none."""
    if isinstance(source, bytes):
        head = source[:4096]
    else:
        with Path(source).open("rb") as file:
            head = file.read(4096)
    at = 8
    while at + 8 <= len(head):
        length, name = struct.unpack(">I4s", head[at : at + 8])
        if name in (b"IDAT", b"PLTE"):
            return None
        if name == b"sBIT" and 0 < length <= 4 and at + 8 + length <= len(head):
            return max(head[at + 8 : at + 8 + min(length, 3)])
        at += 12 + length
    return None


def _stated(values: NDArray[Any], high: float, image: Image.Image, significant: int | None) -> ValueRange | None:
    """The range that a file states, if its values keep to it."""
    stated = None
    if significant is not None and 0 < significant < 16:
        stated = (0.0, FULL if _is_shifted(values, significant) else 2.0**significant - 1)
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        stated = _of_tags(image.tag_v2)
    return stated if stated is not None and stated[0] < stated[1] and high <= stated[1] else None


def _of_tags(tags: Any) -> ValueRange | None:
    low = _number(tags.get(S_MIN_SAMPLE_VALUE))
    for tag in MAX_SAMPLE_VALUES:
        if (high := _number(tags.get(tag))) is not None:
            return low or 0.0, high
    bits = _number(tags.get(BITS_PER_SAMPLE))
    return (0.0, 2.0**bits - 1) if bits and 8 < bits < 16 else None


def _is_shifted(values: NDArray[Any], significant: int) -> bool:
    """Whether values of so many bits fill the upper bits of 16, as PNG says, and not the lower ones, as some write.

    What is left of the lower bits is zero then, or repeats the upper ones.
    """
    top = values.astype(np.int64) >> (16 - significant)
    if values.max() >= 2**significant:
        return True
    repeated = (top << (16 - significant)) | (top >> max(2 * significant - 16, 0))
    return bool((values == top << (16 - significant)).all() or (values == repeated).all())


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    share: NDArray[np.float64] = (np.clip(values, low, high).astype(np.float64) - low) / (high - low)
    return np.rint(share * 255).astype(np.uint8)


def _number(value: Any) -> float | None:
    """Of a tag, which may have one value for each channel."""
    try:
        return float(max(value)) if isinstance(value, tuple) else float(value)
    except (TypeError, ValueError):
        return None


def _what_to_set() -> str:
    return "set dataset.value_range=[BLACK,WHITE], or save it as 8 or 16 bits"


def _colours(
    image: Image.Image, source: str | Path | bytes, load: Callable[[Image.Image], Image.Image]
) -> NDArray[np.int64]:
    """Pillow unpacks the upper bytes alone. With the other order of bytes it unpacks the lower ones in their place."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as other:
        if is_gray_with_opacity(image):  # its four bytes are what RGBA of 8 bits has
            other.tile = [tile._replace(args="RGBA") for tile in other.tile]  # type: ignore[attr-defined]
            both = np.asarray(load(other)).astype(np.int64)
            upper, lower = both[..., 0::2], both[..., 1::2]
        else:
            other.tile = [tile._replace(args=_reversed(tile.args)) for tile in other.tile]  # type: ignore[attr-defined]
            upper, lower = np.asarray(load(image)).astype(np.int64), np.asarray(load(other)).astype(np.int64)
    return (upper << 8 | lower).transpose(2, 0, 1)


def _in_planes(image: Image.Image) -> bool:
    """Whether Pillow takes bytes of a 16-bit plane for pixels, or has no access to the lower ones."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PLANAR_CONFIGURATION) == 2


def _reversed(arguments: Any) -> Any:
    """Arguments of a decoder with the order of bytes of 16-bit samples reversed."""
    if isinstance(arguments, tuple):
        return tuple(_reversed(argument) for argument in arguments)
    if not isinstance(arguments, str) or ";16" not in arguments:
        return arguments
    raw, _, order = arguments.partition(";16")
    native = "L" if sys.byteorder == "little" else "B"
    return f"{raw};16{'B' if order.replace('N', native) == 'L' else 'L'}"


def _native(arguments: Any) -> Any:
    """What the decoder of libtiff gives has the machine's order of bytes; Pillow knows that of 16 bits alone."""
    raw = arguments[0] if isinstance(arguments, tuple) and len(arguments) == 3 else None
    if not isinstance(raw, str) or not isinstance(arguments[1], bool) or sys.byteorder != "little":
        return arguments  # of another decoder
    return (re.sub(r";(16|32)B(?=[SF])", r";\1", raw), *arguments[1:])
