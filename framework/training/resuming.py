"""Checks before a run is resumed: the same recipe, images and precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

from framework.components import Dataset
from framework.display import Display
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.differences import recipe_differences
from framework.recipe.flat import affects_training, nested_recipe
from framework.recipe.option_text import value_text
from framework.recipe.saving import recipe_text
from framework.recipe.sections import Recipe
from framework.runs.environment import over_sessions
from framework.runs.folder import RunFolder
from framework.runs.lock import LOCK_FILE


def check_folder(run: RunFolder, recipe: Recipe, resume: bool) -> None:
    """Raise `UserError` if the run cannot be written to its folder, before time is spent on data."""
    if run.path.is_dir() and any(path.name != LOCK_FILE for path in run.path.iterdir()):
        if not resume:
            raise UserError(
                f"the folder '{run.path}' is not empty. Resume the run in it with --resume, or choose another --out"
            )
        if run.recipe.is_file():
            _require_same_recipe(run, recipe)
        elif run.checkpoints.is_dir():
            raise UserError(f"'{run.path}' has checkpoints but no recipe.yaml: it cannot be resumed")
    elif resume and not run.path.exists():
        raise UserError(_nothing_to_resume(run.path))


def _nothing_to_resume(folder: Path) -> str:
    parent = folder.parent
    runs = sorted(path.parent.name for path in parent.glob("*/recipe.yaml"))
    there = f"the runs in '{parent}': {enumerate_names(runs)}" if runs else f"'{parent}' has no runs"
    return (
        f"--resume --out {folder}: there is no such folder{did_you_mean(folder.name, runs)}\n"
        f"    ({there}). To start a new run in it, leave out --resume"
    )


@contextmanager
def created(folder: Path) -> Iterator[None]:
    """Create the folder if necessary; remove a new one after an exception, unless it has files by then."""
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot create the run folder '{folder}': {error.strerror}") from None
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # not empty
                (folder / LOCK_FILE).unlink(missing_ok=True)
                folder.rmdir()
        raise


def image_places(dataset: Dataset) -> list[str]:
    """The options that hold a path, such as `dataset.root`.

    They may change when a run is resumed: `require_same_images` compares the images themselves.
    """
    fields = type(dataset).model_fields
    return [
        f"dataset.{name}" for name, field in fields.items() if Path in (field.annotation, *get_args(field.annotation))
    ]


def moved_places(run: RunFolder, recipe: Recipe) -> dict[str, list[Any]]:
    """The options of `image_places` that differ from the run's recipe: their values before and now."""
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
        if affects_training(key) and key not in places and (key, now) not in settled  # the value of `auto`
    ]
    if changed:
        raise UserError(
            f"the run in '{run.path}' was started with another recipe:\n"
            + "\n".join(changed)
            + f"\nResume it with `framework run {run.recipe} --out {run.path} --resume`, or choose another --out"
        )


def require_same_images(run: RunFolder, described: Mapping[str, Any]) -> None:
    """Raise `UserError` if a split, as `data.json` describes it, differs from the run's."""
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
            f"the images of {', '.join(changed)} (pixels, labels or names) differ from those of the run in "
            f"'{run.path}'. Restore them, set where the same images are now (such as dataset.root=DIR), or start a new "
            "run with another --out"
        )


def require_same_precision(run: RunFolder, precision: str) -> None:
    """Raise `UserError` if the run was trained in another precision so far: `auto` depends on the machine."""
    before = recorded(run, "precision")
    if before not in (None, precision):
        raise UserError(
            f"the run in '{run.path}' was trained in {before} so far and would continue in {precision} here. "
            f"Set train.precision={before}, or choose another --out"
        )


def print_other_device(run: RunFolder, device: str, display: Display) -> None:
    """Print that the device has changed: results are bit-identical on the same device only."""
    before = recorded(run, "device")
    if before not in (None, device):
        display.line(f"{'resumed':>10}  on {device}, before on {before}: numbers are rounded differently", "yellow")


def recorded(run: RunFolder, what: str) -> Any:
    """The latest value in `environment.json`; None if nothing was trained yet."""
    if not run.environment.is_file():
        return None
    return over_sessions(run.read("environment"), what)[-1]
