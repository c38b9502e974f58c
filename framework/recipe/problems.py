"""Validation errors become messages that say where, what was given, what is allowed and what was likely meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from framework.components import Component, field_kind, own_fields_first, split_name
from framework.errors import UserError, count, did_you_mean, enumerate_names
from framework.recipe.source import Path_, Problem, Source

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from framework.registry import Registry


class RecipeError(UserError):
    """A recipe with mistakes: one line for each, `file:line:column: message`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.order))
        super().__init__("\n".join(map(str, self.problems)))


def problems_of(
    errors: Sequence[ErrorDetails], source: Source, registry: Registry, root: type[BaseModel]
) -> list[Problem]:
    """One problem for each field at fault, in the order of the file."""
    found: dict[Path_, Problem] = {}
    for error in errors:
        path, owner = _field_at_fault(error["loc"], source, registry, root)
        unknown_key = error["type"] == "extra_forbidden"
        where, order = source.locate(path, key=unknown_key)
        problem = Problem(where, _message(error, path, owner, registry), order)
        if path not in found:
            found[path] = problem
        elif problem.message != found[path].message:  # the branches of a union
            found[path] = Problem(where, f"{found[path].message}, or {_rule(error)}", order)
    return list(found.values())


def _field_at_fault(
    loc: tuple[int | str, ...], source: Source, registry: Registry, root: type[BaseModel]
) -> tuple[Path_, type[BaseModel]]:
    """The path of the field (without pydantic's names of union branches) and the class that has or lacks it."""
    owner: type[BaseModel] = root
    path: Path_ = ()
    parts = list(loc)
    while parts:
        part = parts.pop(0)
        if isinstance(part, int):
            path = (*path, part)
            continue
        field = owner.model_fields.get(part)
        if field is None:
            return ((*path, part), owner) if not path or _lacks(owner, path, part, source) else (path, owner)
        path = (*path, part)
        while parts and isinstance(parts[0], int):
            path = (*path, parts.pop(0))
        inner = _class_at(path, field.annotation, source, registry)
        if inner is None or loc[: len(path)] == loc:
            return path, owner
        owner = inner
    return path, owner


def _lacks(owner: type[BaseModel], path: Path_, part: str, source: Source) -> bool:
    node = source.at(path)
    return isinstance(node, dict) and part in node and part not in owner.model_fields


def _class_at(path: Path_, annotation: Any, source: Source, registry: Registry) -> type[BaseModel] | None:
    """The class that validates what is below `path`, where there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, Component):
        return annotation
    kind = field_kind(annotation)
    if kind is None:
        return None
    value = source.at(path)
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str):
        return None
    try:
        return registry.find(kind, split_name(name)[0])
    except UserError:
        return None


def _message(error: ErrorDetails, path: Path_, owner: type[BaseModel], registry: Registry) -> str:
    subject, field = _title(owner), str(path[-1]) if path else ""
    if error["type"] == "extra_forbidden":
        return _unknown_key(field, owner, registry)
    if error["type"] == "missing":
        described = owner.model_fields[field].description if field in owner.model_fields else None
        return f"{subject} needs '{field}'" + (f": {_first_sentence(described)}" if described else "")
    if error["type"] in ("unknown_component", "component_name", "component_form", "no_shorthand"):
        return error["msg"]
    if error["type"] == "value_error" or "loc" not in error or not path or isinstance(error["input"], dict):
        return f"{subject}: {_rule(error)}"
    given = "true" if error["input"] is True else "false" if error["input"] is False else repr(error["input"])
    return f"{subject}: '{_name_of(path)}' is {given}; it {_rule(error)}{_enum_hint(error)}"


def _unknown_key(key: str, owner: type[BaseModel], registry: Registry) -> str:
    known = own_fields_first(owner)
    if not issubclass(owner, Component) and "dataset" in owner.model_fields:
        return f"a recipe has no section '{key}'{did_you_mean(key, known)} (sections: {', '.join(known)})"
    options = f"(options: {enumerate_names(known, 30)})" if known else "(it has no options)"
    return f"{_title(owner)} has no option '{key}'{did_you_mean(key, known)} {options}"


def _title(owner: type[BaseModel]) -> str:
    if issubclass(owner, Component):
        return f"{owner.kind} '{owner.name}'"
    return "the recipe" if "dataset" in owner.model_fields else f"section '{owner.__name__.lower()}'"


def _name_of(path: Path_) -> str:
    names = [index for index, part in enumerate(path) if isinstance(part, str)]
    return ".".join(map(str, path[names[-1] :])) if names else ""


def _rule(error: ErrorDetails) -> str:
    """What is allowed, as the end of a sentence."""
    if error["type"] == "literal_error":
        return f"must be {error['ctx']['expected']}"
    if error["type"] in ("too_short", "too_long"):
        bound = int(error["ctx"].get("min_length") or error["ctx"]["max_length"])
        return f"must have at {'least' if error['type'] == 'too_short' else 'most'} {count(bound, 'entry', 'entries')}"
    message = error["msg"].removeprefix("Value error, ").partition(", unable to parse")[0]
    for theirs, ours in (
        ("Input should be a valid integer", "must be a whole number"),
        ("Input should be a valid tuple", "must be a list"),
        ("Input should be a valid", "must be a"),
        ("Input should be", "must be"),
        ("String should match pattern", "must match"),
    ):
        message = message.replace(theirs, ours)
    return message[0].lower() + message[1:]


def _enum_hint(error: ErrorDetails) -> str:
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    return did_you_mean(
        error["input"],
        [part.strip(" '") for part in error["ctx"]["expected"].replace(" or ", ",").split(",")],
    )


def _first_sentence(text: str) -> str:
    return text.replace("\n", " ").split(". ")[0].rstrip(".")
