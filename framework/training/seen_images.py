"""Evaluation images that a network was trained on: metrics on them are too optimistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import count, enumerate_names
from framework.runs.training_images import TrainingImages

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.evaluation.predictions import Predictions
    from framework.runs.folder import RunFolder
    from framework.runs.trained import Trained


def count_seen(start: Trained | None, stores: Mapping[str, Store], preprocess: Preprocessor) -> dict[str, int]:
    """For each split but `train`, how many of its images `start` was trained on; empty where that is not known.

    Images with a copy in this run's own training split are not counted: they are seen in any case, and reported as
    copies. A bundle does not list its training images.
    """
    listed = _listed(start)
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
    listed = [_listed(trained) for trained in networks]
    if None in listed:
        return None
    return int(np.any([images.among(predictions, preprocess) for images in listed if images], axis=0).sum())


def trained_on_note(networks: Sequence[Trained], seen: int | None, total: int) -> str | None:
    """What `framework evaluate` says of the number that `count_trained_on` returned; None for 0."""
    if seen is None:
        unknown = [trained.label for trained in networks if _listed(trained) is None]
        return (
            f"whether any of these images are training images of {enumerate_names(unknown)} is not known: only run "
            "folders list their training images"
        )
    names = enumerate_names(trained.label for trained in networks)
    return None if seen == 0 else (
        f"warning: {seen:,} of {count(total, 'image')} are training images of {names}, or exact copies of these: "
        "the metrics are too optimistic. Evaluate on other images"
    )  # fmt: skip


def _listed(trained: Trained | None) -> TrainingImages | None:
    return TrainingImages.load(trained.folder.path) if trained and trained.folder else None


def warn_of_seen(display: Any, start: Trained | None, stores: Mapping[str, Store], seen: Mapping[str, int]) -> None:
    """Print how many validation and test images `start` was trained on, where there are any."""
    parts = [f"{number:,} of {count(len(stores[split]), f'{split} image')}" for split, number in seen.items() if number]
    if start and parts:
        display.line(
            f"{'start':>10}  {' and '.join(parts)} were training images of '{start.label}': metrics on them are too "
            "optimistic. Hold out the images that it held out (the same split_seed, validation and test in `dataset`), "
            "or evaluate on other images",
            "yellow",
        )


def keep_training_images(run: RunFolder, start: Trained | None, train: Store, preprocess: Preprocessor) -> None:
    """List in the run folder what its weights were trained on: its own images, and those of the run it starts from."""
    listed = TrainingImages.of(train, preprocess)
    before = _listed(start)
    (listed | before if before else listed).save(run.path)
