"""`framework show`."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from framework.cli.arguments import add_json, add_plugin
from framework.cli.kinds import kind_named
from framework.components import Component, own_fields_first, split_name
from framework.errors import UserError
from framework.registry import Registry, variants_of
from framework.report.wrapping import terminal_width, wrapped
from framework.section import descriptions

WIDEST = 98
"""Maximum length of a line."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    parser.add_argument("kind", metavar="KIND", help="dataset, model, optimizer, … or bundle")
    parser.add_argument("name", metavar="NAME", help="name as in a recipe; name or file of a bundle")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a component's documentation and options, or the card of a bundle."""
    registry = Registry.load(arguments.plugin)
    if arguments.kind == "bundle":
        print(_bundle(arguments.name, registry, arguments.json))
        return 0
    kind = kind_named(arguments.kind)
    name, variant = split_name(arguments.name)
    component = registry.find(kind, name)
    if variant is not None:
        from framework.recipe.loading import validate_component

        validate_component(kind, arguments.name, registry)
    if arguments.json:
        print(json.dumps(component.model_json_schema(), indent=2, ensure_ascii=False))
    else:
        print(describe(component, registry, terminal_width(sys.stdout, WIDEST)))
    return 0


def _bundle(name: str, registry: Registry, as_json: bool) -> str:
    """The card of a bundle or an export; as JSON all its documents."""
    from framework.runs.trained import open_trained

    trained = open_trained(name, registry)
    if trained.card is None:
        raise UserError(f"'{name}' is a run folder; make a bundle with `framework bundle {name}`")
    if as_json:
        documents = {**trained.documents, "recipe": trained.recipe, "card": trained.card}
        return json.dumps(documents, indent=2, ensure_ascii=False)
    from framework.report.card import card_text

    return card_text(trained.card, name, terminal_width(sys.stdout, WIDEST), coloured=sys.stdout.isatty())


def describe(component: type[Component], registry: Registry, width: int = WIDEST) -> str:
    """Documentation, options with type, default and description, and the plugin."""
    plugin = registry.provider(component, component.name)
    lines = [f"{component.kind} {component.name}", ""]
    lines += _documentation(component.__doc__ or "", width)
    if component.aliases:
        lines += ["", *_paragraph(f"Names in other libraries: {', '.join(component.aliases)}", width, "  ")]
    variants, _ = variants_of(component)
    if component.shorthand and variants:
        example = f"{component.name}/{variants[0]}"
        lines += [
            "",
            f"  {example} is short for {{name: {component.name}, {component.shorthand}: {variants[0]}}}.",
        ]
        lines += [f"  All {len(variants):,} variants: framework list {component.kind} '{component.name}/*'"]
    lines += ["", "options" if component.model_fields else "no options"]
    for name in own_fields_first(component):
        field = component.model_fields[name]
        lines.append(wrapped(f"  {name}: {type_text(field.annotation)}{_default(field)}", width))
        lines += _paragraph(descriptions(component).get(name, ""), width, " " * 6)
    lines += ["", f"from plugin {plugin.name} ({plugin.distribution} {plugin.version})"]
    return "\n".join(lines)


def type_text(annotation: Any) -> str:
    """A type as text: `bool | Path`, `"crop" | "pad"`, `tuple[int, int]`; without None."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return " | ".join(json.dumps(argument) for argument in arguments)
    if origin in (Union, UnionType):
        return " | ".join(type_text(argument) for argument in arguments if argument is not NoneType)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(type_text, arguments))}]"
    return "…" if annotation is ... else getattr(annotation, "__name__", str(annotation))


def _default(field: Any) -> str:
    if field.is_required():
        return ", required"
    default = field.get_default(call_default_factory=True)
    return "" if default is None else f" = {json.dumps(default, default=str, ensure_ascii=False)}"


def _documentation(text: str, width: int) -> Iterator[str]:
    """Paragraphs wrapped to `width`; paragraphs with indented lines, such as code, are unchanged."""
    for index, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if index:
            yield ""
        if re.search(r"^(?: |- )", paragraph, re.MULTILINE):
            yield from (f"  {line}" for line in paragraph.split("\n"))
        else:
            yield from _paragraph(paragraph, width, "  ")


def _paragraph(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent)
