"""Jinja templates to HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from framework.errors import count
from framework.report.formatting import percent

CODE = re.compile("`([^`]*)`")
NUMBER = re.compile(r"\*\*([^*]*)\*\*")


@dataclass(frozen=True)
class Section:
    """A section of a page, with its link in the navigation."""

    title: str
    content: Markup

    @property
    def anchor(self) -> str:
        """`confusion-matrix`."""
        return self.title.lower().replace(" ", "-")


def page(title: str, kind: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    """A whole HTML file."""
    return render("page.html.jinja", title=title, kind=kind, lead=lead, sections=sections, footer=footer)


def render(template: str, /, **values: Any) -> Markup:
    """A template of framework/report/templates with its values, which are escaped unless they are `Markup`."""
    return Markup(_environment().get_template(template).render(values))


def prose(text: str) -> Markup:
    """Text to escaped HTML: backticks become code elements, and no line breaks before a percent sign."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text.replace(" %", "\N{NO-BREAK SPACE}%")))))


def finding(text: str) -> Markup:
    """A sentence of `Task.findings` as escaped HTML: `**numbers**`, and class names in backticks."""
    escaped = NUMBER.sub(r"<strong>\1</strong>", str(escape(text.replace(" %", "\N{NO-BREAK SPACE}%"))))
    return Markup(CODE.sub(r'<b class="class">\1</b>', escaped))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("framework.report"), autoescape=True, undefined=StrictUndefined, finalize=_finalize,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(percent=lambda value: prose(percent(value)), prose=prose, thousands="{:,}".format)
    environment.globals["count"] = count
    return environment


def _finalize(value: Any) -> Any:
    """Coordinates need no more than two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
