"""Evaluation images that the run to start from was trained on: their metrics would say too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import count
from framework.runs.training_images import TrainingImages

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.runs.folder import RunFolder
    from framework.runs.trained import Trained


def count_seen(start: Trained | None, stores: Mapping[str, Store], preprocess: Preprocessor) -> dict[str, int]:
    """For each split but `train`, how many of its images `start` was trained on; empty where that is not known.

    Images with a copy in this run's own training split are not counted: they are seen in any case, and reported as
    copies. A bundle does not list its training images.
    """
    listed = TrainingImages.load(start.folder.path) if start and start.folder else None
    if listed is None:
        return {}
    return {
        split: int(np.sum(listed.among(store, preprocess) & ~store.copies_of(stores["train"]).numpy()))
        for split, store in stores.items()
        if split != "train"
    }


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
    before = TrainingImages.load(start.folder.path) if start and start.folder else None
    (listed | before if before else listed).save(run.path)
