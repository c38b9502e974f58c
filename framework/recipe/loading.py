"""From the file, name or content of a recipe, with overrides, to a validated `Recipe`, without importing torch."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model

import framework
from framework.components import Component, field_kind
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.overrides import override_texts
from framework.recipe.problems import RecipeError, paths_of_text, problems_of
from framework.recipe.saving import plain
from framework.recipe.sections import Recipe
from framework.recipe.source import Source, apply_override, parse_source, read_source
from framework.registry import Registry
from framework.section import Section

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C", bound=Component)


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe, registry: Registry, overrides: Sequence[str] = ()
) -> Recipe:
    """Apply `a.b=c` overrides in order to a recipe, and validate the result.

    The recipe is a file, the name of a shipped one, a dict of options as in `override_texts`, or a `Recipe`. Raises
    `RecipeError` with all mistakes, or `UserError` if there is no such file.
    """
    if isinstance(recipe, Recipe):
        return validate(Source("recipe", plain(recipe)), registry, overrides)
    if isinstance(recipe, Mapping):
        return validate(Source("recipe"), registry, [*override_texts(recipe), *overrides])
    file = find_recipe(str(recipe))
    return validate(read_source(file, shown_as=str(recipe) if Path(recipe).is_file() else None), registry, overrides)


def load_recipe_text(text: str, shown_as: str, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The same for the text of a recipe; errors call it `shown_as`."""
    return validate(parse_source(text.encode(), shown_as), registry, overrides)


def validate(source: Source, registry: Registry, overrides: Sequence[str] = (), model: type[M] = Recipe) -> M:  # type: ignore[assignment]
    """Apply overrides and validate the result by `model`."""
    for override in overrides:
        apply_override(source, override, named_sections(model))
    if not source.readable:
        raise RecipeError(source.problems)
    try:
        validated = _validated(source, registry, model)
    except ValidationError as error:
        known = {problem.where for problem in source.problems}  # invalid YAML there already has a message
        problems = problems_of(error.errors(), source, registry, model)
        raise RecipeError([*source.problems, *(found for found in problems if found.where not in known)]) from None
    if source.problems:
        raise RecipeError(source.problems)
    return validated


def _validated(source: Source, registry: Registry, model: type[M]) -> M:
    """Validate by `model`; if a string is expected and YAML has a number, use the text of the number."""
    try:
        return model.model_validate(source.data, context=registry)
    except ValidationError as error:
        paths = paths_of_text(error.errors(), source, registry, model)
        if not [path for path in paths if source.convert_to_text(path)]:
            raise
    return model.model_validate(source.data, context=registry)


def validate_section(section: Mapping[str, Any], registry: Registry, overrides: Sequence[str], model: type[M]) -> M:
    """Validate a part of a recipe that is not from a file."""
    return validate(Source("command line", dict(section)), registry, overrides, model)


def named_sections(model: type[BaseModel]) -> dict[str, str | None]:
    """Each section that holds one component, with the name of the default component."""
    return {
        name: field.default if isinstance(field.default, str) else None
        for name, field in model.model_fields.items()
        if field_kind(field.annotation)
    }


def find_recipe(recipe: str) -> Path:
    """The file of that path, or of the shipped recipe of that name (without `.yaml`)."""
    file, shipped = Path(recipe), shipped_recipes()
    try:
        folder = bool(recipe) and file.is_dir()
        if recipe and file.exists() and not folder:
            return file
        beside = [str(path) for path in file.parent.glob("*.y*ml")]
    except OSError as error:
        raise UserError(f"{recipe}: cannot be read: {error.strerror or error}") from None
    if recipe in shipped:
        return shipped[recipe]
    if folder:
        raise UserError(f"{recipe} is a folder; name a recipe file in it")
    hint = did_you_mean(recipe, [*beside, *shipped]) or "."
    raise UserError(f"there is no recipe file '{recipe}'{hint} Shipped recipes: {enumerate_names(shipped, 20)}")


def shipped_recipes() -> dict[str, Path]:
    """The files of the recipes in this installation, by name."""
    beside = Path(framework.__file__).parent.parent / "recipes"
    files: list[Path] = sorted(beside.glob("*.yaml"))
    if not files:  # installed from a wheel: they are under the environment's share/
        listed = importlib.metadata.files("framework") or []
        files = [Path(str(entry.locate())) for entry in listed if entry.match("share/framework/recipes/*.yaml")]
    return {file.stem: file for file in files if file.is_file()}


def validate_component(kind: type[C], name: str, registry: Registry, overrides: Sequence[str] = ()) -> C:
    """One component by name, with `option=value` overrides; raises `RecipeError`."""
    prefix = f"{kind.kind}."
    return _component(kind, name, registry, [prefix + override.removeprefix(prefix) for override in overrides])


def validate_saved_component(kind: type[C], saved: Mapping[str, Any], registry: Registry) -> C:
    """One component from a saved `{name: …, option: …}`; raises `RecipeError`."""
    return _component(kind, dict(saved), registry, ())


def _component(kind: type[C], value: Any, registry: Registry, overrides: Sequence[str]) -> C:
    holder = create_model("Component", __base__=Section, **{kind.kind: (kind, ...)})  # type: ignore[call-overload]
    found: C = getattr(validate_section({kind.kind: value}, registry, overrides, holder), kind.kind)
    return found
