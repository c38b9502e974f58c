"""One or several trained networks that predict the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from framework.data.stores.bad_images import BadImageCollector
from framework.errors import UserError
from framework.evaluation.predictions import Predictions, averaged
from framework.inference.predictor import Predictor

if TYPE_CHECKING:
    from framework.components import ImageSource
    from framework.data.decode import BadImage
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.storage import Storage
    from framework.data.stores.store import Store
    from framework.data.stores.survey import Progress


@dataclass(frozen=True)
class Ensemble:
    """Predictors with the same classes; raises `UserError` if classes differ."""

    predictors: Sequence[Predictor]

    def __post_init__(self) -> None:
        first = self.predictors[0]
        for other in self.predictors[1:]:
            if set(other.classes) != set(first.classes):
                raise UserError(
                    "the runs of an ensemble must have the same classes: "
                    f"{first.trained.label} has {', '.join(first.classes)}; "
                    f"{other.trained.label} has {', '.join(other.classes)}"
                )

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the first predictor."""
        return self.predictors[0].classes

    def predictions(
        self,
        source: ImageSource,
        on_bad_image: str,
        progress: Progress | None = None,
        storage: Storage | None = None,
        apart_from: ImageSource | None = None,
        split: str = "",
    ) -> tuple[Predictions, tuple[BadImage, ...]]:
        """The mean of the members' probabilities for each image, and the images that were left out.

        `source` has the classes of the ensemble, in its order. Images are decoded once for all members with the same
        preprocessing. Images that have a copy in `apart_from` (the train split), preprocessed as for the first member,
        are left out of the predictions. Raises `UserError` if all have one, and `BadImages` with the bad images of both
        sources; `split` is the name of `source` in that error.
        """
        stores: dict[Preprocessor, Store] = {}
        other: Store | None = None
        bad_images = BadImageCollector()
        for predictor in self.predictors:
            if (key := _pixels_of(predictor)) not in stores:
                with bad_images.reading(split):
                    stores[key] = predictor.store(source, on_bad_image, progress, storage)
        if apart_from is not None:
            with bad_images.reading("train"):
                other = self.predictors[0].store(apart_from, on_bad_image, progress, storage)
        bad_images.require_none()
        members = [predictor.predictions(stores[_pixels_of(predictor)]) for predictor in self.predictors]
        predictions = members[0] if len(members) == 1 else averaged(members)
        first = stores[_pixels_of(self.predictors[0])]
        if other is not None:
            copies = first.copies_of(other)
            if copies.all():
                raise UserError("every image has a copy among the images to leave out: none is left to evaluate")
            predictions = predictions.only(~copies)
        return predictions, first.skipped


def _pixels_of(predictor: Predictor) -> Preprocessor:
    """The settings that determine the stored pixels: predictors with equal settings share a store."""
    return replace(predictor.preprocess, mean=(), std=())
