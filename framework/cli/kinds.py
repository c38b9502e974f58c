"""Kinds of component on the command line: `model` or `models`."""

from __future__ import annotations

from framework.components import KINDS, Component
from framework.errors import UserError, did_you_mean

RENAMED = {"observer": "callback", "observers": "callbacks", "finder": "detector", "finders": "detectors"}
"""Former names of kinds, with the current ones."""


def kind_named(text: str) -> type[Component]:
    """The kind of that name, singular or plural; raises `UserError` with the known kinds."""
    by_name = {form: kind for kind in KINDS for form in (kind.kind, plural(kind))}
    if text not in by_name:
        hint = did_you_mean(RENAMED.get(text, text), by_name)
        raise UserError(f"there is no kind '{text}'{hint} (kinds: {', '.join(map(plural, KINDS))})")
    return by_name[text]


def plural(kind: type[Component]) -> str:
    """`models`, `losses`."""
    return f"{kind.kind}es" if kind.kind.endswith("s") else f"{kind.kind}s"


def first_line(component: type[Component]) -> str:
    """The first line of its documentation."""
    return (component.__doc__ or "").strip().partition("\n")[0]
