"""Option values as text: in prose, and in the syntax of a recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NOT_SET = "not set"


def in_words(value: Any, digits: int = 6) -> str:
    """`yes`, `64, 128, 256`, `1e-8`, `adam (lr 0.002, beta1 0.9)`; floats with `digits` significant digits."""
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, digits)
    if isinstance(value, Mapping):
        return component_in_words(value, digits) if "name" in value else options_in_words(value, digits) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(entry, digits) for entry in value) or "none"
    return str(value)


def component_in_words(component: Mapping[str, Any], digits: int = 6) -> str:
    """The name, with the options in brackets."""
    options = options_in_words({key: value for key, value in component.items() if key != "name"}, digits)
    return f"{component['name']} ({options})" if options else str(component["name"])


def options_in_words(options: Mapping[str, Any], digits: int = 6) -> str:
    """`lr 0.002, nesterov yes`; options that are not set are omitted."""
    said = [f"{key} {in_words(value, digits)}" for key, value in options.items() if value not in (None, {}, [])]
    return ("; " if any(", " in text for text in said) else ", ").join(said)


def as_written(value: Any) -> str:
    """YAML on one line: `null`, `false`, `[64, 128]`, `{name: resnet18}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_written, value)) + "]"
    if isinstance(value, float):
        return number(value, 17) if float(number(value, 6)) != value else number(value, 6)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def number(value: float, digits: int, sign: str = "") -> str:
    """`0.002`, `6`, `1e-8`; `sign` is `+` to write the sign of positive numbers too."""
    mantissa, letter, exponent = f"{value:{sign}.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if letter else mantissa
