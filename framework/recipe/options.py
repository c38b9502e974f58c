"""The options that a recipe has where it stands: which class validates each place, and where an option may belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from framework.components import Component, field_kind, split_name
from framework.errors import UserError, likeness, nearest
from framework.recipe.source import Source
from framework.recipe.tree import Path_, dotted

if TYPE_CHECKING:
    from framework.registry import Registry

DEEPEST = 5
"""Parts of a path that is suggested: `augment.0.base.p` has four."""
SHOWN = 3
ALIKE = 0.72
"""Likeness from which an option of another section is meant; within a section less is enough."""


def class_at(path: Path_, annotation: Any, source: Source, registry: Registry) -> type[BaseModel] | None:
    """The class that validates what is below `path`, where there is one."""
    for given in (annotation, *get_args(annotation)):  # `Lookahead | None` is one as well
        if isinstance(given, type) and issubclass(given, BaseModel) and not issubclass(given, Component):
            return given
    kind = field_kind(annotation)
    if kind is None:
        return None
    value = source.at(path)
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str):
        return None
    try:
        return registry.find(kind, split_name(name)[0])
    except UserError:
        return None


def option_paths(root: type[BaseModel], source: Source, registry: Registry) -> dict[str, list[str]]:
    """Every option that may be set in this recipe with its components: the dotted paths of each name."""
    found: dict[str, list[str]] = {}
    for path in _paths_below((), root, source, registry):
        found.setdefault(str(path[-1]), []).append(dotted(path))
    return found


def meant_option(key: str, known: list[str], elsewhere: dict[str, list[str]]) -> str:
    """`; did you mean 'train.epochs'?` for a key that is not `known` where it stands; empty where nothing is like it.

    An option of that very name in another section comes first, then whatever name is most like it, then its initials
    or its last word: `learning_rate` is `lr`, `image_size` is `size`.
    """
    there: str | None = key
    if key not in elsewhere:
        here, there = nearest(key, known), nearest(key, elsewhere, ALIKE)
        if here and (there is None or likeness(key, here) >= likeness(key, there)):
            return f"; did you mean '{here}'?"
        words = key.split("_")
        short = ("".join(word[:1] for word in words), words[-1])
        there = there or next((form for form in short if form in elsewhere), None)
    paths = [f"'{path}'" for path in elsewhere[there][:SHOWN]] if there else []
    return f"; did you mean {' or '.join(paths)}?" if paths else ""


def _paths_below(path: Path_, owner: type[BaseModel], source: Source, registry: Registry) -> Iterator[Path_]:
    for name, field in owner.model_fields.items():
        below = (*path, name)
        yield below
        if len(below) >= DEEPEST:
            continue
        inside = source.at(below)
        places = [(*below, index) for index in range(len(inside))] if isinstance(inside, list) else [below]
        for place in places:
            if inner := _class_at_or_default(place, field, source, registry):
                yield from _paths_below(place, inner, source, registry)


def _class_at_or_default(place: Path_, field: Any, source: Source, registry: Registry) -> type[BaseModel] | None:
    kind = field_kind(field.annotation)
    if kind is None or source.at(place) is not None or not isinstance(field.default, str):
        return class_at(place, field.annotation, source, registry)
    return registry.find(kind, field.default)
