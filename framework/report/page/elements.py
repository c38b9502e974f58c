"""HTML and SVG elements whose text and attributes are escaped, whoever wrote them."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

VOID = frozenset({"br", "hr", "img", "link", "meta"})
"""Elements without content, and so without an end tag."""


class Markup(str):
    """Text that is HTML already. Only `element`, and code that escapes by itself, makes one."""

    __slots__ = ()


Content: TypeAlias = "str | Markup | Iterable[Content] | None"


def element(tag: str, *content: Content, **attributes: object) -> Markup:
    """`element("a", "text", href="#top")`; plain strings are escaped, None is nothing, iterables are flattened.

    An attribute that is None or False is left out, True stands without a value. `class_` is `class`, and other
    underscores are hyphens.
    """
    words = [tag, *(_attribute(name, value) for name, value in attributes.items() if value is not None)]
    opening = " ".join(word for word in words if word)
    if tag in VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{markup(content)}</{tag}>")


def markup(content: Content) -> Markup:
    """The content one after the other."""
    if content is None:
        return Markup()
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(html.escape(content, quote=False))
    return Markup("".join(map(markup, content)))


def _attribute(name: str, value: object) -> str:
    if value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return name if value is True else f'{name}="{html.escape(_text(value))}"'


def _text(value: object) -> str:
    """Coordinates need no more than two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
