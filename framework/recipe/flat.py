"""A recipe as one level of keys, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

NOT_SET = "not set"
ASIDE = ("train.checkpoint_every", "train.keep_checkpoints", "train.log_every", "train.store")
"""Options that say what is written how often, and where images lie."""


def flat_recipe(text: str) -> dict[str, Any]:
    """Values by path: `train.epochs`, `augment.0.name`; empty lists and sections are values themselves."""
    return _flat(YAML(typ="safe").load(text))


def recipe_differences(texts: Sequence[str]) -> dict[str, list[Any]]:
    """The paths whose values are not the same in all recipes, with the value in each; `NOT_SET` where it has none."""
    return differences([flat_recipe(text) for text in texts])


def differences(recipes: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The same of recipes that are flat already."""
    paths = list(dict.fromkeys(path for recipe in recipes for path in recipe))
    values = {path: [recipe.get(path, NOT_SET) for recipe in recipes] for path in paths}
    return {path: found for path, found in values.items() if any(value != found[0] for value in found)}


def decides(path: str) -> bool:
    """Whether a training's outcome depends on that option; on observers, which are only told, it does not."""
    return path not in ASIDE and not path.startswith("observers")


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if isinstance(node, dict) and node:
        return {key: value for name, child in node.items() for key, value in _flat(child, f"{path}.{name}").items()}
    if isinstance(node, list) and node:
        return {key: value for i, child in enumerate(node) for key, value in _flat(child, f"{path}.{i}").items()}
    return {path.lstrip("."): node}
