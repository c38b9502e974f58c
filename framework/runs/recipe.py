"""The recipe of a trained network, and what can still be changed in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.recipe.flat import flat_recipe
from framework.recipe.loading import load_recipe_text
from framework.runs.plugins import naming_missing_plugins

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained

OPEN = ("dataset", "evaluate", "train.device", "train.store")
"""What a trained network can be asked with; everything else was settled by its training."""
PLACES = ("train.device", "train.store")
"""Those that only say where it computes: any option of a data set may stand for other images or labels."""


def recipe_of(trained: Trained, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that it was trained by, with `a.b=c` overrides; the views are its own, as an export may have others.

    Raises `RecipeError` where an override is wrong, `UserError` where it would change what is settled.
    """
    registry = trained.registry(registry)
    own = f"evaluate.tta={tta_of(trained)}"
    with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
        recipe = load_recipe_text(trained.recipe, f"recipe of '{trained.label}'", registry, [own, *overrides])
    for path in _paths(overrides):
        if not any(path == part or path.startswith(f"{part}.") for part in OPEN):
            raise UserError(
                f"'{path}' was settled when '{trained.label}' was trained; what can still be changed is the data set "
                "(dataset.…), how it is evaluated (evaluate.…), train.device and train.store"
            )
    return recipe


def only_places(overrides: Iterable[str]) -> bool:
    """Whether what a run said of its images holds with these overrides, too."""
    return all(path in PLACES for path in _paths(overrides))


def tta_of(trained: Trained) -> int:
    """How often it looks at each image."""
    return int(trained.documents["model"]["evaluation"].get("tta", 1))


def tta_of_metrics(trained: Trained) -> int:
    """How often the run looked at each image for the metrics that it carries."""
    return int(flat_recipe(trained.recipe).get("evaluate.tta", 1))


def has_own_metrics(trained: Trained) -> bool:
    """Whether it predicts as for the metrics that it carries: an export of other views does not, nor one of 8 bits."""
    return tta_of(trained) == tta_of_metrics(trained) and not trained.documents["model"].get("int8", False)


def _paths(overrides: Iterable[str]) -> Iterable[str]:
    return (override.partition("=")[0] for override in overrides)
