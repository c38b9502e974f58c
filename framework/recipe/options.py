"""Which class validates each part of a recipe, and suggestions for unknown options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from framework.components import Component, field_kind, split_name
from framework.errors import UserError, closest, similarity
from framework.recipe.source import Source
from framework.recipe.yaml_tree import Path_, dotted
from framework.registry import Registry

DEEPEST = 5
"""Maximum number of parts of a suggested path: `augment.0.base.p` has four."""
MAX_SUGGESTIONS = 3
RENAMED = {
    "start_from": "train.init_from",
    "accumulate": "train.grad_accum_steps",
    "refresh_norm": "train.recalibrate_bn",
    "grow_from": "train.progressive_resize.start",
    "grow_until": "train.progressive_resize.until",
    "views": "evaluate.tta",
    "observers": "callbacks",
    "growth": "train.lookahead.decay_power",
    "most": "max_faces",
}
"""Former names of options, with the current ones."""
MIN_SIMILARITY = 0.72
"""Minimum similarity of an option that is suggested from another section."""


def class_at(
    path: Path_, annotation: Any, source: Source, registry: Registry, default: Any = None
) -> type[BaseModel] | None:
    """The class that validates the options below `path`, or None; `default` is the value of a path that is not set."""
    for one in (annotation, *get_args(annotation)):  # a section may be optional: `Lookahead | None`
        if isinstance(one, type) and issubclass(one, BaseModel) and not issubclass(one, Component):
            return one
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
    """The dotted paths of all options of this recipe and its components, by the name of the option."""
    found: dict[str, list[str]] = {}
    for path in _paths_below((), root, source, registry):
        found.setdefault(str(path[-1]), []).append(dotted(path))
    return found


def suggest_option(key: str, known: list[str], elsewhere: dict[str, list[str]]) -> str:
    """`; did you mean 'train.epochs'?` for a key that its section does not have; empty if nothing is similar.

    In this order: an option of the same name in another section, the new name of a renamed option, the most similar
    name, an option that is the key's initials or last word (`lr` for `learning_rate`, `size` for `image_size`).
    """
    match: str | None = key
    if key not in elsewhere:
        if key in RENAMED:
            return f"; did you mean '{RENAMED[key]}'?"
        local, match = closest(key, known), closest(key, elsewhere, MIN_SIMILARITY)
        if local and (match is None or similarity(key, local) >= similarity(key, match)):
            return f"; did you mean '{local}'?"
        words = key.split("_")
        short = ("".join(word[:1] for word in words), words[-1])
        match = match or next((form for form in short if form in elsewhere), None)
    paths = [f"'{path}'" for path in elsewhere[match][:MAX_SUGGESTIONS]] if match else []
    return f"; did you mean {' or '.join(paths)}?" if paths else ""


def _paths_below(path: Path_, owner: type[BaseModel], source: Source, registry: Registry) -> Iterator[Path_]:
    for name, field in owner.model_fields.items():
        below = (*path, name)
        yield below
        if len(below) >= DEEPEST:
            continue
        value = source.at(below)
        paths = [(*below, index) for index in range(len(value))] if isinstance(value, list) else [below]
        for each in paths:
            if inner := class_at(each, field.annotation, source, registry, field.default):
                yield from _paths_below(each, inner, source, registry)
