"""Nearly identical images: recompressed, resized, brighter, or with a little text.

Two stages, as usual for perceptual hashes (Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010). Candidates: 128 bits of each image, whether its lowest frequencies (discrete cosine transform) are
above or below their median over the dataset, so that faces in the same pose, or skies, are not all similar; images that
share one of sixteen bands of 16 bits are compared (multi-index hashing: Norouzi, Punjani and Fleet, 2012).
Confirmation: the normalised correlation of the two thumbnails, and of the thumbnails minus their local mean, which
leaves edges and fine structure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = 128
BANDS = 8
"""Each bit is in two bands of 16: one of distant frequencies and one of adjacent ones."""
DISTANCE = 32
"""Bits in which candidates may differ. On FER-2013 and CIFAR-10 almost no true pairs differ in more than 28."""
FINE = 0.75
"""Correlation of fine structure that confirms a pair. On photographs, pairs of different images reached 0.62; …"""
COARSE = 0.9
"""… and of the thumbnails: drawings of one style share their lines, but not light and background."""
TEXTURE = 2.0
"""Least standard deviation of a thumbnail's fine structure; images with less are too plain to be recognised."""
REACH = 64
"""Images of the same band that each is compared with: not all pairs of a thousand frames of a film are needed."""
SAMPLE = 20_000
"""Images that medians are computed from."""
BLOCK = 4096
"""Images, or pairs, that are processed at a time."""


def near_pairs(thumbnails: NDArray[np.uint8], pictures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of images, the earlier one first: int64 P×2, sorted.

    `thumbnails` is N×S×S, `pictures` the numbers of those to be compared, each another picture.
    """
    textured = [_fine(thumbnails[block]).std(axis=(1, 2)) >= TEXTURE for block in _blocks(pictures)]
    clear = np.concatenate([np.empty(0, dtype=bool), *textured])
    compared = np.asarray(pictures)[clear]
    if len(compared) < 2:
        return np.empty((0, 2), dtype=np.int64)
    bits = _bits(thumbnails, compared)
    found = [np.empty((0, 2), dtype=np.int64)]
    found += [compared[pairs] for pairs in _candidates(bits)]
    candidates = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    confirmed = [_same(thumbnails[pairs[:, 0]], thumbnails[pairs[:, 1]]) for pairs in _blocks(candidates)]
    return candidates[np.concatenate(confirmed)] if confirmed else candidates


def _bits(thumbnails: NDArray[np.uint8], pictures: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Sixteen bands of 16 bits for each picture, packed: N×32, the second half the same 128 bits as the first."""
    sample = pictures[:: -(-len(pictures) // SAMPLE)]
    medians = np.median(np.concatenate([_frequencies(thumbnails[block]) for block in _blocks(sample)]), axis=0)
    order = np.r_[np.arange(BITS).reshape(-1, BANDS).T.ravel(), np.arange(BITS)]
    packed = [np.packbits((_frequencies(thumbnails[block]) > medians)[:, order], axis=1) for block in _blocks(pictures)]
    return np.ascontiguousarray(np.concatenate(packed))


def _frequencies(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The lowest coefficients of the discrete cosine transform but the mean, float32 N×128."""
    side = thumbnails.shape[1]
    low = 13  # any frequency beyond that is higher than the lowest 128
    wave = np.arange(low)[:, None] * (2 * np.arange(side) + 1) * (np.pi / (2 * side))
    basis = np.cos(wave).astype(np.float32)
    coefficients = basis @ thumbnails.astype(np.float32) @ basis.T
    down, right = np.divmod(np.arange(low * low), low)
    lowest = np.lexsort((down, down**2 + right**2))[1 : BITS + 1]
    chosen: NDArray[np.float32] = coefficients.reshape(len(thumbnails), -1)[:, lowest]
    return chosen


def _candidates(bits: NDArray[np.uint8]) -> Iterator[NDArray[np.int64]]:
    """Pairs that share a band and differ in few bits, P×2; some of them several times."""
    bands = bits.view(np.uint16)
    for band in range(2 * BANDS):
        order = np.argsort(bands[:, band], kind="stable")
        value = bands[order, band]
        begins = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
        sizes = np.diff(np.r_[begins, len(value)])
        rank = np.arange(len(value)) - np.repeat(begins, sizes)  # among images with the same value
        for distance in range(1, min(int(sizes.max()), REACH + 1)):
            later = np.flatnonzero(rank >= distance)
            pairs = np.column_stack([order[later - distance], order[later]])
            differing = _differing(bits[:, : BITS // 8], pairs)
            yield pairs[differing <= DISTANCE]


def _differing(bits: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of bits in which each pair differs."""
    ones = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)
    counts: NDArray[np.int64] = ones[bits[pairs[:, 0]] ^ bits[pairs[:, 1]]].sum(axis=1, dtype=np.int64)
    return counts


def _same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pairs of thumbnails N×S×S are nearly identical."""
    coarse = _correlation(_centred(one.astype(np.float32)), _centred(other.astype(np.float32)))
    same: NDArray[np.bool_] = (coarse >= COARSE) & (_correlation(_fine(one), _fine(other)) >= FINE)
    return same


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    correlation: NDArray[np.float32] = (one * other).sum(axis=(1, 2)) / norms
    return correlation


def _fine(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Thumbnails minus the local mean of 5×5 pixels, float32 N×S×S with mean 0."""
    side = thumbnails.shape[1]
    padded = np.pad(thumbnails, ((0, 0), (2, 2), (2, 2)), mode="edge").astype(np.float32)
    rows = np.zeros((len(thumbnails), side, side + 4), dtype=np.float32)
    around = np.zeros((len(thumbnails), side, side), dtype=np.float32)
    for shift in range(5):
        rows += padded[:, shift : shift + side]
    for shift in range(5):
        around += rows[:, :, shift : shift + side]
    return _centred(thumbnails.astype(np.float32) - around / np.float32(25))


def _centred(images: NDArray[np.float32]) -> NDArray[np.float32]:
    centred: NDArray[np.float32] = images - images.mean(axis=(1, 2), keepdims=True)
    return centred


def _blocks(numbers: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (numbers[start : start + BLOCK] for start in range(0, len(numbers), BLOCK))
