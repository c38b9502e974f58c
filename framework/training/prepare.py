"""Data preparation: the decoded splits of a recipe, and its resolved preprocessing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from framework.components import ImageSource
from framework.data.preprocess import Preprocessor
from framework.data.splits import build_splits
from framework.data.stores.advice import advice_on
from framework.data.stores.bad_images import BadImages
from framework.data.stores.build import build_store
from framework.data.stores.cache import Say
from framework.data.stores.storage import Storage
from framework.data.stores.store import Store
from framework.device import choose_device
from framework.display import Progress, no_progress
from framework.errors import UserError, count, enumerate_names
from framework.recipe.sections import Recipe


def prepare_data(
    recipe: Recipe, progress: Progress = no_progress, say: Say = lambda text: None
) -> tuple[dict[str, Store], Preprocessor]:
    """Decode the splits, and resolve preprocessing from the training images.

    `say` is called with notes of the dataset, advice on options, and problems of the image cache. Raises `BadImages`
    with the images of all splits that cannot be read.
    """
    sources = build_splits(recipe.dataset, task=recipe.task)
    for note in sources.notes:
        say(f"dataset '{recipe.dataset.name}': {note}")
    preprocess = resolve_preprocess(recipe, sources["train"])
    storage = Storage.of_recipe(recipe, choose_device(recipe.train.device), say)
    stores: dict[str, Store] = {}
    bad_images = BadImages()  # all splits are read, to report all bad images at once
    for name in ("train", "validation", "test"):
        if name in sources:
            with bad_images.collect(name):
                stores[name] = build_store(
                    sources[name],
                    preprocess,
                    recipe.dataset.on_bad_image,
                    partial(progress, name),
                    storage,
                    recipe.task,
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
            f"no training image of {enumerate_names(lost)} can be read; the first skipped image is "
            f"{train.skipped[0].name}: {train.skipped[0].reason}"
        )


def resolve_preprocess(recipe: Recipe, source: ImageSource) -> Preprocessor:
    """The recipe's preprocessing with the number of channels resolved."""
    section = recipe.preprocess
    channels = section.channels or (1 if source.channels == 1 else 3)
    height, width = section.size
    given: dict[str, tuple[float, ...]] = {}
    for name, default in (("mean", 0.0), ("std", 1.0)):
        values = getattr(section, name) or (default,) * channels
        if len(values) not in (1, channels):
            raise UserError(
                f"preprocess.{name} has {len(values)} values for {count(channels, 'channel')}: set one value, one per "
                f"channel, or preprocess.channels={len(values)}"
            )
        given[name] = tuple(values) * (channels if len(values) == 1 else 1)
    return Preprocessor(height, width, channels, section.fit, **given, value_range=recipe.dataset.sample_range)
