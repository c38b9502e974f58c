"""One check of the conformance suite, and the component that it is applied to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from framework.components import Component
from framework.plugin import Plugin
from framework.registry import Registry

CLASSES = ("ant", "bee", "cat")
"""Default class names."""


class CheckFailed(AssertionError):
    """The component does not meet the requirement; the message states what was found."""


class CheckSkipped(Exception):
    """The check cannot be applied; the message states why."""


@dataclass(frozen=True)
class Subject:
    """A component class and the options that it is built with."""

    cls: type[Component]
    registry: Registry
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = CLASSES

    @cached_property
    def given(self) -> dict[str, Any]:
        """The options: those given, else the first of `Field(examples=[…])`; others have their defaults."""
        examples = {name: field.examples[0] for name, field in self.cls.model_fields.items() if field.examples}
        return {**examples, **self.options}

    @cached_property
    def component(self) -> Component:
        """An instance; raises `CheckSkipped` if a required option has no example or the options are not valid."""
        fields = self.cls.model_fields.items()
        missing = [name for name, field in fields if field.is_required() and name not in self.given]
        if missing:
            raise CheckSkipped(f"option '{missing[0]}' is required; give an example: Field(examples=[…])")
        try:
            return self.cls.model_validate(self.given, context=self.registry)
        except ValidationError as error:
            raise CheckSkipped(f"its options are not valid: {first_error(error)}") from error


@dataclass(frozen=True)
class Check:
    """A requirement on components of a kind, or on a plugin."""

    name: str
    summary: str
    """The requirement, in one sentence."""
    advice: str
    """What to do if the check fails."""
    function: Callable[[Subject], None]
    """Raises `CheckFailed` or `CheckSkipped`. Other exceptions are failures too, except a `UserError`: the component
    cannot be used here, for example because its data are missing, and the check is skipped."""


@dataclass(frozen=True)
class PluginCheck:
    """A requirement on a plugin as a whole."""

    name: str
    summary: str
    advice: str
    function: Callable[[Plugin], None]


def require(condition: bool, message: str) -> None:
    """Raise `CheckFailed` with this message unless the condition is true."""
    if not condition:
        raise CheckFailed(message)


def first_error(error: ValidationError) -> str:
    """Option and text of the first error."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
