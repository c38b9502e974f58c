"""`framework data fetch`."""

from __future__ import annotations

import argparse

from framework.cli.arguments import add_overrides
from framework.components import Dataset
from framework.recipe.loading import validate_component
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("action", choices=["fetch"], help="fetch: download a data set to where recipes look for it")
    parser.add_argument("dataset", metavar="DATASET", help="such as fer2013")
    add_overrides(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Download."""
    dataset = validate_component(Dataset, arguments.dataset, Registry.load(), arguments.overrides)
    print(f"{dataset.name} is in {dataset.fetch()}")
    return 0
