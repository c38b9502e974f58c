"""Checks of a component class that a plugin provides."""

from __future__ import annotations

import inspect
import re

from framework.components import KINDS, Component, Exporter, Metric

FIXED_METRICS = (
    "images", "loss", "top1", "top5", "balanced_accuracy", "macro_f1", "ece", "tested_classes", "f1_classes",
    "per_class",
)  # fmt: skip
"""Names of the entries of `classification_metrics`."""
OTHER_ENTRIES = (
    "run", "split", "confusion", "skipped", "trained_on", "calibration", "untested_classes", "parameters",
    "multiply_adds", "seconds", "images_per_second", "compared_with_baseline", "no_predictions",
)  # fmt: skip
"""Further entries beside metrics in the JSON of `evaluate` and `compare`."""


def fault_of(offered: object) -> str | None:
    """What is wrong with the class, for its author; None if it is valid."""
    if not (isinstance(offered, type) and issubclass(offered, Component)):
        return f"components() returned {offered!r}, which is not a component class"
    label = f"{offered.__module__}.{offered.__qualname__}"
    for check in (_fault_of_kind, _fault_of_name, _fault_of_suffix, _fault_of_fields, _fault_of_build):
        if fault := check(offered):
            return f"{label} {fault}"
    return None


def _fault_of_kind(component: type[Component]) -> str | None:
    kinds = [kind for kind in KINDS if issubclass(component, kind)]
    if component in KINDS or len(kinds) != 1:
        return "must be derived from exactly one kind: " + ", ".join(kind.__name__ for kind in KINDS)
    if component.kind != kinds[0].kind:
        return f"is a {kinds[0].kind} and must not set `kind`"
    return None


def _fault_of_name(component: type[Component]) -> str | None:
    name = getattr(component, "name", None)
    if issubclass(component, Metric) and name in (*FIXED_METRICS, *OTHER_ENTRIES):
        return f"needs another name: '{name}' is an entry of the results of every run"
    if isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        aliases = component.aliases
        valid = isinstance(aliases, tuple) and all(isinstance(alias, str) for alias in aliases)
        expected = 'must have a tuple of names as `aliases`, such as `aliases = ("TinyNet",)`'
        return None if valid else f"{expected}, not {aliases!r}"
    given = "`name` is a field" if "name" in component.model_fields else f"its name is {name!r}"
    return f'needs a name of lower-case letters, digits and underscores, such as `name = "tiny_net"`; {given}'


def _fault_of_suffix(component: type[Component]) -> str | None:
    if not issubclass(component, Exporter):
        return None
    suffixes = (getattr(component, "suffix", None), *component.companions)
    valid = all(isinstance(suffix, str) and re.fullmatch(r"\.\w+", suffix) for suffix in suffixes)
    return None if valid else f'needs a suffix, such as `suffix = ".onnx"`; given: {suffixes[0]!r}'


def _fault_of_fields(component: type[Component]) -> str | None:
    complete = component.__pydantic_complete__ or component.model_config.get("defer_build")
    if not complete and not component.model_rebuild(raise_errors=False):
        return "has a field whose type is not defined"
    if component.shorthand is not None and component.shorthand not in component.model_fields:
        return f"has the shorthand '{component.shorthand}', which is not one of its fields"
    return None


def _fault_of_build(component: type[Component]) -> str | None:
    if component.__abstractmethods__:
        return "does not implement " + ", ".join(sorted(component.__abstractmethods__))
    build = inspect.getattr_static(component, "build")
    parameters = list(inspect.signature(build).parameters.values()) if inspect.isfunction(build) else []
    if not parameters:
        return "must define `build` as a method: def build(self, …)"
    unknown = [parameter.name for parameter in parameters[1:] if not _is_offered(parameter, component)]
    if unknown:
        offered = ", ".join(component.offered) or "no arguments"
        return f"has unknown arguments in build(): {', '.join(unknown)}; those of a {component.kind}: {offered}"
    return None


def _is_offered(parameter: inspect.Parameter, component: type[Component]) -> bool:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.default is not parameter.empty:
        return True
    return parameter.kind is not parameter.POSITIONAL_ONLY and parameter.name in component.offered
