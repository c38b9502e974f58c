"""A trained network and the data of its recipe, each opened when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.evaluation.predictions import Predictions
from framework.runs.recipe import has_own_metrics, only_places, recipe_of

if TYPE_CHECKING:
    from framework.components import ImageSource
    from framework.inference.predictor import Predictor
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained

Reading = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EvaluatedModel:
    """What a report needs of a run beyond its documents.

    Everything raises `UserError` where the data, or a plugin that the run needs, is not there any more.
    """

    trained: Trained
    registry: Registry
    overrides: Sequence[str] = ()
    """Of the recipe, such as `dataset.root=DIR`."""
    reading: Reading = field(default=lambda split, done, total: None)
    """Told how far decoding is: split, images done, images in all."""

    @cached_property
    def recipe(self) -> Recipe:
        """The run's own, with the overrides."""
        return recipe_of(self.trained, self.registry, self.overrides)

    @cached_property
    def predictor(self) -> Predictor:
        """The network, with the probabilities that `framework predict` gives."""
        from framework.inference.predictor import Predictor

        predictor = Predictor.open(self.trained, self.registry, self.recipe.train.device)
        return predictor.with_tta(self.recipe.evaluate.tta).with_value_range(self.recipe.dataset.sample_range)

    @cached_property
    def splits(self) -> Mapping[str, ImageSource]:
        """The images of the recipe's data set, by the classes of the network."""
        from framework.data.splits import build_splits

        return build_splits(self.recipe.dataset, self.trained.classes)

    @property
    def asks_anew(self) -> bool:
        """Whether the overrides ask for something else than the run's own evaluation."""
        return not only_places(self.overrides)

    @cached_property
    def as_trained(self) -> bool:
        """Whether the images are those of the run's own evaluation, looked at in the same way."""
        return not self.asks_anew and has_own_metrics(self.trained)

    def saved(self, split: str) -> Predictions | None:
        """What the run kept of the split when it was trained; None also where the overrides ask for something else."""
        file = self.trained.folder.predictions(split) if self.trained.folder and self.as_trained else None
        return Predictions.load(file) if file and file.is_file() else None

    def predictions(self, split: str) -> Predictions:
        """Those that the run kept, else computed from the data; without temperature, as metrics of a run are."""
        saved = self.saved(split)
        return saved if saved is not None else self.computed(split)

    def computed(self, split: str) -> Predictions:
        """For every image of the split, anew."""
        from framework.data.splits import find_split
        from framework.data.stores.storage import Storage

        source = find_split(self.splits, split)
        predictor = self.predictor.with_temperature(1.0)
        storage = Storage.of_recipe(self.recipe, predictor.device, lambda text: None)
        store = predictor.store(source, self.recipe.dataset.on_bad_image, partial(self.reading, split), storage)
        return predictor.predictions(store)

    def saved_metrics(self, split: str) -> Mapping[str, Any] | None:
        """What `results.json` has of the split, before any temperature, or None: see `saved`."""
        metrics = self.trained.documents.get("results", {}).get(split) if self.as_trained else None
        return metrics if isinstance(metrics, Mapping) and "per_class" in metrics else None

    def evaluation_split(self, asked: str | None) -> str:
        """The split that is asked for, else `test`, else `validation`; raises `UserError` where there is neither."""
        from framework.data.splits import FIGURE_SPLITS, evaluation_split

        split = asked or evaluation_split([split for split in FIGURE_SPLITS if self.has_metrics(split)])
        if split is None:
            raise UserError("the run was evaluated neither on a test split nor on a validation split")
        return split

    def has_metrics(self, split: str) -> bool:
        """Whether the run was evaluated on the split, or, where something else is asked for, the data have it."""
        if self.as_trained:
            return self.saved_metrics(split) is not None or self.saved(split) is not None
        return split in self.splits
