"""`framework check`."""

from __future__ import annotations

import argparse
import sys

from framework.cli.arguments import add_recipe
from framework.errors import count
from framework.recipe import load_recipe, recipe_text
from framework.recipe.doubts import doubts
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("--resolved", action="store_true", help="print the recipe with every default filled in")


def execute(arguments: argparse.Namespace) -> int:
    """Print that it is valid, or every mistake."""
    recipe = load_recipe(arguments.recipe, Registry.load(arguments.plugin), arguments.overrides)
    for doubt in doubts(recipe):
        print(f"warning: {doubt}", file=sys.stderr)
    if arguments.resolved:
        print(recipe_text(recipe), end="")
    else:
        epochs = count(recipe.train.epochs, "epoch")
        print(f"{arguments.recipe}: valid ({recipe.dataset.name}, {recipe.model.name}, {epochs})")
    return 0
