"""Value range of images with more than 8 bits a sample: which values are black and white."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
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
"""The values that become 0 and 255."""

FULL = 65535
"""White in a 16-bit file that does not state another value."""
FULL_RANGE: ValueRange = (0.0, 65535.0)
DEEP_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
BITS_PER_SAMPLE, S_MIN_SAMPLE_VALUE = 258, 340
MAX_SAMPLE_VALUES = (341, 281)
"""TIFF's SMaxSampleValue and MaxSampleValue."""


@dataclass
class DeepValues:
    """Ranges of the values of images with more than 8 bits a sample."""

    images: int = 0
    """Images whose files do not state a range, or that were decoded with a given one."""
    low: float = math.inf
    high: float = -math.inf
    """Smallest and largest value of these."""
    least_white: float = math.inf
    most_white: float = -math.inf
    """Smallest and largest value that other files state as white."""

    def add(self, other: DeepValues) -> None:
        """Include the ranges of further images."""
        self.images += other.images
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.least_white = min(self.least_white, other.least_white)
        self.most_white = max(self.most_white, other.most_white)


_range: ContextVar[ValueRange | None] = ContextVar("range", default=None)
_seen: ContextVar[DeepValues | None] = ContextVar("seen", default=None)


@contextmanager
def value_range(values: ValueRange | None) -> Iterator[None]:
    """Decode images of more than 8 bits with this range in all calls of this thread; None changes nothing."""
    token = _range.set(values if values is not None else _range.get())
    try:
        yield
    finally:
        _range.reset(token)


@contextmanager
def deep_values() -> Iterator[DeepValues]:
    """Collect the ranges of the images that this thread decodes."""
    seen = DeepValues()
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def has_range() -> bool:
    """Whether a range is set for this thread."""
    return _range.get() is not None


def to_bytes(values: NDArray[Any], image: Image.Image, significant_bits: int | None) -> NDArray[np.uint8]:
    """Scale values of any shape to 0 to 255; raises `NotRead` if nothing defines which value is white."""
    if not np.isfinite(low := float(values.min())) or not np.isfinite(high := float(values.max())):
        raise NotRead("it has pixels that are not numbers")
    stated, chosen = _stated(values, high, image, significant_bits), _range.get()
    seen = _seen.get() or DeepValues()
    if chosen is None and stated is not None:
        chosen = stated
        seen.add(DeepValues(least_white=stated[1], most_white=stated[1]))
    else:
        seen.add(DeepValues(1, low, high))
    if chosen is not None and (image.mode == "F" or chosen != FULL_RANGE):
        return _scaled(values, *chosen)
    if image.mode == "F":
        raise NotRead(f"floating-point pixels, from {low:g} to {high:g}, have no defined range; {_what_to_set()}")
    if chosen is None and (low < 0 or high > FULL):
        raise NotRead(f"32-bit pixels from {low:g} to {high:g}, beyond 0 to {FULL}, have no range; {_what_to_set()}")
    upper: NDArray[np.int64] = np.clip(values, 0, FULL).astype(np.int64) >> 8
    return upper.astype(np.uint8)


def significant_bits(source: str | Path | bytes) -> int | None:
    """The largest number in the sBIT chunk of a PNG file; None if there is none."""
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
    """The range that a file states, if its values lie within."""
    stated = None
    if significant is not None and 0 < significant < 16:
        stated = (0.0, FULL if _is_shifted(values, significant) else 2.0**significant - 1)
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        stated = _of_tags(image.tag_v2)
    return stated if stated is not None and stated[0] < stated[1] and high <= stated[1] else None


def _of_tags(tags: Any) -> ValueRange | None:
    low = number(tags.get(S_MIN_SAMPLE_VALUE))
    for tag in MAX_SAMPLE_VALUES:
        if (high := number(tags.get(tag))) is not None:
            return low or 0.0, high
    bits = number(tags.get(BITS_PER_SAMPLE))
    return (0.0, 2.0**bits - 1) if bits and 8 < bits < 16 else None


def _is_shifted(values: NDArray[Any], significant: int) -> bool:
    """Whether values of `significant` bits are in the upper bits of 16, as PNG requires; some programs use the lower.

    The remaining lower bits are then zero, or repeat the upper ones.
    """
    top = values.astype(np.int64) >> (16 - significant)
    if values.max() >= 2**significant:
        return True
    repeated = (top << (16 - significant)) | (top >> max(2 * significant - 16, 0))
    return bool((values == top << (16 - significant)).all() or (values == repeated).all())


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    fraction: NDArray[np.float64] = (np.clip(values, low, high).astype(np.float64) - low) / (high - low)
    return np.rint(fraction * 255).astype(np.uint8)


def number(value: Any) -> float | None:
    """The value of a tag, or the largest if there is one for each channel."""
    try:
        return float(max(value)) if isinstance(value, tuple) else float(value)
    except (TypeError, ValueError):
        return None


def _what_to_set() -> str:
    return "set dataset.value_range=[BLACK,WHITE], or save it as 8 or 16 bits"
