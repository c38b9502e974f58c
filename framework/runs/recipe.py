"""The recipe of a trained network, and what can still be changed in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.recipe.loading import load_recipe_text

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained

OPEN = ("dataset", "evaluate", "train.device", "train.store")
"""What a trained network can be asked with; everything else was settled by its training."""
PLACES = ("train.device", "train.store")
"""Those that only say where it computes: any option of a data set may stand for other images or labels."""


def recipe_of(trained: Trained, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that it was trained by, with `a.b=c` overrides.

    Raises `RecipeError` where an override is wrong, `UserError` where it would change what is settled.
    """
    recipe = load_recipe_text(trained.recipe, f"recipe of '{trained.label}'", registry, overrides)
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


def _paths(overrides: Iterable[str]) -> Iterable[str]:
    return (override.partition("=")[0] for override in overrides)
