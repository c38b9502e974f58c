"""Kinds of component as people write them on the command line: `model` or `models`."""

from __future__ import annotations

from framework.components import KINDS, Component
from framework.errors import UserError, did_you_mean


def kind_named(text: str) -> type[Component]:
    """The kind of that name, singular or plural; raises `UserError` with those there are."""
    by_name = {form: kind for kind in KINDS for form in (kind.kind, plural(kind))}
    if text not in by_name:
        names = ", ".join(plural(kind) for kind in KINDS)
        raise UserError(f"there is no kind '{text}'{did_you_mean(text, by_name)} (kinds: {names})")
    return by_name[text]


def plural(kind: type[Component]) -> str:
    """`models`, `losses`."""
    return f"{kind.kind}es" if kind.kind.endswith("s") else f"{kind.kind}s"


def first_line(component: type[Component]) -> str:
    """The first line of the documentation."""
    return (component.__doc__ or "").strip().partition("\n")[0]
