"""`framework data fetch`."""

from __future__ import annotations

import argparse

from framework.cli.arguments import add_overrides, add_plugin
from framework.cli.streams import output_is_optional


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    parser.add_argument("dataset", metavar="DATASET", help="name of the dataset, such as fer2013")
    add_overrides(parser, "set an option of the dataset, such as root=DIR")


def execute(arguments: argparse.Namespace) -> int:
    """Download a dataset."""
    from framework.attribution import attributed_to

    output_is_optional()
    from framework.components import Dataset
    from framework.recipe.loading import validate_component
    from framework.registry import Registry

    dataset = validate_component(Dataset, arguments.dataset, Registry.load(arguments.plugin), arguments.overrides)
    with attributed_to(dataset, "fetch()"):
        folder = dataset.fetch()
    print(f"{dataset.name} is in {folder}")
    return 0
