"""A recipe as YAML text that reads back to the same recipe."""

from __future__ import annotations

import io
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from framework.recipe.sections import Recipe


def plain(model: BaseModel) -> dict[str, Any]:
    """The model as JSON types, with the name of each component."""
    return model.model_dump(mode="json", serialize_as_any=True)


def recipe_text(recipe: Recipe, header: str = "", *, commented: bool = False) -> str:
    """YAML that is itself a valid recipe, below a header of comment lines.

    With `commented`, each option carries its description; without, options that are unset are left out.
    """
    tree = plain(recipe)
    document = _commented(recipe, tree) if commented else _without_unset(tree)
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    lines = "".join(f"# {line}\n" for line in header.splitlines())
    return lines + out.getvalue()


def _without_unset(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_unset(value) for key, value in node.items() if value is not None}
    return [_without_unset(value) for value in node] if isinstance(node, list) else node


def _commented(model: BaseModel, tree: dict[str, Any]) -> CommentedMap:
    """The tree with each field's description above it."""
    document = CommentedMap()
    for key, value in tree.items():
        child = getattr(model, key, None)
        document[key] = _commented(child, value) if isinstance(child, BaseModel) else value
        described = type(model).model_fields[key].description if key in type(model).model_fields else None
        if described:
            nested = 0 if isinstance(model, Recipe) else 2
            document.yaml_set_comment_before_after_key(key, before=" ".join(described.split()), indent=nested)
    return document
