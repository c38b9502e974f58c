"""A recipe's text as a tree, and as one level of keys."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from framework.errors import UserError

ASIDE = ("train.checkpoint_every", "train.keep_checkpoints", "train.log_every", "train.store")
"""Options that say what is written how often, and where images lie."""


def flat_recipe(text: str) -> dict[str, Any]:
    """Values by path: `train.epochs`, `augment.0.name`; empty lists and sections are values themselves."""
    return _flat(recipe_tree(text))


def recipe_tree(text: str, where: str = "the recipe of a run") -> dict[str, Any]:
    """The recipe as nested dictionaries; raises `UserError`, with `where`, if the text is not a recipe."""
    try:
        tree = YAML(typ="safe").load(text) or {}
    except YAMLError as error:
        problem = " ".join(str(error).split())
        raise UserError(f"{where} is damaged: {problem[:300]}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{where} is damaged: it has no sections")
    return tree


def decides(path: str) -> bool:
    """Whether a training's outcome depends on that option; on callbacks, which are only told, it does not."""
    return path not in ASIDE and not path.startswith("callbacks")


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if isinstance(node, dict) and node:
        return {key: value for name, child in node.items() for key, value in _flat(child, f"{path}.{name}").items()}
    if isinstance(node, list) and node:
        return {key: value for i, child in enumerate(node) for key, value in _flat(child, f"{path}.{i}").items()}
    return {path.lstrip("."): node}
