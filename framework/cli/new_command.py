"""`framework new recipe`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from framework.cli.arguments import add_overrides, add_plugin
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.files import write_text
from framework.recipe import load_recipe, recipe_text
from framework.recipe.loading import shipped_recipes
from framework.registry import Registry

START = "folder"
"""The recipe, of those that ship, that a new one begins with."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    parser.add_argument("what", choices=["recipe"])
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write it, such as photos.yaml")
    add_overrides(parser)
    parser.epilog = (
        f"The recipe is `{START}`, which ships, until something is overridden:\n"
        "  framework new recipe photos.yaml dataset.root=~/photos model=timm/convnext_atto preprocess.size=128"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the file."""
    output_is_optional()
    file: Path = arguments.file
    if file.exists():
        raise UserError(f"'{file}' exists already; choose another name or remove it")
    if not file.parent.is_dir():
        raise UserError(f"there is no folder '{file.parent}' to write '{file.name}' to")
    recipe = load_recipe(shipped_recipes()[START], Registry.load(arguments.plugin), arguments.overrides)
    name = shlex.quote(str(file))
    write_text(file, recipe_text(recipe, f"framework run {name}", commented=True))
    print(f"wrote {file}; next: framework check {name} && framework run {name}")
    return 0
