"""`framework schema`."""

from __future__ import annotations

import argparse
import json

from framework.cli.arguments import add_plugin
from framework.recipe.json_schema import json_schema
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""
    add_plugin(parser)
    parser.epilog = (
        "For editors with the YAML language server, in the first line of a recipe:\n"
        "  framework schema > recipe.schema.json\n"
        "  # yaml-language-server: $schema=recipe.schema.json"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(json_schema(Registry.load(arguments.plugin)), indent=2))
    return 0
