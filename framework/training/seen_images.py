"""Validation and test images that the initial weights were trained on: metrics on them are too optimistic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from framework.runs.training_images import FILE, TrainingImages

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.runs.folder import RunFolder
    from framework.runs.trained import Trained


def count_seen(initial: Trained | None, stores: Mapping[str, Store], preprocess: Preprocessor) -> dict[str, int]:
    """How many images of validation and test `initial` was trained on; empty if that is not known.

    Images with a copy in this run's own training split are not counted: they are reported as copies. A bundle does not
    list its training images.
    """
    listed = _training_images(initial)
    if listed is None:
        return {}
    return {
        split: int(np.sum(listed.among(store, preprocess) & ~store.copies_of(stores["train"]).numpy()))
        for split, store in stores.items()
        if split != "train"
    }


def save_training_images(run: RunFolder, initial: Trained | None, train: Store, preprocess: Preprocessor) -> None:
    """List in the run folder the images that its weights are trained on, including those of `initial`."""
    if (run.path / FILE).is_file():  # resumed
        return
    listed = TrainingImages.of(train, preprocess)
    before = _training_images(initial)
    (listed | before if before else listed).save(run.path)


def _training_images(initial: Trained | None) -> TrainingImages | None:
    return TrainingImages.load(initial.folder.path) if initial and initial.folder else None
