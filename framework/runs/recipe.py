"""The recipe of a run to train and of a trained network, and the overrides that are allowed after training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.recipe.flat import flat_recipe, nested_recipe
from framework.recipe.loading import load_recipe, load_recipe_text
from framework.runs.folder import RunFolder
from framework.runs.plugin_files import require_same_files, warn_of_other_files, with_plugin_files
from framework.runs.plugins import naming_missing_plugins

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained

OVERRIDABLE = ("dataset", "evaluate", "train.device", "train.store")
"""Options that can be overridden after training."""
WITHOUT_EFFECT = ("train.device", "train.store", "evaluate.metrics")
"""Options that do not change predictions; any option of a dataset may change images or labels."""


def recipe_to_train(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    registry: Registry,
    overrides: Sequence[str],
    out: Path | None,
    *,
    resume: bool,
) -> tuple[Recipe, Registry]:
    """The recipe as by `load_recipe`, and the registry with the plugin files of the run to resume.

    Errors name plugins that the run to resume used and that are missing.
    """
    if resume and out is None:
        raise UserError("--resume needs the run folder: --out DIR")
    run = RunFolder(out) if resume and out is not None else None
    environment = run.read("environment") if run is not None and run.environment.is_file() else {}
    if environment:
        require_same_files(str(out), environment, registry)
        warn_of_other_files(str(out), environment, registry)
        registry = with_plugin_files(str(out), run, environment, registry)
    with naming_missing_plugins(str(out), environment, registry):
        return load_recipe(recipe, registry, overrides), registry


def recipe_of(trained: Trained, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of the training with `a.b=c` overrides, and `evaluate.tta` as in the file, which an export may change.

    Raises `RecipeError` for an invalid override, `UserError` for one that is not allowed after training.
    """
    registry = trained.registry(registry)
    tta = f"evaluate.tta={tta_of(trained)}"
    with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
        recipe = load_recipe_text(trained.recipe, f"recipe of '{trained.label}'", registry, [tta, *overrides])
    for path in _paths(overrides):
        if not any(path == part or path.startswith(f"{part}.") for part in OVERRIDABLE):
            raise UserError(
                f"'{path}' cannot be changed after training ('{trained.label}'); allowed are dataset.…, evaluate.…, "
                "train.device and train.store"
            )
    return recipe


def predictions_remain_valid(overrides: Iterable[str]) -> bool:
    """Whether saved predictions remain valid: no override changes images, labels or the evaluation."""
    return all(path in WITHOUT_EFFECT for path in _paths(overrides))


def names_metrics(recipe: str) -> bool:
    """Whether the text of a recipe names metrics in addition to the fixed ones."""
    flat = flat_recipe(recipe)
    return any(path.startswith(("evaluate.metrics.", "train.monitor.")) for path in flat)


def settings_of(trained: Trained) -> dict[str, Any]:
    """The recipe as nested options, with those that an export may change: its TTA views, and whether it is int8."""
    recipe = nested_recipe(trained.recipe, f"the recipe of '{trained.label}'")
    evaluate = {**(recipe.get("evaluate") or {}), "tta": tta_of(trained)}
    return {**recipe, "evaluate": evaluate, "int8": bool(trained.documents["model"].get("int8"))}


def tta_of(trained: Trained) -> int:
    """The number of TTA views."""
    return int(trained.documents["model"]["evaluation"].get("tta", 1))


def tta_of_metrics(trained: Trained) -> int:
    """The number of TTA views that its metrics were measured with."""
    return int(flat_recipe(trained.recipe).get("evaluate.tta", 1))


def metrics_apply(trained: Trained) -> bool:
    """Whether the metrics of the run apply to it: False for exports with other TTA views or 8-bit arithmetic."""
    return tta_of(trained) == tta_of_metrics(trained) and not trained.documents["model"].get("int8", False)


def _paths(overrides: Iterable[str]) -> Iterable[str]:
    return (override.partition("=")[0] for override in overrides)
