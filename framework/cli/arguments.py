"""Arguments that several commands take."""

from __future__ import annotations

import argparse


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """A recipe and its overrides."""
    parser.add_argument("recipe", metavar="RECIPE", help="a YAML file, or the name of a recipe that ships")
    add_overrides(parser)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """`key=value` anywhere after the first argument."""
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        default=[],
        help="set an option, such as train.epochs=3; naming a component (model=resnet34) replaces its section",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
