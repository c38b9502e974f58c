"""Values of options as text: for messages and tables, and as YAML on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NOT_SET = "not set"


def value_text(value: Any, digits: int = 6) -> str:
    """`yes`, `64, 128, 256`, `1e-8`, `adam (lr 0.002, beta1 0.9)`; floats with `digits` significant digits."""
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, digits)
    if isinstance(value, Mapping):
        return component_text(value, digits) if "name" in value else options_text(value, digits) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(entry, digits) for entry in value) or "none"
    return str(value)


def component_text(component: Mapping[str, Any], digits: int = 6) -> str:
    """The name, followed by the options in parentheses."""
    options = options_text({key: value for key, value in component.items() if key != "name"}, digits)
    return f"{component['name']} ({options})" if options else str(component["name"])


def options_text(options: Mapping[str, Any], digits: int = 6) -> str:
    """`lr 0.002, nesterov yes`; options that are not set are omitted."""
    texts = [f"{key} {value_text(value, digits)}" for key, value in options.items() if value not in (None, {}, [])]
    return ("; " if any(", " in text for text in texts) else ", ").join(texts)


def inline_yaml(value: Any) -> str:
    """YAML on one line: `null`, `false`, `[64, 128]`, `{name: resnet18}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {inline_yaml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline_yaml, value)) + "]"
    if isinstance(value, float):
        return number(value, 17) if float(number(value, 6)) != value else number(value, 6)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def number(value: float, digits: int, sign: str = "") -> str:
    """`0.002`, `6`, `1e-8`; with `sign="+"` positive numbers have a sign too."""
    mantissa, letter, exponent = f"{value:{sign}.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if letter else mantissa
