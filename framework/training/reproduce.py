"""The recipe that trains a run again from what its folder holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.data.tables import OPTIONS
from framework.errors import UserError
from framework.recipe.flat import affects_training, flat_recipe
from framework.recipe.loading import load_recipe_text
from framework.runs.environment import over_sessions
from framework.runs.recipe import recipe_of
from framework.training.resuming import image_places

if TYPE_CHECKING:
    from pathlib import Path

    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.run_differences import Values
    from framework.runs.trained import Trained

SETTLED = ("train.precision", "train.compile")
"""Options whose `auto` the run has decided; `environment.json` has the values."""


def require_reproducible(trained: Trained) -> Path:
    """The folder of a run that was trained; raises `UserError` for bundles, exports and soups."""
    if trained.folder is None:
        raise UserError(f"'{trained.label}' is not a run folder; reproduce needs one, with the recipe and predictions")
    if soup := trained.documents.get("results", {}).get("soup"):
        runs = " ".join(soup["runs"])
        raise UserError(f"'{trained.label}' was not trained but averaged; repeat it with: framework soup {runs}")
    return trained.folder.path


def recipe_again(trained: Trained, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of the run, with what `auto` came to, with the run's copies of tables, and without callbacks.

    Callbacks are only notified, and a tracker would log a second run. Raises `UserError` for an override that changes
    what training has fixed.
    """
    recipe_of(trained, registry, overrides)
    where = f"recipe of '{trained.label}'"
    return load_recipe_text(trained.recipe, where, registry, [*_fixed(trained), *overrides])


def notes_on(trained: Trained, recipe: Recipe) -> Iterator[str]:
    """Why the result may differ although everything is the same."""
    if not recipe.train.deterministic:
        yield "The recipe has train.deterministic: false, so that bytes may differ between equal trainings."
    if trained.documents.get("results", {}).get("stopped") == "max_time":
        yield "The run was ended by train.max_time: the number of steps depends on the speed of the machine."


def effective(differences: Mapping[str, Values], recipe: Recipe) -> dict[str, Values]:
    """Without differences of the recipe that cannot change the result: places of images, and what `auto` came to."""
    aside = {*image_places(recipe.dataset), *SETTLED}
    options = {
        path: values for path, values in differences["recipe"].items() if affects_training(path) and path not in aside
    }
    return {**differences, "recipe": options}


def _fixed(trained: Trained) -> Iterator[str]:
    settings, environment = flat_recipe(trained.recipe), trained.documents.get("environment", {})
    yield "callbacks=[]"
    for option in SETTLED:
        value: Any = over_sessions(environment, option.removeprefix("train."))[-1]
        if settings.get(option) == "auto" and value is not None:
            yield f"{option}={json.dumps(value)}"
    assert trained.folder is not None
    for option in OPTIONS:
        table = trained.folder.path / f"{option}.csv"
        if f"dataset.{option}" in settings and table.is_file():
            yield f"dataset.{option}={json.dumps(str(table.resolve()))}"
