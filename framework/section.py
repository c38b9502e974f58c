"""The base class of all parts of a recipe: frozen, strict about types, without unknown keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
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

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, protected_namespaces=()
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make scalars strict: pydantic would convert `true` to 1, `"3"` to 3 and `yes` to true."""
        schema = handler(source)
        _make_scalars_strict(schema)
        return schema
