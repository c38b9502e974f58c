"""Validation errors -> messages with the position, the given value, the allowed values and a suggestion."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.components import Component, own_fields_first
from framework.errors import UserError, count, did_you_mean, enumerate_names
from framework.recipe.options import class_at, option_paths, suggest_option
from framework.recipe.source import Problem, Source
from framework.recipe.yaml_tree import Path_
from framework.section import descriptions

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from framework.registry import Registry


NAMING = ("unknown_component", "component_name", "component_form", "no_shorthand", "named_twice")
"""Types of errors about a component's name, whose messages (in `framework.components`) are complete."""
RULES = {
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of options",
    "path_type": "must be a path",
    "string_unicode": "must be valid UTF-8",
}


class RecipeError(UserError):
    """An invalid recipe; one line per mistake: `file:line:column: message`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.order))
        super().__init__("\n".join(map(str, self.problems)))


def problems_of(
    errors: Sequence[ErrorDetails], source: Source, registry: Registry, root: type[BaseModel]
) -> list[Problem]:
    """One problem for each invalid field, in the order of the file."""
    found: dict[Path_, tuple[_Fault, list[ErrorDetails]]] = {}
    for error in errors:
        fault = _locate(error, source, registry, root)
        found.setdefault(fault.path, (fault, []))[1].append(error)  # all branches of a union have the same path
    misplaced = any(error["type"] == "extra_forbidden" for error in errors)
    elsewhere = option_paths(root, source, registry) if misplaced else {}
    problems = []
    for path, (fault, branches) in found.items():
        written = _override_at_fault(branches[0], fault, source) or path
        where, order = source.locate(written, key=branches[0]["type"] == "extra_forbidden")
        if branches[0]["type"] == "extra_forbidden":
            message = _unknown_key(str(path[-1]), fault.owner, elsewhere)
        else:
            message = _message(branches, fault)
        problems.append(Problem(where, message, order))
    return problems


def paths_of_text(
    errors: Sequence[ErrorDetails], source: Source, registry: Registry, root: type[BaseModel]
) -> list[Path_]:
    """The paths of values that are invalid only because they are not strings, or paths of files."""
    types: dict[Path_, set[str]] = {}
    for error in errors:
        types.setdefault(_locate(error, source, registry, root).path, set()).add(error["type"])
    return [path for path, found in types.items() if found <= {"string_type", "path_type"}]


@dataclass(frozen=True)
class _Fault:
    path: Path_
    """Without pydantic's names of union branches, and no deeper than the recipe."""
    owner: type[BaseModel]
    """The class that the field belongs to, or is missing from."""
    whole: bool
    """Whether `owner` as a whole is invalid, not one of its fields."""


def _locate(error: ErrorDetails, source: Source, registry: Registry, root: type[BaseModel]) -> _Fault:
    owner: type[BaseModel] = root
    inner: type[BaseModel] | None = root  # validates the options below `path`
    path: Path_ = ()
    annotation: Any = None
    for part in error["loc"]:
        if inner and part in inner.model_fields:
            owner, path, annotation = inner, (*path, part), inner.model_fields[str(part)].annotation
            inner = class_at(path, annotation, source, registry)
        elif source.has((*path, part)):
            owner, path = inner or owner, (*path, part)
            inner = class_at(path, annotation, source, registry) if isinstance(part, int) else None
    if error["type"] in NAMING and source.has((*path, "name")):
        path = (*path, "name")
    if inner is None or error["type"] in ("missing", *RULES, *NAMING):
        return _Fault(path, owner, whole=False)
    return _Fault(path, inner, whole=True)


def _override_at_fault(error: ErrorDetails, fault: _Fault, source: Source) -> Path_ | None:
    """Of a fault between several options of a section: the last override of one that the message names."""
    named = set(re.findall(r"\w+", error["msg"])) if fault.whole else set()
    length = len(fault.path)
    below = [path for path in source.overrides if len(path) > length and path[:length] == fault.path]
    return next((path for path in reversed(below) if named.issuperset(map(str, path[length:]))), None)


def _message(branches: list[ErrorDetails], fault: _Fault) -> str:
    error = branches[0]
    subject, field = _title(fault.owner), str(fault.path[-1]) if fault.path else ""
    if error["type"] == "component_form":
        return f"{error['msg']}, not {_value_text(error['input'])}"
    if error["type"] in NAMING:
        return error["msg"]
    if error["type"] == "missing":
        described = descriptions(fault.owner).get(field)
        return f"{subject} needs '{field}'" + (f": {_first_sentence(described)}" if described else "")
    if fault.whole:
        return f"{subject}: {_rule(error)}"
    given = f"{subject}: '{_name_of(fault.path)}' is {_value_text(error['input'])}"
    if error["type"] == "value_error":  # the message of a validator
        return f"{given}: {error['msg'].removeprefix('Value error, ')}"
    rules = ", or ".join(dict.fromkeys(map(_rule, branches)))
    return f"{given}; it {rules}{_example(error)}{_enum_hint(error)}"


def _unknown_key(key: str, owner: type[BaseModel], elsewhere: dict[str, list[str]]) -> str:
    known = own_fields_first(owner)
    hint = suggest_option(key, known, elsewhere)
    if not issubclass(owner, Component) and "dataset" in owner.model_fields:
        return f"a recipe has no section '{key}'{hint} (sections: {', '.join(known)})"
    options = f"(options: {enumerate_names(known, 30)})" if known else "(it has no options)"
    return f"{_title(owner)} has no option '{key}'{hint} {options}"


def _title(owner: type[BaseModel]) -> str:
    if issubclass(owner, Component):
        return f"{owner.kind} '{owner.name}'"
    return "the recipe" if "dataset" in owner.model_fields else f"section '{owner.__name__.lower()}'"


def _name_of(path: Path_) -> str:
    names = [index for index, part in enumerate(path) if isinstance(part, str)]
    return ".".join(map(str, path[names[-1] :])) if names else ""


def _value_text(value: Any) -> str:
    """The value as in a recipe, truncated if it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _rule(error: ErrorDetails) -> str:
    """What is allowed, as a predicate: `must be a number`."""
    if error["type"] in RULES:
        return RULES[error["type"]]
    if error["type"] == "literal_error":
        return f"must be {error['ctx']['expected']}"
    if error["type"] in ("too_short", "too_long"):
        bound = int(error["ctx"].get("min_length") or error["ctx"]["max_length"])
        return f"must have at {'least' if error['type'] == 'too_short' else 'most'} {count(bound, 'entry', 'entries')}"
    message = error["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be a valid", "must be a").replace("Input should be", "must be")
    message = message.replace("String should match pattern", "must match")
    return message[:1].lower() + message[1:]


def _example(error: ErrorDetails) -> str:
    """How a value of the wrong type is written."""
    given = error["input"]
    if error["type"] == "int_type" and isinstance(given, float) and given.is_integer():
        return f", such as {given:.0f}"
    if error["type"] not in ("tuple_type", "list_type") or not given or not isinstance(given, (str, dict)):
        return ""
    names = [given] if isinstance(given, str) else [str(name).partition(":")[0] for name in given]
    return f", such as [{enumerate_names(names, 3)}]"


def _enum_hint(error: ErrorDetails) -> str:
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    return did_you_mean(error["input"], re.findall(r"'([^']+)'", error["ctx"]["expected"]))


def _first_sentence(text: str) -> str:
    return text.replace("\n", " ").split(". ")[0].rstrip(".")
