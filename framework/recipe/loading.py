"""The road from a recipe's file or name, with overrides, to a validated `Recipe`; torch is never imported on it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model

import framework
from framework.components import Component, field_kind
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.problems import RecipeError, problems_of, texts_expected
from framework.recipe.sections import Recipe
from framework.recipe.source import Source, apply_override, parse_source, read_source
from framework.registry import Registry
from framework.section import Section

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C", bound=Component)


def load_recipe(recipe: str | Path, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """Read a file, or a recipe that ships by its name, apply `a.b=c` overrides in order and validate the result.

    Raises `RecipeError` with every mistake at once, `UserError` where there is no such file.
    """
    file = find_recipe(str(recipe))
    return validate(read_source(file, shown_as=str(recipe) if Path(recipe).is_file() else None), registry, overrides)


def load_recipe_text(text: str, shown_as: str, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """The same for a recipe's text, from somewhere else than a file; errors name it `shown_as`."""
    return validate(parse_source(text.encode(), shown_as), registry, overrides)


def validate(source: Source, registry: Registry, overrides: Sequence[str] = (), model: type[M] = Recipe) -> M:  # type: ignore[assignment]
    """Apply overrides to the tree and validate it by `model`."""
    for override in overrides:
        apply_override(source, override, named_sections(model))
    if not source.readable:
        raise RecipeError(source.problems)
    try:
        validated = _validated(source, registry, model)
    except ValidationError as error:
        known = {problem.where for problem in source.problems}  # what is no YAML there is no option either
        problems = problems_of(error.errors(), source, registry, model)
        raise RecipeError([*source.problems, *(found for found in problems if found.where not in known)]) from None
    if source.problems:
        raise RecipeError(source.problems)
    return validated


def _validated(source: Source, registry: Registry, model: type[M]) -> M:
    """The tree by `model`; where text is expected and YAML reads a number, the number as it is written."""
    try:
        return model.model_validate(source.tree, context=registry)
    except ValidationError as error:
        expected = texts_expected(error.errors(), source, registry, model)
        if not [path for path in expected if source.take_as_written(path)]:
            raise
    return model.model_validate(source.tree, context=registry)


def validate_section(tree: Mapping[str, Any], registry: Registry, overrides: Sequence[str], model: type[M]) -> M:
    """The same for part of a recipe that comes from somewhere else than a file."""
    return validate(Source("command line", dict(tree)), registry, overrides, model)


def named_sections(model: type[BaseModel]) -> dict[str, str | None]:
    """Each section that holds one component, with the name that is its default."""
    return {
        name: field.default if isinstance(field.default, str) else None
        for name, field in model.model_fields.items()
        if field_kind(field.annotation)
    }


def find_recipe(recipe: str) -> Path:
    """The file of that path, or of a recipe that ships, by its name without `.yaml`."""
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
    raise UserError(f"there is no recipe file '{recipe}'{hint} Recipes that ship: {enumerate_names(shipped, 20)}")


def shipped_recipes() -> dict[str, Path]:
    """The recipes that came with the installation, by name."""
    beside = Path(framework.__file__).parent.parent / "recipes"
    files: list[Path] = sorted(beside.glob("*.yaml"))
    if not files:  # installed from a wheel: they lie under the environment's share/
        listed = importlib.metadata.files("framework") or []
        files = [Path(str(entry.locate())) for entry in listed if entry.match("share/framework/recipes/*.yaml")]
    return {file.stem: file for file in files if file.is_file()}


def validate_component(kind: type[C], name: str, registry: Registry, overrides: Sequence[str] = ()) -> C:
    """One component by name, with `option=value` overrides; raises `RecipeError`."""
    prefix = f"{kind.kind}."
    return _component(kind, name, registry, [prefix + override.removeprefix(prefix) for override in overrides])


def validate_component_tree(kind: type[C], tree: Mapping[str, Any], registry: Registry) -> C:
    """One component from `{name: …, option: …}` as it was saved; raises `RecipeError`."""
    return _component(kind, dict(tree), registry, ())


def _component(kind: type[C], written: Any, registry: Registry, overrides: Sequence[str]) -> C:
    holder = create_model("Component", __base__=Section, **{kind.kind: (kind, ...)})  # type: ignore[call-overload]
    found: C = getattr(validate_section({kind.kind: written}, registry, overrides, holder), kind.kind)
    return found
