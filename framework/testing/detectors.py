"""Checks of detectors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import numpy as np

from framework.components import Detector
from framework.data.regions import BuiltDetector
from framework.testing.arguments import seeded
from framework.testing.check import Check, Subject, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPES = ((3, 64, 48), (1, 64, 48), (3, 33, 97), (1, 5, 7), (3, 1, 1))
THREADS = 4


def regions(subject: Subject) -> None:
    """Valid regions for gray and RGB images of any size, which are not modified."""
    find = _built(subject)
    for image in _images():
        before = image.copy()
        find(image)
        require(np.array_equal(before, image), "it modifies the image")


def determinism(subject: Subject) -> None:
    """The same image has the same regions."""
    found = []
    for seed in (1, 2):
        with seeded(seed):
            find = _built(subject)
            found.append([find(image) for image in _images()])
    require(found[0] == found[1], "built twice, it gives other regions for the same image")


def threads(subject: Subject) -> None:
    """Several threads that call it at once get the regions of their own image."""
    find, images = _built(subject), _images()
    expected = [find(image) for image in images]
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(3):
            require(list(pool.map(find, images)) == expected, "threads that call it at once get other regions")


def _built(subject: Subject) -> BuiltDetector:
    return BuiltDetector.of(cast("Detector", subject.component))


def _images() -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, shape, dtype=np.uint8) for shape in SHAPES]


CHECKS = (
    Check(
        "regions", "Regions are valid for gray and RGB images of any size, down to a single pixel.",
        "Return a list of Region that overlap the image; an empty list if nothing is found. Copy the image before "
        "changing it.", regions,
    ),
    Check(
        "determinism", "The same image has the same regions.",
        "Draw random numbers from a generator with a fixed seed.", determinism,
    ),
    Check(
        "threads", "Several threads can call the detector at once.",
        "Do not store results of a call in attributes, or use a lock.", threads,
    ),
)  # fmt: skip
