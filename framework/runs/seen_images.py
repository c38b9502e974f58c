"""Evaluation images that a network was trained on: metrics on them are too optimistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from framework.errors import count, enumerate_names
from framework.runs.training_images import FILE, TrainingImages

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.evaluation.predictions import Predictions
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


def count_trained_on(networks: Sequence[Trained], predictions: Predictions, preprocess: Preprocessor) -> int | None:
    """How many images of `predictions` are training images of one of the networks, or exact copies of these.

    `preprocess` is how the images were read. None if that is not known: bundles and exports do not list their training
    images.
    """
    listed = [_training_images(trained) for trained in networks]
    if None in listed:
        return None
    return int(np.any([images.among(predictions, preprocess) for images in listed if images], axis=0).sum())


def trained_on_note(networks: Sequence[Trained], seen: int | None, total: int) -> str | None:
    """The message about the number that `count_trained_on` returned; None for 0."""
    if seen is None:
        unknown = [trained.label for trained in networks if _training_images(trained) is None]
        return (
            f"whether any of these images are training images of {enumerate_names(unknown)} is not known: only run "
            "folders list their training images"
        )
    if seen == 0:
        return None
    names = enumerate_names(trained.label for trained in networks)
    return (
        f"warning: {seen:,} of {count(total, 'image')} are training images of {names}, or exact copies of these: "
        "the metrics are too optimistic. Evaluate on other images"
    )


def save_training_images(run: RunFolder, initial: Trained | None, train: Store, preprocess: Preprocessor) -> None:
    """List in the run folder the images that its weights are trained on, including those of `initial`."""
    if (run.path / FILE).is_file():  # resumed
        return
    listed = TrainingImages.of(train, preprocess)
    before = _training_images(initial)
    (listed | before if before else listed).save(run.path)


def _training_images(initial: Trained | None) -> TrainingImages | None:
    return TrainingImages.load(initial.folder.path) if initial and initial.folder else None
