"""Images in any accepted form: paths, bytes, PIL images, arrays and tensors, one or many."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import PIL.Image
import torch

from framework.data.decode import BadImage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Bytes = bytes | bytearray | memoryview
    Pixels = PIL.Image.Image | NDArray[np.uint8] | Tensor
    Unnamed = str | os.PathLike[str] | Bytes | Pixels
    Image = Unnamed | tuple[str, Unnamed] | BadImage

Source = str | Path | bytes | PIL.Image.Image
"""As `decode` accepts it."""

ALLOWED = (
    "an image is a path, the bytes of an image file, a PIL image, a uint8 array H×W or H×W×C, a uint8 tensor C×H×W, "
    "or a pair (name, one of these)"
)
CHANNELS = (1, 2, 3, 4)
"""Allowed numbers of channels: grayscale and RGB, with or without transparency."""


def one_or_many(images: Image | Iterable[Image]) -> Iterator[Image]:
    """Iterate over one image or many; a path, bytes, or pixels of 2 or 3 dimensions are one image.

    Raises `TypeError` for anything that is neither an image nor an iterable of images.
    """
    single = (str, os.PathLike, bytes, bytearray, memoryview, PIL.Image.Image, BadImage)
    if isinstance(images, single) or (isinstance(images, (np.ndarray, torch.Tensor)) and images.ndim in (2, 3)):
        return iter([cast("Image", images)])
    not_images = isinstance(images, (io.IOBase, Mapping)) or (hasattr(images, "ndim") and not images.ndim)
    if not_images or not isinstance(images, Iterable):
        raise TypeError(f"{ALLOWED}, or an iterable of these; not {_described(images)}")
    return iter(images)


def name_and_source(image: Image) -> tuple[str, Source | BadImage]:
    """The image's name and its source for `decode`; raises `TypeError` for anything that is not an image."""
    value: Any = image
    if isinstance(value, BadImage):
        return value.name, value
    name = None
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        name, value = value
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        return name or str(value), path if isinstance(path, str) else os.fsdecode(path)
    if isinstance(value, PIL.Image.Image):
        return _loaded(name or getattr(value, "filename", "") or "image", value)
    name = name or "image"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return name, bytes(value)
    if isinstance(value, torch.Tensor) and value.dtype == torch.uint8 and value.ndim == 3:
        return _from_pixels(name, value.permute(1, 2, 0).cpu().numpy(), image)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3):
        return _from_pixels(name, value if value.ndim == 3 else value[..., None], image)
    raise TypeError(f"{ALLOWED}; not {_described(image)}")


def _from_pixels(name: str, pixels: NDArray[np.uint8], value: Any) -> tuple[str, Source | BadImage]:
    """From uint8 H×W×C."""
    if pixels.shape[2] not in CHANNELS:
        raise TypeError(f"{ALLOWED}; C is 1 to 4; not {_described(value)}")
    if 0 in pixels.shape:
        return name, BadImage(name, "the image has no pixels")
    return name, PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))


def _loaded(name: str, image: PIL.Image.Image) -> tuple[str, Source | BadImage]:
    """Load an opened image in this thread: loading one from several threads is not safe in Pillow."""
    try:
        image.load()
    except Exception as error:  # decoders raise nearly anything for damaged files
        return name, BadImage(name, f"damaged: {error}")
    return name, image


def _described(value: Any) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if isinstance(value, tuple) and len(value) == 2:
        return f"a pair of {_described(value[0])} and {_described(value[1])}"
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return f"a {kind} of {value.dtype} and shape {'×'.join(map(str, value.shape)) or '()'}"
    return f"an object of type {kind}"
