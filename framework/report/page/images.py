"""Images as data: URIs, which are part of the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINY = 96
"""Images of up to this many pixels on each side are lossless and shown pixel by pixel."""
LARGEST = 240
"""Larger images are reduced to this many pixels on the longer side."""


@dataclass(frozen=True)
class PageImage:
    """The attributes of an img element; `css` is its class."""

    uri: str
    alt: str
    width: int
    height: int
    css: str = ""


def thumbnail(pixels: NDArray[np.uint8], alt: str) -> PageImage:
    """An image uint8 C×H×W with C 1 or 3, reduced to the size that a page needs."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if max(image.size) <= TINY:
        return _page_image(image, "PNG", alt, "tiny")
    image.thumbnail((LARGEST, LARGEST))
    return _page_image(image, "JPEG", alt, "", quality=85)


def heat_map(rates: NDArray[np.float64], alt: str) -> PageImage:
    """A matrix of fractions in [0, 1], one pixel per cell: the diagonal in blue, the rest in orange, by opacity."""
    cells = np.zeros((*rates.shape, 4), dtype=np.uint8)
    cells[..., :3] = (201, 95, 12)
    cells[np.eye(len(rates), dtype=bool), :3] = (47, 103, 177)
    cells[..., 3] = np.round(255 * np.sqrt(np.clip(rates, 0, 1)))
    return _page_image(Image.fromarray(cells), "PNG", alt, "tiny")


def _page_image(image: Image.Image, kind: str, alt: str, css: str, **options: Any) -> PageImage:
    file = io.BytesIO()
    image.save(file, kind, optimize=True, **options)
    uri = f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
    return PageImage(uri, alt, image.width, image.height, css)
