"""A recipe as YAML text that reads back to the same recipe."""

from __future__ import annotations

import io
import textwrap
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
    lines = "".join(f"# {line}\n" for line in header.splitlines())
    return lines + yaml_text(_document(recipe, plain(recipe), commented))


def yaml_text(tree: Any) -> str:
    """A recipe's tree as YAML, laid out as every recipe that is written."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _document(model: Any, node: Any, commented: bool, depth: int = 0) -> Any:
    """What `model` was dumped to, with comments, or without the options that are unset by default."""
    if isinstance(node, list):
        entries = model if isinstance(model, (list, tuple)) else [None] * len(node)
        return [_document(entry, value, commented=False) for entry, value in zip(entries, node, strict=True)]
    if not isinstance(model, BaseModel):
        return node
    document = CommentedMap()
    for key, value in node.items():
        field = type(model).model_fields.get(key)  # there is none for a component's name
        if field and value is None and field.default is None and not commented:
            continue
        document[key] = _document(getattr(model, key), value, commented, depth + 1)
        if field and field.description and commented:
            comment = textwrap.fill(" ".join(field.description.split()), 110 - 2 * depth)
            document.yaml_set_comment_before_after_key(key, before=comment, indent=2 * depth)
    return document
