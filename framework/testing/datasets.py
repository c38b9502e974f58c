"""Checks of datasets."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from framework.attribution import reason_of
from framework.components import Dataset, ImageSource, build
from framework.data.contract import checked, wrong_form
from framework.data.decode import BadImage
from framework.data.spacing import evenly_spaced
from framework.testing.arguments import seeded
from framework.testing.check import Check, CheckFailed, Subject, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES = 8
"""Images of each split that are read."""
THREADS = 4


def splits(subject: Subject) -> None:
    """Sources of the required form, whose images are uint8 C×H×W."""
    built = _built(subject)
    require("train" in built, f"build() returned {', '.join(map(repr, built)) or 'nothing'}, but no split 'train'")
    for split, source in built.items():
        checked(cast("Dataset", subject.component), split, source)
        require(len(set(source.names)) == len(source), f"split '{split}' has the same name twice")
        for index in _sample(source):
            image = _read(source, index)
            form = wrong_form(image) if image is not None else None
            require(form is None, f"read({index}) of split '{split}' returned {form}; it must be uint8 C×H×W")


def determinism(subject: Subject) -> None:
    """Built again, the dataset has the same images, whatever the state of the global generators."""
    sources = []
    for seed in (1, 2):
        with seeded(seed):
            built = _built(subject)
            sources.append({split: (_declared(source), _images(source)) for split, source in built.items()})
    require(list(sources[0]) == list(sources[1]), "built twice, it has different splits")
    for split, (declared, images) in sources[0].items():
        require(declared == sources[1][split][0], f"built twice, split '{split}' has different names or labels")
        require(_equal(images, sources[1][split][1]), f"built twice, images of split '{split}' have different pixels")


def threads(subject: Subject) -> None:
    """Images that several threads read at once are those that one thread reads."""
    for split, source in _built(subject).items():
        expected, indices = _images(source), _sample(source)
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in range(3):
                images = list(pool.map(lambda index, source=source: _read(source, index), indices))
                require(_equal(expected, images), f"split '{split}': threads that read at once got other pixels")


def pickling(subject: Subject) -> None:
    """A pickled source reads the same images."""
    for split, source in _built(subject).items():
        expected = _images(source)  # also opens files that are opened on first use
        try:
            copy = pickle.loads(pickle.dumps(source))
        except Exception as error:
            raise CheckFailed(f"the source of split '{split}' cannot be pickled: {reason_of(error)}") from error
        require(_declared(copy) == _declared(source), f"split '{split}': names or labels changed by pickling")
        require(_equal(expected, _images(copy)), f"split '{split}': a pickled copy reads other pixels")


def _built(subject: Subject) -> Mapping[str, ImageSource]:
    built = build(subject.component)
    require(isinstance(built, Mapping), f"build() returned {type(built).__name__}, not {{split: source}}")
    splits: Mapping[str, ImageSource] = built
    return splits


def _sample(source: ImageSource) -> list[int]:
    indices: list[int] = evenly_spaced(len(source), IMAGES).tolist()
    return indices


def _declared(source: ImageSource) -> tuple[Any, ...]:
    return tuple(source.classes), np.asarray(source.labels).tolist(), list(source.names), source.channels


def _images(source: ImageSource) -> list[NDArray[np.uint8] | None]:
    return [_read(source, index) for index in _sample(source)]


def _read(source: ImageSource, index: int) -> NDArray[np.uint8] | None:
    """An image; None if it is damaged."""
    try:
        return source.read(index)
    except BadImage:
        return None


def _equal(one: list[Any], other: list[Any]) -> bool:
    return all(map(np.array_equal, one, other))


CHECKS = (
    Check(
        "splits", "build() returns image sources with at least `train`; read() returns uint8 C×H×W.",
        "Return {split: source}; `ImageFiles` and `ImageArrays` are sources.", splits,
    ),
    Check(
        "determinism", "Building twice gives the same names, labels and pixels.",
        "Sort lists of files, and draw random numbers from a generator with a fixed seed.", determinism,
    ),
    Check(
        "threads", "read() gives the same pixels when several threads call it at once.",
        "Do not share a file position or a buffer between calls: open the file in read(), or use a lock.", threads,
    ),
    Check(
        "pickling", "A source can be pickled for worker processes, and reads the same images there.",
        "Define the class of the source at module level, and hold paths instead of open files and lambdas.", pickling,
    ),
)  # fmt: skip
