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

TEMPLATE = "folder"
"""The shipped recipe that new recipes are copied from."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="file to write, such as photos.yaml")
    add_overrides(parser)
    parser.epilog = (
        f"The new recipe is a copy of the shipped recipe `{TEMPLATE}`, with your overrides:\n"
        "  framework new recipe photos.yaml dataset.root=~/photos preprocess.size=128"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the recipe."""
    output_is_optional()
    file: Path = arguments.file
    if file.exists():
        raise UserError(f"'{file}' already exists; remove it or choose another name")
    if not file.parent.is_dir():
        raise UserError(f"cannot write '{file}': there is no folder '{file.parent}'")
    recipe = load_recipe(shipped_recipes()[TEMPLATE], Registry.load(arguments.plugin), arguments.overrides)
    name = shlex.quote(str(file))
    write_text(file, recipe_text(recipe, f"framework run {name}", commented=True))
    print(f"Wrote {file}. Next: framework check {name} && framework run {name}")
    return 0
