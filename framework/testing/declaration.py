"""Checks of a component's class: documentation, schema, options and the arguments of `build`."""

from __future__ import annotations

import inspect
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from framework.attribution import ComponentFault, reason_of
from framework.components import KINDS, Callback, Component, Loss, Metric, Model, Optimizer, Scheduler, Transform, build
from framework.errors import UserError, enumerate_names
from framework.runs.folder import RunFolder
from framework.section import descriptions
from framework.testing.arguments import SIDE, loss_arguments, model_arguments, scheduler_arguments, small_network
from framework.testing.check import Check, CheckFailed, CheckSkipped, Subject, first_error, require
from framework.testing.models import side_of

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

WRONG_VALUES: tuple[Any, ...] = ("no such value", -1, 10**9, [], {"no such key": 1}, None)


def documentation(subject: Subject) -> None:
    """The class and all of its options have documentation."""
    require(bool((subject.cls.__doc__ or "").strip()), f"class {subject.cls.__name__} has no docstring")
    missing = [name for name in subject.cls.model_fields if name not in descriptions(subject.cls)]
    require(not missing, f"no documentation for {enumerate_names(missing)}")


def schema(subject: Subject) -> None:
    """The JSON Schema can be built."""
    json.dumps(subject.cls.model_json_schema())


def options(subject: Subject) -> None:
    """Defaults and examples are valid, and the same after saving and loading."""
    try:
        component = subject.component
    except CheckSkipped as skipped:
        if isinstance(skipped.__cause__, ValidationError):
            raise CheckFailed(str(skipped)) from None
        raise
    saved = json.loads(component.model_dump_json(exclude={"name"}))
    saved.pop("name", None)
    try:
        loaded = subject.cls.model_validate(saved, context=subject.registry)
    except ValidationError as error:
        raise CheckFailed(f"a saved recipe is not valid: {first_error(error)}") from None
    changed = [name for name in subject.cls.model_fields if getattr(loaded, name) != getattr(component, name)]
    require(not changed, f"changed by saving and loading a recipe: {enumerate_names(changed)}")


def build_arguments(subject: Subject) -> None:
    """`build` has no argument that the framework never passes."""
    parameters = list(inspect.signature(subject.cls.build).parameters.values())[1:]
    never = [
        parameter.name
        for parameter in parameters
        if parameter.kind is parameter.VAR_POSITIONAL
        or (parameter.kind is not parameter.VAR_KEYWORD and parameter.name not in subject.cls.offered)
    ]
    offered = ", ".join(subject.cls.offered) or "none"
    require(not never, f"build() has {enumerate_names(never)}, which is never passed (arguments: {offered})")


def invalid_options(subject: Subject) -> None:
    """Wrong values raise a validation error or `UserError`; so does a file that does not exist."""
    valid = subject.component  # otherwise every value would be rejected for another option
    for name in subject.cls.model_fields:
        for value in WRONG_VALUES:
            try:
                subject.cls.model_validate({**subject.given, name: value}, context=subject.registry)
            except (ValidationError, UserError):
                pass
            except Exception as error:
                raise CheckFailed(f"option {name}={value!r} raises {reason_of(error)}") from error
    kind = next(kind for kind in KINDS if isinstance(valid, kind))
    paths = [
        name for name, field in subject.cls.model_fields.items() if name not in kind.model_fields and _is_path(field)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in paths:
            given = {**subject.given, name: str(Path(folder) / "missing" / "file")}
            try:
                component = subject.cls.model_validate(given, context=subject.registry)
                build(component, **_arguments(subject, kind, Path(folder)))
            except ComponentFault as error:
                raise CheckFailed(f"option {name}, a file that does not exist: {error}") from error
            except (ValidationError, UserError):
                pass


def _is_path(field: FieldInfo) -> bool:
    return field.annotation is Path or Path in get_args(field.annotation)


def _arguments(subject: Subject, kind: type[Component], folder: Path) -> dict[str, Any]:
    """The arguments that are offered to `build` of a component of this kind; `folder` is the run folder."""
    if issubclass(kind, Transform):
        return {"image_size": (SIDE, SIDE)}
    if issubclass(kind, Model):
        return model_arguments(subject.classes, 3, side_of(subject))
    if issubclass(kind, Loss):
        return loss_arguments(subject.classes, 3)
    if issubclass(kind, Optimizer):
        return {"model": small_network()}
    if issubclass(kind, Scheduler):
        return scheduler_arguments()
    if issubclass(kind, Callback):
        return {"run": RunFolder(folder), "say": lambda text: None}
    if issubclass(kind, Metric):
        return {"classes": subject.classes}
    return {}


CHECKS = (
    Check(
        "documentation", "The class has a docstring, and every option has one.",
        "Write a string below each field, and a docstring below the class.", documentation,
    ),
    Check(
        "schema", "The JSON Schema of the options can be built.",
        "Use types that pydantic can describe: numbers, strings, Literal, lists, dicts, Path, components.", schema,
    ),
    Check(
        "options", "Defaults and examples are valid, and do not change when a recipe is saved and loaded.",
        "Give defaults and examples within the bounds of the field, and validators that accept their own result.",
        options,
    ),
    Check(
        "build_arguments", "All arguments of build() are arguments of the kind.",
        "Remove the argument, or make it an option (a field of the class).", build_arguments,
    ),
    Check(
        "invalid_options", "A wrong value or a missing file is reported as a validation error or UserError.",
        "Raise ValueError in validators, and UserError in build() with what was given and what is allowed.",
        invalid_options,
    ),
)  # fmt: skip
