"""From a recipe to its decoded splits, and to the preprocessing that they settle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from framework.components import ImageSource
from framework.data.preprocess import Preprocessor
from framework.data.splits import build_splits
from framework.data.stores.advice import advice_on
from framework.data.stores.bad_images import BadImageCollector
from framework.data.stores.build import build_store
from framework.data.stores.storage import Say, Storage
from framework.data.stores.store import Store
from framework.device import choose_device
from framework.errors import UserError, count, enumerate_names
from framework.recipe.sections import Recipe

Progress = Callable[[str, int, int], None]
"""Told how far reading a split is: its name, images done, images in all."""


def read_data(
    recipe: Recipe, progress: Progress = lambda split, done, total: None, say: Say = lambda text: None
) -> tuple[dict[str, Store], Preprocessor]:
    """Decode the splits that a run needs, and settle preprocessing by the training images.

    `say` gets a sentence for each note of the data set, for options that should be set, and where kept images are stale
    or cannot be kept. Raises `BadImages` with those of all splits.
    """
    sources = build_splits(recipe.dataset)
    for note in sources.notes:
        say(f"dataset '{recipe.dataset.name}': {note}")
    preprocess = resolve_preprocess(recipe, sources["train"])
    storage = Storage.of_recipe(recipe, choose_device(recipe.train.device), say)
    stores: dict[str, Store] = {}
    bad_images = BadImageCollector()
    for name in ("train", "validation", "test"):
        if name in sources:
            with bad_images.reading(name):
                stores[name] = build_store(
                    sources[name], preprocess, recipe.dataset.on_bad_image, partial(progress, name), storage
                )
    bad_images.require_none()
    _require_every_class(stores["train"])
    survey = stores["train"].survey
    for advice in advice_on(survey.cut_away, survey.deep, preprocess):
        say(advice)
    if recipe.preprocess.mean is None or recipe.preprocess.std is None:
        measured = preprocess.measured(survey.counts)
        preprocess = replace(
            preprocess,
            mean=preprocess.mean if recipe.preprocess.mean else measured.mean,
            std=preprocess.std if recipe.preprocess.std else measured.std,
        )
    return stores, preprocess


def _require_every_class(train: Store) -> None:
    lost = [name for name, number in train.class_counts.items() if number == 0]
    if lost and train.skipped:
        raise UserError(
            f"no training image of {enumerate_names(lost)} can be read, so nothing of that could be learned; "
            f"the first that was skipped: {train.skipped[0].name}: {train.skipped[0].reason}"
        )


def resolve_preprocess(recipe: Recipe, source: ImageSource) -> Preprocessor:
    """The recipe's section with the number of channels settled."""
    section = recipe.preprocess
    channels = section.channels or (1 if source.channels == 1 else 3)
    height, width = section.size
    given: dict[str, tuple[float, ...]] = {}
    for name, default in (("mean", 0.0), ("std", 1.0)):
        values = getattr(section, name) or (default,) * channels
        if len(values) not in (1, channels):
            raise UserError(
                f"preprocess.{name} has {len(values)} values for {count(channels, 'channel')}: give one, or one for "
                f"each channel; preprocess.channels={len(values)} makes the images so"
            )
        given[name] = tuple(values) * (channels if len(values) == 1 else 1)
    return Preprocessor(height, width, channels, section.fit, **given, value_range=recipe.dataset.sample_range)
