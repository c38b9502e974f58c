"""A recipe as YAML text, from which the same recipe is read."""

from __future__ import annotations

import io
import textwrap
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from framework.components import Component
from framework.recipe.sections import Recipe
from framework.section import descriptions

Described = frozenset[tuple[str, str]]
"""Names of options, with their descriptions."""

WIDTH = 110
INDENT = 2
"""Indentation of mappings, in columns."""
ENTRY = 4
"""Indentation of the entries of a list, in columns, including the dash."""


def plain(model: BaseModel) -> dict[str, Any]:
    """The model as JSON types, including the name of each component."""
    return model.model_dump(mode="json", serialize_as_any=True)


def recipe_text(recipe: Recipe, header: str = "", *, commented: bool = False) -> str:
    """YAML that is a valid recipe, after `header` as comment lines.

    With `commented`, each option is preceded by its description; otherwise unset options are omitted.
    """
    lines = "".join(f"# {line}\n" for line in header.splitlines())
    return lines + yaml_text(_document(recipe, plain(recipe), commented))


def yaml_text(document: Any) -> str:
    """YAML in the layout of all recipes that the framework writes."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = WIDTH
    yaml.indent(mapping=INDENT, sequence=ENTRY, offset=ENTRY - 2)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _document(model: Any, node: Any, commented: bool, column: int = 0, explained: Described = frozenset()) -> Any:
    """`node`, the dump of `model`, with comments, or without the options that are unset by default.

    Keys start at `column`. Options in `explained`, which have a comment already, get none.
    """
    if isinstance(node, list):
        entries = model if isinstance(model, (list, tuple)) else [None] * len(node)
        documents = []
        for entry, value in zip(entries, node, strict=True):
            documents.append(_document(entry, value, commented, column + ENTRY - INDENT, explained))
            explained |= _described(entry) if commented else frozenset()
        return documents
    if not isinstance(model, BaseModel):
        return node
    document = CommentedMap()
    for key, value in node.items():
        field = type(model).model_fields.get(key)  # None for `name`, which is no field
        if field and value is None and field.default is None and not commented:
            continue
        document[key] = _document(getattr(model, key), value, commented, column + INDENT)
        text = descriptions(type(model)).get(key) if commented else None
        if text and (key, text) not in explained:
            comment = textwrap.fill(" ".join(text.split()), WIDTH - column)
            document.yaml_set_comment_before_after_key(key, before=comment, indent=column)
    if commented and isinstance(model, Component) and model.__doc__:
        document.yaml_add_eol_comment(model.__doc__.strip().partition("\n")[0], "name")
    return document


def _described(model: Any) -> Described:
    """The options of one entry of a list; later entries may have the same ones."""
    return frozenset(descriptions(type(model)).items()) if isinstance(model, BaseModel) else frozenset()
