"""The text of a saved recipe as a nested or flat dictionary."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from framework.errors import UserError

NO_EFFECT = ("train.checkpoint_every", "train.keep_checkpoints", "train.log_every", "train.store")
"""Options that affect only what is written and where decoded images are stored."""


def flat_recipe(text: str) -> dict[str, Any]:
    """Values by dotted path (`train.epochs`, `augment.0.name`); empty lists and sections are values."""
    return _flat(nested_recipe(text))


def nested_recipe(text: str, where: str = "the recipe of a run") -> dict[str, Any]:
    """The recipe as nested dictionaries; raises `UserError`, which mentions `where`, if the text is not a recipe."""
    try:
        recipe = YAML(typ="safe").load(text) or {}
    except YAMLError as error:
        problem = " ".join(str(error).split())
        raise UserError(f"{where} is damaged: {problem[:300]}") from None
    if not isinstance(recipe, dict):
        raise UserError(f"{where} is damaged: it has no sections")
    return recipe


def affects_training(path: str) -> bool:
    """Whether the result of a training depends on the option at that path."""
    return path not in NO_EFFECT and not path.startswith(("callbacks", "evaluate.metrics"))


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if isinstance(node, (dict, list)) and node:
        children = node.items() if isinstance(node, dict) else enumerate(node)
        return {key: value for name, child in children for key, value in _flat(child, f"{path}.{name}").items()}
    return {path.lstrip("."): node}
