"""`framework list`."""

from __future__ import annotations

import argparse
import json
import sys
from fnmatch import fnmatchcase

from framework.cli.arguments import add_json, add_plugin
from framework.cli.kinds import first_line, kind_named, plural
from framework.components import KINDS, Component
from framework.errors import UserError
from framework.registry import Registry, variants_of
from framework.report.wrapping import fitted


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    kinds = "datasets, models, …, recipes or bundles (default: all components); runs: `framework list runs --help`"
    parser.add_argument("kind", nargs="?", metavar="KIND", help=kinds)
    pattern = "part of a name, or pattern such as 'timm/*vit*'"
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help=pattern)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print names, each with the first line of its documentation."""
    if arguments.kind == "run":
        raise UserError("there is no kind 'run'; did you mean 'framework list runs'?")
    registry = Registry.load(arguments.plugin)
    if arguments.kind in ("recipe", "recipes"):
        found = {"recipes": _recipes(arguments.pattern)}
    elif arguments.kind in ("bundle", "bundles"):
        found = {"bundles": _bundles(registry, arguments.pattern)}
    else:
        kinds = [kind_named(arguments.kind)] if arguments.kind else list(KINDS)
        found = {plural(kind): _matching(registry, kind, arguments.pattern) for kind in kinds}
    for fault in [*registry.faults, *registry.clashes, *registry.slow]:
        print(f"{fault} (see `framework plugins`)", file=sys.stderr)
    if arguments.pattern and not any(found.values()):
        raise UserError(f"no {' or '.join(found)} match '{arguments.pattern}'")
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else fitted(_text(found), sys.stdout))
    return 0


def _matching(registry: Registry, kind: type[Component], pattern: str | None) -> dict[str, str]:
    """Names with the first line of their documentation; with a pattern also variants (`name/variant`)."""
    found: dict[str, str] = {}
    for name in registry.names(kind):
        component = registry.find(kind, name)
        variants, _ = variants_of(component)
        line = first_line(component) + (f" ({len(variants):,} variants {name}/…)" if variants else "")
        if _matches(name, pattern):
            found[name] = line
        if pattern:
            found |= {f"{name}/{variant}": "" for variant in variants if _matches(f"{name}/{variant}", pattern)}
    return found


def _matches(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    return fnmatchcase(name, pattern) if any(sign in pattern for sign in "*?[") else pattern in name


def _recipes(pattern: str | None) -> dict[str, str]:
    from framework.recipe.loading import shipped_recipes

    return {
        name: _first_comment(file.read_text(encoding="utf-8"))
        for name, file in shipped_recipes().items()
        if _matches(name, pattern)
    }


def _bundles(registry: Registry, pattern: str | None) -> dict[str, str]:
    from framework.runs.bundle import read_bundle
    from framework.runs.card import summary
    from framework.runs.trained import Trained

    found = {}
    for name, file in sorted(registry.bundles.items()):
        if _matches(name, pattern):
            size = f"{file.stat().st_size / 1e6:.1f} MB"
            try:
                documents = read_bundle(file, verify=False)
                trained = Trained(name, file, documents["recipe"], documents)
                found[name] = f"{summary(trained, trained.task(registry))}, {size}"
            except UserError as error:
                found[name] = f"FAILED: {error}"
    return found


def _first_comment(text: str) -> str:
    """The second comment line of a recipe, which follows the command."""
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    return lines[1] if len(lines) > 1 else ""


def _text(found: dict[str, dict[str, str]]) -> str:
    width = max((len(name) for names in found.values() for name in names), default=0) + 2
    blocks = []
    for title, names in found.items():
        if names:
            blocks.append("\n".join([title, *(f"  {name:{width}}{line}".rstrip() for name, line in names.items())]))
    return "\n\n".join(blocks)
