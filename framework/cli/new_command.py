"""`framework new recipe`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from framework.cli.arguments import add_overrides
from framework.errors import UserError
from framework.recipe import Recipe, recipe_text, validate_section
from framework.registry import Registry
from framework.runs.files import write_text


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("what", choices=["recipe"])
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write it, such as photos.yaml")
    add_overrides(parser)
    parser.epilog = (
        "The recipe begins with dataset=folder dataset.root=data/photos model=resnet18; override what differs:\n"
        "  framework new recipe photos.yaml dataset.root=~/photos model=timm/convnext_atto preprocess.size=96"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the file."""
    file: Path = arguments.file
    if file.exists():
        raise UserError(f"'{file}' exists already; choose another name or remove it")
    if not file.parent.is_dir():
        raise UserError(f"there is no folder '{file.parent}' to write '{file.name}' to")
    start = {"dataset": {"name": "folder", "root": "data/photos"}, "model": "resnet18"}
    recipe = validate_section(start, Registry.load(), arguments.overrides, Recipe)
    name = shlex.quote(str(file))
    write_text(file, recipe_text(recipe, f"framework run {name}", commented=True))
    print(f"wrote {file}; next: framework check {name} && framework run {name}")
    return 0
