"""`framework check`."""

from __future__ import annotations

import argparse
import sys

from framework.attribution import full_name
from framework.cli.arguments import add_recipe
from framework.errors import count
from framework.recipe import load_recipe, recipe_text
from framework.recipe.warnings import recipe_warnings
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("--resolved", action="store_true", help="print the recipe with all defaults")


def execute(arguments: argparse.Namespace) -> int:
    """Print that the recipe is valid, or all mistakes."""
    recipe = load_recipe(arguments.recipe, Registry.load(arguments.plugin), arguments.overrides)
    for warning in recipe_warnings(recipe):
        print(f"warning: {warning}", file=sys.stderr)
    if arguments.resolved:
        print(recipe_text(recipe), end="")
    else:
        epochs = count(recipe.train.epochs, "epoch")
        print(f"{arguments.recipe}: valid ({full_name(recipe.dataset)}, {full_name(recipe.model)}, {epochs})")
    return 0
