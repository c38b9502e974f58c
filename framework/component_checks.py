"""Whether a class that a plugin offers is a component that can be used."""

from __future__ import annotations

import inspect
import re

from framework.components import KINDS, Component


def fault_of(offered: object) -> str | None:
    """What is wrong with it, in words for its author; None where it is sound."""
    if not (isinstance(offered, type) and issubclass(offered, Component)):
        return f"components() offers {offered!r}, which is not a component class"
    label = f"{offered.__module__}.{offered.__qualname__}"
    for check in (_fault_of_kind, _fault_of_name, _fault_of_fields, _fault_of_build):
        if fault := check(offered):
            return f"{label} {fault}"
    return None


def _fault_of_kind(component: type[Component]) -> str | None:
    kinds = [kind for kind in KINDS if issubclass(component, kind)]
    if component in KINDS or len(kinds) != 1:
        return "is of no one kind: derive it from one of " + ", ".join(kind.__name__ for kind in KINDS)
    if component.kind != kinds[0].kind:
        return f"is a {kinds[0].kind}; `kind` is not for it to set"
    return None


def _fault_of_name(component: type[Component]) -> str | None:
    name = getattr(component, "name", None)
    if isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        aliases = component.aliases
        sound = isinstance(aliases, tuple) and all(isinstance(alias, str) for alias in aliases)
        return None if sound else f'needs `aliases` to be a tuple of names, as in `aliases = ("TinyNet",)`; {aliases!r}'
    given = "it is a field" if "name" in component.model_fields else f"it has {name!r}"
    return f'needs a name of lower case letters, digits and underscores, as in `name = "tiny_net"`; {given}'


def _fault_of_fields(component: type[Component]) -> str | None:
    complete_in_time = component.__pydantic_complete__ or component.model_config.get("defer_build")
    if not complete_in_time and not component.model_rebuild(raise_errors=False):
        return "has a field whose type is not defined where the class is"
    if component.shorthand is not None and component.shorthand not in component.model_fields:
        return f"has the shorthand '{component.shorthand}', which is none of its fields"
    return None


def _fault_of_build(component: type[Component]) -> str | None:
    if component.__abstractmethods__:
        return "lacks " + ", ".join(sorted(component.__abstractmethods__))
    build = inspect.getattr_static(component, "build")
    parameters = list(inspect.signature(build).parameters.values()) if inspect.isfunction(build) else []
    if not parameters:
        return "needs `build` to be a method: def build(self, …)"
    unknown = [parameter.name for parameter in parameters[1:] if not _is_offered(parameter, component)]
    if unknown:
        offered = ", ".join(component.offered) or "no arguments"
        return f"asks in build for {', '.join(unknown)}; a {component.kind} is offered {offered}, by name"
    return None


def _is_offered(parameter: inspect.Parameter, component: type[Component]) -> bool:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.default is not parameter.empty:
        return True
    return parameter.kind is not parameter.POSITIONAL_ONLY and parameter.name in component.offered
