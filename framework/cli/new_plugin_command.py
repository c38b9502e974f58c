"""`framework new plugin`."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

from framework.cli.kinds import kind_named
from framework.cli.scaffold import TEMPLATES, files_of
from framework.cli.streams import output_is_optional
from framework.components import Component
from framework.errors import UserError
from framework.files import write_text
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", metavar="NAME", help="name of the plugin and its components: zebra")
    parser.add_argument(
        "--kinds", default="model", metavar="KIND,…", help=f"one component of each kind (default: model): {_kinds()}"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write framework-NAME/ (default: here)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the package."""
    output_is_optional()
    name, kinds = arguments.name, _kinds_named(arguments.kinds)
    _require_new(name, kinds, Registry.load())
    folder: Path = arguments.out / f"framework-{name}"
    if folder.exists():
        raise UserError(f"'{folder}' already exists; remove it or choose another name")
    if not arguments.out.is_dir():
        raise UserError(f"cannot write '{folder}': there is no folder '{arguments.out}'")
    for file, text in files_of(name, [kind.kind for kind in kinds]).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / file, text)
    path = shlex.quote(str(folder) if folder.is_absolute() else f"./{folder}")
    print(f"Wrote {folder}. Next: pip install -e {path} && framework plugins check {name}")
    return 0


def _kinds_named(text: str) -> list[type[Component]]:
    kinds = list(dict.fromkeys(kind_named(kind.strip()) for kind in text.split(",")))
    for kind in kinds:
        if kind.kind not in TEMPLATES:
            raise UserError(f"--kinds: there is no template of kind '{kind.kind}' (kinds: {_kinds()})")
    return kinds


def _kinds() -> str:
    return ", ".join(TEMPLATES)


def _require_new(name: str, kinds: list[type[Component]], registry: Registry) -> None:
    """Raise `UserError` if the name is not valid or is in use."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
        hint = f"; did you mean '{plain}'?" if plain else ""
        raise UserError(f"'{name}' is not a valid name{hint} (lower-case letters, digits and underscores)")
    if name in [plugin.name for plugin in registry.plugins]:
        raise UserError(f"there already is a plugin '{name}'; choose another name")
    for kind in kinds:
        if name in registry.names(kind):
            raise UserError(f"there already is a {kind.kind} '{name}'; choose another name")
