"""Hashes of a run's training images, so that a later run can detect whether it is evaluated on them.

The file has two int64 tensors for each preprocessing: `KEY pixels`, the `pixel_hash` of each image, and `KEY names`, a
hash of its classes and name: 16 bytes per image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from framework.errors import UserError
from framework.files import replace_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.evaluation.predictions import Predictions

FILE = "training_images.safetensors"


@dataclass(frozen=True)
class TrainingImages:
    """Sorted hashes of images, by key."""

    hashes: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, store: Store, preprocess: Preprocessor) -> TrainingImages:
        """The images of a split."""
        key = _key(preprocess)
        return cls({f"{key} pixels": np.unique(store.survey.hashes), f"{key} names": np.unique(_name_hashes(store))})

    @classmethod
    def load(cls, folder: Path) -> TrainingImages | None:
        """Read a run folder's file, None if it has none; raises `UserError` if it is damaged."""
        file = folder / FILE
        if not file.is_file():
            return None
        try:
            return cls(load_file(file))
        except Exception as error:
            raise UserError(f"{file}: damaged, or not a list of training images ({error})") from None

    def save(self, folder: Path) -> None:
        """Write the file into a run folder."""
        replace_atomically(folder / FILE, lambda temporary: save_file(dict(self.hashes), temporary))

    def __or__(self, other: TrainingImages) -> TrainingImages:
        """The union."""
        both = {key: np.union1d(hashes, other.hashes.get(key, hashes)) for key, hashes in self.hashes.items()}
        return TrainingImages({**other.hashes, **both})

    def among(self, store: Store | Predictions, preprocess: Preprocessor) -> NDArray[np.bool_]:
        """Which images of `store` are listed: bool N.

        They are compared by pixels, or by class and name with images of another preprocessing.
        """
        key, found = _key(preprocess), np.zeros(len(store), dtype=np.bool_)
        for listed, hashes in self.hashes.items():
            preprocessing, _, what = listed.rpartition(" ")
            if preprocessing == key and what == "pixels":
                found |= np.isin(np.asarray(store.hashes), hashes)
            elif preprocessing != key and what == "names":
                found |= np.isin(_name_hashes(store), hashes)
        return found


def _key(preprocess: Preprocessor) -> str:
    """The settings that determine the pixels of a stored image; normalisation comes later."""
    settings = {name: value for name, value in preprocess.as_dict().items() if name not in ("mean", "std")}
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def _name_hashes(store: Store | Predictions) -> NDArray[np.int64]:
    starts: dict[tuple[str, ...], Any] = {}
    digests: list[bytes] = []
    for labels, name in zip(store.label_names, store.names, strict=True):
        if labels not in starts:
            starts[labels] = hashlib.blake2b(_bytes("|".join(labels) + "\0"), digest_size=8)
        digest: Any = starts[labels].copy()
        digest.update(_bytes(name))
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
