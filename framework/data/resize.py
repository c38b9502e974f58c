"""Bilinear resizing with antialiasing, in whole numbers: the same pixels on every machine and in an exported graph.

Each output pixel is a mean over the input with a triangle filter, whose half width is one pixel of the coarser of the
two sides, as in Pillow and torch. Here the weights are integers that sum to 65536. A product of pixels (8 bits) with
weights (16 bits) is below 2^24 and exact in float32; a second one is below 2^40 and exact in float64, whatever the
order of summation. Only the final mean is rounded, half to even.

Sides and positions are ints when an image is resized, and tensors when a graph for any size is traced: `Axis` and
`weights` use only arithmetic that both support.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

VERSION = 2
"""Increased whenever the resulting pixels change: cached stores depend on it. 1 was torch's `interpolate`."""
ONE = 2**16
BLOCK = 8
"""Output pixels that share a band of input: more of them multiply more zeros, fewer need more calls."""
SMALL = 4096
"""Weights up to which a side is one block."""
LARGEST_PRODUCT = 150_000
"""Multiplications of one call: few enough that BLAS uses one thread, because images are read by several."""
LARGEST_CACHED = 2**20
"""Weights of a side that are cached for the next image of that size; an eighth of it is computed at a time."""


@dataclass(frozen=True)
class Axis:
    """One side: `taken` input pixels from `start` on become `made` output pixels from `before` on; others are 0."""

    start: Any
    taken: Any
    before: Any
    made: Any


def weights(axis: Axis, outputs: Any, inputs: Any) -> Any:
    """Weight of each input pixel in each output pixel, int64 …×R×K; rows of `axis` sum to 65536, others are 0.

    `outputs` is int64 …×R×1. `inputs` is int64 …×1×(K+1): one position before the first pixel that may have weight,
    then K in a row. They are NumPy arrays or tensors, and the result is of the same kind.
    """
    row, column = outputs - axis.before, inputs - axis.start
    triangle = 2 * larger(axis.made, axis.taken) - abs((2 * column + 1) * axis.made - (2 * row + 1) * axis.taken)
    inside = (row >= 0) * (row < axis.made) * (column >= 0) * (column < axis.taken)
    cumulative = (triangle.clip(min=0) * inside).cumsum(-1)
    total = cumulative[..., -1:]
    total = total + (total == 0)
    # round(65536 · cumulative / total) by 256 twice: at once, strips of millions of pixels would exceed 64 bits.
    high = 256 * cumulative // total
    low = (512 * (256 * cumulative - high * total) + total) // (2 * total)
    cumulative = 256 * high + low
    return cumulative[..., 1:] - cumulative[..., :-1]


def larger(first: Any, second: Any) -> Any:
    """The larger of two numbers, by arithmetic: a traced graph would fix the result of a comparison."""
    return (first + second + abs(first - second)) // 2


def smaller(first: Any, second: Any) -> Any:
    """The smaller of two numbers."""
    return first + second - larger(first, second)


def rounded(numerator: Any, denominator: Any) -> Any:
    """A non-negative fraction rounded to the nearest integer, half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def resize(image: NDArray[np.uint8], vertical: Axis, horizontal: Axis, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Uint8 C×H×W to C×`size`, block by block of output from the input that it needs."""
    image = image[:, vertical.start : vertical.start + vertical.taken]
    image = image[:, :, horizontal.start : horizontal.start + horizontal.taken]
    height, width = vertical.made, horizontal.made
    if height * image.shape[2] <= 2 * image.shape[1] * width:  # rows are contiguous; but strips would become large
        pixels = _across(_down(image, height, np.float32), width, np.float64)
    else:
        pixels = _down(_across(image, width, np.float32), height, np.float64)
    resized: NDArray[np.uint8] = np.rint(pixels, out=pixels).astype(np.uint8)
    if (height, width) == size:
        return resized
    canvas = np.zeros((len(image), *size), np.uint8)
    canvas[:, vertical.before : vertical.before + height, horizontal.before : horizontal.before + width] = resized
    return canvas


