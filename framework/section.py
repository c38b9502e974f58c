"""The base class of all parts of a recipe: frozen, strict about types, without unknown keys."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function


def _make_scalars_strict(schema: Any) -> None:
    """Set `strict` on all numbers and booleans of a core schema, and reject booleans for literals such as 1."""
    if isinstance(schema, dict):
        if schema.get("type") in ("int", "float", "bool"):
            schema["strict"] = True
        if schema.get("type") == "literal" and not any(isinstance(value, bool) for value in schema["expected"]):
            schema.update(no_info_before_validator_function(_no_bool, schema.copy()))
            return
        for part in schema.values():
            _make_scalars_strict(part)
    elif isinstance(schema, (list, tuple)):
        for part in schema:
            _make_scalars_strict(part)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool_not_allowed", "must not be true or false")
    return value


class Section(BaseModel):
    """A part of a recipe: frozen, without unknown keys, strict about numbers and booleans."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make scalars strict: pydantic would convert `true` to 1, `"3"` to 3 and `yes` to true."""
        schema = handler(source)
        _make_scalars_strict(schema)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the descriptions of the fields."""
        json_schema = handler(schema)
        properties = handler.resolve_ref_schema(json_schema).get("properties", {})
        for name in properties.keys() & descriptions(cls).keys():
            properties[name].setdefault("description", descriptions(cls)[name])
        return json_schema


@functools.cache
def descriptions(section: type[BaseModel]) -> Mapping[str, str]:
    """The documentation of each field: the `description` of its `Field`, or else the docstring below it.

    The docstrings are read when they are needed: pydantic's `use_attribute_docstrings` would parse the source of every
    class when it is imported, a sixth of the time of `framework list`.
    """
    docstrings: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section):
            docstrings |= _field_docstrings(_source(base)).get(base.__qualname__, {})
    documented = {name: field.description or docstrings.get(name) for name, field in section.model_fields.items()}
    return {name: text for name, text in documented.items() if text}


def _source(section: type[Section]) -> str:
    """The source of the module that defines the class; empty if it is not available."""
    try:
        return inspect.getsource(sys.modules[section.__module__])
    except (KeyError, OSError, TypeError):
        return ""


@functools.cache
def _field_docstrings(source: str) -> dict[str, dict[str, str]]:
    """For each class of a module, by qualified name: the strings below its annotated names."""
    try:
        return {name: dict(_documented(node)) for name, node in _classes(ast.parse(source), "")}
    except SyntaxError:  # the file has changed since it was imported
        return {}


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes below a node, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef():
                yield prefix + child.name, child
                yield from _classes(child, f"{prefix}{child.name}.")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _classes(child, f"{prefix}{child.name}.<locals>.")
            case ast.stmt() | ast.excepthandler():
                yield from _classes(child, prefix)


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
