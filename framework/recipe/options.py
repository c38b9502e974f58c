"""Which class validates each part of a recipe, and where a misplaced option belongs."""

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
"""Most parts of a suggested path: `augment.0.base.p` has four."""
SHOWN = 3
RENAMED = {
    "start_from": "train.init_from",
    "accumulate": "train.grad_accum_steps",
    "refresh_norm": "train.recalibrate_bn",
    "grow_from": "train.progressive_resize.start",
    "grow_until": "train.progressive_resize.until",
    "views": "evaluate.tta",
    "observers": "callbacks",
    "growth": "train.lookahead.decay_power",
}
"""Names that options had before, or have elsewhere, with what they are here."""
ALIKE = 0.72
"""Lowest likeness at which an option of another section is suggested; within the section less is enough."""


def class_at(
    path: Path_, annotation: Any, source: Source, registry: Registry, default: Any = None
) -> type[BaseModel] | None:
    """The class that validates what is below `path`, or None; `default` is used if nothing is written there."""
    for given in (annotation, *get_args(annotation)):  # `Lookahead | None` is one as well
        if isinstance(given, type) and issubclass(given, BaseModel) and not issubclass(given, Component):
            return given
    kind = field_kind(annotation)
    if kind is None:
        return None
    value = source.at(path) if source.has(path) else default
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str):
        return None
    try:
        return registry.find(kind, split_name(name)[0])
    except UserError:
        return None


def option_paths(root: type[BaseModel], source: Source, registry: Registry) -> dict[str, list[str]]:
    """The dotted paths of every option of this recipe, with the components that it names, by the option's name."""
    found: dict[str, list[str]] = {}
    for path in _paths_below((), root, source, registry):
        found.setdefault(str(path[-1]), []).append(dotted(path))
    return found


def meant_option(key: str, known: list[str], elsewhere: dict[str, list[str]]) -> str:
    """`; did you mean 'train.epochs'?` for a key that its section does not know; empty if nothing is similar.

    An option of the same name in another section comes first, then the most similar name, then an option that is the
    key's initials or its last word: `learning_rate` suggests `lr`, `image_size` suggests `size`.
    """
    there: str | None = key
    if key in RENAMED and key not in elsewhere:
        return f"; did you mean '{RENAMED[key]}'?"
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
            if inner := class_at(place, field.annotation, source, registry, field.default):
                yield from _paths_below(place, inner, source, registry)