def resize_batch(images: Tensor, vertical: Axis, horizontal: Axis, size: tuple[int, int]) -> Tensor:
    """Uint8 B×C×H×W to B×C×`size` by two matrix products, for tracing: sides of axes may be tensors."""
    first = _matrix(vertical, size[0], images.shape[2]).float()
    second = _matrix(horizontal, size[1], images.shape[3]).double() / ONE**2
    rows = torch.matmul(first, images.float())
    pixels = torch.matmul(rows.double(), second.transpose(0, 1))
    return pixels.round().to(torch.uint8)


def _matrix(axis: Axis, outputs: int, inputs: int) -> Tensor:
    matrix: Tensor = weights(axis, torch.arange(outputs)[:, None], torch.arange(-1, inputs)[None])
    return matrix


@dataclass(frozen=True)
class Block:
    """Adjacent output pixels, and the weights R×K of the input pixels that they depend on."""

    outputs: slice
    inputs: slice
    weights: NDArray[Any]


def _down(image: NDArray[Any], made: int, dtype: Any) -> NDArray[Any]:
    """Resize C×H×W along H, in float32 to 65536 times its values, in float64 to its values from such."""
    result = np.empty((len(image), made, image.shape[2]), dtype)
    for block in _blocks(image.shape[1], made, dtype):
        for columns in _pieces(image.shape[2], block):
            band = image[:, block.inputs, columns].astype(dtype)
            np.matmul(block.weights, band, out=result[:, block.outputs, columns])
    return result


def _across(image: NDArray[Any], made: int, dtype: Any) -> NDArray[Any]:
    """The same along W."""
    result = np.empty((*image.shape[:2], made), dtype)
    for block in _blocks(image.shape[2], made, dtype):
        for rows in _pieces(image.shape[1], block):
            band = image[:, rows, block.inputs].astype(dtype)
            np.matmul(band, block.weights.T, out=result[:, rows, block.outputs])
    return result


def _pieces(lines: int, block: Block) -> Iterator[slice]:
    step = max(1, LARGEST_PRODUCT // block.weights.size)
    return (slice(first, first + step) for first in range(0, lines, step))


def _blocks(taken: int, made: int, dtype: Any) -> Iterable[Block]:
    number = made if made * taken <= SMALL else BLOCK
    reach = min(taken, (number * taken + 2 * max(taken, made)) // made + 2)
    make = _cached_blocks if made * reach <= LARGEST_CACHED else _make_blocks
    return make(taken, made, number, reach, dtype)


@lru_cache(maxsize=64)
def _cached_blocks(*arguments: Any) -> tuple[Block, ...]:
    return tuple(_make_blocks(*arguments))


def _make_blocks(taken: int, made: int, number: int, reach: int, dtype: Any) -> Iterator[Block]:
    """Blocks of `number` output pixels, each with the `reach` input pixels that it may depend on."""
    axis, together = Axis(0, taken, 0, made), max(1, LARGEST_CACHED // (8 * number * reach))
    for start in range(0, made, number * together):
        firsts = np.arange(start, min(start + number * together, made), number)
        begins = ((2 * firsts + 1) * taken - 2 * max(taken, made) - made) // (2 * made) + 1
        begins = begins.clip(0, taken - reach)
        outputs = firsts[:, None, None] + np.arange(number)[:, None]
        inputs = begins[:, None, None] + np.arange(-1, reach)
        matrices = weights(axis, outputs, inputs)
        matrices = matrices.astype(dtype) if dtype is np.float32 else matrices / float(ONE**2)
        for first, begin, matrix in zip(firsts.tolist(), begins.tolist(), matrices, strict=True):
            end = min(first + number, made)
            yield Block(slice(first, end), slice(begin, begin + reach), matrix[: end - first])
