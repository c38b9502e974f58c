"""JSON Schema over all installed components, so that an editor completes and checks recipes."""

from __future__ import annotations

from typing import Any

from framework.components import KINDS, Component, field_kind
from framework.recipe.sections import Recipe
from framework.registry import Registry


def json_schema(registry: Registry) -> dict[str, Any]:
    """The schema of a recipe, draft 2020-12, with one definition for each kind and each component."""
    definitions: dict[str, Any] = {kind.kind: _kind_schema(kind, registry) for kind in KINDS}
    for kind in KINDS:
        for name in registry.names(kind):
            definitions[f"{kind.kind}.{name}"] = _component_schema(registry.find(kind, name), definitions)
    properties: dict[str, Any] = {}
    for name, field in Recipe.model_fields.items():
        kind_here = field_kind(field.annotation)
        if kind_here is None:
            properties[name] = _plain_schema(Recipe, name, definitions)
        else:
            reference = {"$ref": f"#/$defs/{kind_here.kind}"}
            many = "tuple" in str(field.annotation)
            properties[name] = {"type": "array", "items": reference} if many else reference
        properties[name] = {**properties[name], "description": field.description or ""}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "framework recipe",
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, field in Recipe.model_fields.items() if field.is_required()],
        "properties": properties,
        "$defs": definitions,
    }


def _kind_schema(kind: type[Component], registry: Registry) -> dict[str, Any]:
    """A name, a `name/variant`, or one of the kind's components with options."""
    names = registry.names(kind)
    variants = [f"{name}/{variant}" for name in names for variant in registry.find(kind, name).variants()]
    forms: list[dict[str, Any]] = [{"enum": [*names, *variants]}]
    forms += [{"$ref": f"#/$defs/{kind.kind}.{name}"} for name in names]
    return {"anyOf": forms}


def _component_schema(component: type[Component], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = component.model_json_schema(mode="validation")
    for key, definition in schema.pop("$defs", {}).items():
        definitions.setdefault(key, definition)
    schema["properties"] = {"name": _name_schema(component), **schema.get("properties", {})}
    schema["required"] = ["name", *schema.get("required", [])]
    if component.shorthand in schema["required"]:
        schema["required"].remove(component.shorthand)
    return {**schema, "title": component.name, "additionalProperties": False}


def _name_schema(component: type[Component]) -> dict[str, Any]:
    if component.shorthand is None:
        return {"const": component.name}
    return {"anyOf": [{"const": component.name}, {"type": "string", "pattern": f"^{component.name}/"}]}


def _plain_schema(model: type[Recipe], field: str, definitions: dict[str, Any]) -> dict[str, Any]:
    annotation = model.model_fields[field].annotation
    if isinstance(annotation, type) and hasattr(annotation, "model_json_schema"):
        schema: dict[str, Any] = annotation.model_json_schema(mode="validation")
        definitions.update(schema.pop("$defs", {}))
        return schema
    return {"type": "integer", "minimum": 0}
