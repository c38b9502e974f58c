"""Pixels as part of the page: data: URIs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from framework.report.page.elements import Markup, element

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINY = 96
"""Images up to so many pixels on each side are shown pixel by pixel, and kept exactly."""
LARGEST = 240
"""Pixels of the longer side of larger ones."""


def thumbnail(pixels: NDArray[np.uint8], alt: str) -> Markup:
    """An image uint8 C×H×W with C 1 or 3, small enough for a page."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if max(image.size) <= TINY:
        return _element(image, "PNG", alt, "tiny")
    image.thumbnail((LARGEST, LARGEST))
    return _element(image, "JPEG", alt, "", quality=85)


def heat_map(rates: NDArray[np.float64], alt: str) -> Markup:
    """A matrix of fractions of one, a pixel a cell: the diagonal in blue, everything else in orange, by opacity."""
    cells = np.zeros((*rates.shape, 4), dtype=np.uint8)
    cells[..., :3] = (201, 95, 12)
    cells[np.eye(len(rates), dtype=bool), :3] = (47, 103, 177)
    cells[..., 3] = np.round(255 * np.sqrt(np.clip(rates, 0, 1)))
    return _element(Image.fromarray(cells), "PNG", alt, "tiny matrix-image")


def _element(image: Image.Image, kind: str, alt: str, look: str, **options: Any) -> Markup:
    file = io.BytesIO()
    image.save(file, kind, optimize=True, **options)
    uri = f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
    return element("img", src=uri, alt=alt, class_=look or None, width=image.width, height=image.height)
