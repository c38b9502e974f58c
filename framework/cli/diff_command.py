"""`framework diff`."""

from __future__ import annotations

import argparse
import json
import shlex

from framework.cli.arguments import RUN_HELP, add_json, add_plugin
from framework.registry import Registry
from framework.runs.run_differences import run_differences
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("first", metavar="RUN", help=RUN_HELP)
    parser.add_argument("other", metavar="RUN", help="another one")
    add_plugin(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print what differs, in the order of the likely effect."""
    named = [arguments.first, arguments.other]
    registry = Registry.load(arguments.plugin)
    runs = [open_trained(name, registry) for name in named]
    differences = run_differences(runs)
    if arguments.json:
        print(json.dumps({"runs": named, **differences}, indent=2, ensure_ascii=False))
        return 0
    from framework.report.console import plain_console
    from framework.report.difference_table import print_differences
    from framework.report.short_names import short_names

    console = plain_console()
    print_differences(console, differences, short_names(runs))
    console.print(f"Their metrics: {shlex.join(['framework', 'compare', *named])}", soft_wrap=True)
    return 0
