"""The recipe of a trained network, and the overrides that are allowed after training."""

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

OVERRIDABLE = ("dataset", "evaluate", "train.device", "train.store")
"""Options that can be overridden after training."""
PLACES = ("train.device", "train.store", "evaluate.metrics")
"""Options that do not change predictions; any option of a dataset may change images or labels."""


def recipe_of(trained: Trained, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of the training with `a.b=c` overrides, and `evaluate.tta` as in the file, which an export may change.

    Raises `RecipeError` for an invalid override, `UserError` for one that is not allowed after training.
    """
    own = f"evaluate.tta={tta_of(trained)}"
    with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
        recipe = load_recipe_text(trained.recipe, f"recipe of '{trained.label}'", registry, [own, *overrides])
    for path in _paths(overrides):
        if not any(path == part or path.startswith(f"{part}.") for part in OVERRIDABLE):
            raise UserError(
                f"'{path}' cannot be changed after training ('{trained.label}'); allowed are dataset.…, evaluate.…, "
                "train.device and train.store"
            )
    return recipe


def only_places(overrides: Iterable[str]) -> bool:
    """Whether the run's saved predictions are valid with these overrides."""
    return all(path in PLACES for path in _paths(overrides))


def names_metrics(recipe: str) -> bool:
    """Whether the text of a recipe names metrics in addition to the fixed ones."""
    flat = flat_recipe(recipe)
    return any(path.startswith(("evaluate.metrics.", "train.monitor.")) for path in flat)


def tta_of(trained: Trained) -> int:
    """The number of TTA views."""
    return int(trained.documents["model"]["evaluation"].get("tta", 1))


def tta_of_metrics(trained: Trained) -> int:
    """The number of TTA views that its metrics were measured with."""
    return int(flat_recipe(trained.recipe).get("evaluate.tta", 1))


def has_own_metrics(trained: Trained) -> bool:
    """Whether its metrics are its own: False for exports with another number of views or 8-bit arithmetic."""
    return tta_of(trained) == tta_of_metrics(trained) and not trained.documents["model"].get("int8", False)


def _paths(overrides: Iterable[str]) -> Iterable[str]:
    return (override.partition("=")[0] for override in overrides)
