"""Options given in Python -> overrides as on the command line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from framework.recipe.option_text import inline_yaml
from framework.recipe.saving import plain
from framework.recipe.yaml_tree import YamlTree

WORD = re.compile(r"[\w./~][\w./~ -]*")
"""Text that means the same inside and outside of a YAML list, if it is a string at all."""


def override_texts(options: Mapping[str, Any]) -> list[str]:
    """`{"train": {"epochs": 3}}` and `{"train.epochs": 3}` give `["train.epochs=3"]`.

    A dict sets the options that it has; a dict with `name` is a component, and replaces the section.
    """
    return [f"{path}={inline_yaml(value)}" for path, value in _leaves(options, "")]


def _leaves(options: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if isinstance(value, Mapping) and value and "name" not in value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _quoted(value)


def _quoted(value: Any) -> Any:
    """The value as JSON types, with strings as YAML."""
    if isinstance(value, BaseModel):  # a component
        value = plain(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): _quoted(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_quoted(entry) for entry in value]
    if isinstance(value, (str, os.PathLike)):
        return _text(os.fsdecode(value))
    return value.item() if hasattr(value, "item") else value  # a number of NumPy or PyTorch


def _text(text: str) -> str:
    plain_text = WORD.fullmatch(text) and YamlTree(text).value == text
    return text if plain_text else json.dumps(text, ensure_ascii=False)
