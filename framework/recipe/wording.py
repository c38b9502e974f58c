"""Values of options as people write them: in prose, and as a recipe has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NOT_SET = "not set"


def in_words(value: Any, digits: int = 6) -> str:
    """`yes`, `64, 128, 256`, `1e-8`, `adam (lr 0.002, beta1 0.9)`; floats with so many significant digits."""
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
    """Its name, and in brackets what `options_in_words` says."""
    options = options_in_words({key: value for key, value in component.items() if key != "name"}, digits)
    return f"{component['name']} ({options})" if options else str(component["name"])


def options_in_words(options: Mapping[str, Any], digits: int = 6) -> str:
    """`lr 0.002, nesterov yes`; options without a value are left out."""
    said = [f"{key} {in_words(value, digits)}" for key, value in options.items() if value not in (None, {}, [])]
    return ("; " if any(", " in text for text in said) else ", ").join(said)


def as_written(value: Any) -> str:
    """The value in a recipe: `null`, `false`, `[64, 128]`, `{name: resnet18}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_written, value)) + "]"
    if isinstance(value, float):
        return number(value, 17) if float(number(value, 6)) != value else number(value, 6)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def number(value: float, digits: int, sign: str = "") -> str:
    """`0.002`, `6`, `1e-8`; with the sign `+`, positive ones too begin with theirs."""
    mantissa, letter, exponent = f"{value:{sign}.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if letter else mantissa
