"""Whether a run may go on in its folder: with the same recipe, images and arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from framework.components import Dataset
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.differences import recipe_differences
from framework.recipe.flat import affects_training, nested_recipe
from framework.recipe.option_text import value_text
from framework.recipe.saving import recipe_text
from framework.recipe.sections import Recipe
from framework.runs.environment import over_sessions
from framework.runs.folder import RunFolder


def claim_folder(run: RunFolder, recipe: Recipe, resume: bool) -> bool:
    """Make sure, before minutes are spent on data, that the run can be written there; whether the folder is new."""
    if run.path.is_dir() and any(run.path.iterdir()):
        if not resume:
            raise UserError(
                f"the folder '{run.path}' is not empty. Go on with the run in it by --resume, or choose another --out"
            )
        if run.recipe.is_file():
            _require_same_recipe(run, recipe)
        elif run.checkpoints.is_dir():
            raise UserError(f"'{run.path}' has checkpoints and no recipe.yaml: it cannot be resumed")
    elif resume and not run.path.exists():
        raise UserError(_nothing_to_resume(run.path))
    new = not run.path.exists()
    try:
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the run folder '{run.path}': {error.strerror}") from None
    return new


def _nothing_to_resume(folder: Path) -> str:
    parent = folder.parent
    runs = sorted(path.parent.name for path in parent.glob("*/recipe.yaml"))
    there = f"the runs in '{parent}': {enumerate_names(runs)}" if runs else f"'{parent}' has no runs"
    return (
        f"--resume --out {folder}: there is no such folder{did_you_mean(folder.name, runs)}\n"
        f"    ({there}). To start a new run in it, leave out --resume"
    )


def image_places(dataset: Dataset) -> list[str]:
    """The options that only say where images lie, such as `dataset.root`: those that hold a path.

    A resumed run may change them: `require_same_images` compares what is read there.
    """
    fields = type(dataset).model_fields
    return [
        f"dataset.{name}" for name, field in fields.items() if Path in (field.annotation, *get_args(field.annotation))
    ]


def moved_places(run: RunFolder, recipe: Recipe) -> dict[str, list[Any]]:
    """Those of `image_places` that the run's own recipe has another value of: before and now."""
    places, differences = image_places(recipe.dataset), _differences(run, recipe)
    return {option: values for option, values in differences.items() if option in places}


def _differences(run: RunFolder, recipe: Recipe) -> dict[str, list[Any]]:
    return recipe_differences(
        [nested_recipe(run.recipe.read_text(encoding="utf-8"), str(run.recipe)), nested_recipe(recipe_text(recipe))]
    )


def _require_same_recipe(run: RunFolder, recipe: Recipe) -> None:
    differences, places = _differences(run, recipe), image_places(recipe.dataset)
    settled = [("train.precision", recorded(run, "precision")), ("train.compile", recorded(run, "compile"))]
    changed = [
        f"    {key}: was {value_text(was, 12)}, now {value_text(now, 12)}"
        for key, (was, now) in sorted(differences.items())
        if affects_training(key) and key not in places and (key, now) not in settled  # what `auto` came to
    ]
    if changed:
        raise UserError(
            f"the run in '{run.path}' was started with another recipe:\n"
            + "\n".join(changed)
            + f"\nGo on with its own, `framework run {run.recipe} --out {run.path} --resume`, or choose another --out"
        )


def require_same_images(run: RunFolder, described: Mapping[str, Any]) -> None:
    """The splits that `data.json` is about to hold and those that it holds; else `UserError`."""
    if not (run.path / "data.json").is_file():
        return
    before = run.read("data")
    changed = [
        split
        for split in {**before, **described}
        if described.get(split, {}).get("fingerprint") != before.get(split, {}).get("fingerprint")
    ]
    if changed:
        raise UserError(
            f"the images of {', '.join(changed)} are not those that the run in '{run.path}' began with (pixels, labels "
            "or names); resuming would mix two data sets. Restore them, say where the same images are now (such as "
            "dataset.root=DIR), or start a new run with another --out"
        )


def require_same_precision(run: RunFolder, precision: str) -> None:
    """That of the training so far, whatever `auto` comes to on this machine; else `UserError`."""
    before = recorded(run, "precision")
    if before not in (None, precision):
        raise UserError(
            f"the run in '{run.path}' was trained in {before} so far, and would go on in {precision} here. Go on with "
            f"train.precision={before}, or choose another --out"
        )


def notice_other_device(run: RunFolder, device: str, display: Any) -> None:
    """Say so in the terminal: equal bytes are promised on the same device alone."""
    before = recorded(run, "device")
    if before not in (None, device):
        display.line(f"{'resumed':>10}  on {device}; so far the run was on {before}, and rounds otherwise", "yellow")


def recorded(run: RunFolder, what: str) -> Any:
    """What `environment.json` has of the training so far; None where nothing was trained."""
    if not run.environment.is_file():
        return None
    return over_sessions(run.read("environment"), what)[-1]
