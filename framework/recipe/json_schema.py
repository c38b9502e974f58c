"""JSON Schema of recipes with all installed components, for completion and validation in editors."""

from __future__ import annotations

from typing import Any

from framework.components import KINDS, Component
from framework.recipe.sections import Recipe
from framework.registry import Registry, variants_of


def json_schema(registry: Registry) -> dict[str, Any]:
    """The schema of a recipe (draft 2020-12), with a definition for each kind and each component."""
    schema = Recipe.model_json_schema()
    definitions = schema.pop("$defs")
    for kind in KINDS:
        for name in registry.names(kind):
            component = _component_schema(registry.find(kind, name))
            definitions = {**component.pop("$defs", {}), **definitions, f"{kind.__name__}.{name}": component}
    kinds = {kind.__name__: _kind_schema(kind, registry) for kind in KINDS}  # replace the abstract classes
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "framework recipe",
        "$defs": definitions | kinds,
    }


def _kind_schema(kind: type[Component], registry: Registry) -> dict[str, Any]:
    """A name, `name/variant`, or a component of the kind with options."""
    names = registry.names(kind)
    variants = [f"{name}/{variant}" for name in names for variant in variants_of(registry.find(kind, name))[0]]
    others = [_any_variant(name) for name in names if registry.find(kind, name).shorthand]
    options = [{"$ref": f"#/$defs/{kind.__name__}.{name}"} for name in names]
    return {"anyOf": [{"enum": [*names, *variants]}, *others, *options]}


def _component_schema(component: type[Component]) -> dict[str, Any]:
    schema = component.model_json_schema()
    schema["properties"] = {"name": _name_schema(component), **schema.get("properties", {})}
    required = [field for field in schema.get("required", []) if field != component.shorthand]
    return {**schema, "title": component.name, "required": ["name", *required]}


def _name_schema(component: type[Component]) -> dict[str, Any]:
    if component.shorthand is None:
        return {"const": component.name}
    return {"anyOf": [{"const": component.name}, _any_variant(component.name)]}


def _any_variant(name: str) -> dict[str, Any]:
    """Also variants that are not listed: timm has names of pretrained weights, such as `resnet18.a1_in1k`."""
    return {"type": "string", "pattern": f"^{name}/"}
