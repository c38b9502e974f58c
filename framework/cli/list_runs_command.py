"""`framework list runs`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Literal

from framework.cli.arguments import add_json, add_plugin
from framework.errors import UserError
from framework.registry import Registry
from framework.report.run_table import RIGHT, columns, filtered, ordered, rows
from framework.runs.run_summary import RunSummary, find_runs, summarise

DEFAULT = Path("runs")
WIDEST = 1000
"""Characters of a line that is not printed on a terminal: rows are not wrapped."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "folders", type=Path, nargs="*", metavar="FOLDER", help="run folders, or folders of them (default: runs)"
    )
    parser.add_argument(
        "--sort",
        metavar="KEY",
        help="a metric such as top1 (the best first), an option such as optimizer.lr, or path, recipe, status, epochs, "
        "seconds, date (default: path)",
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument(
        "--filter",
        nargs="+",
        action="extend",
        default=[],
        metavar="a.b=c",
        help="only runs with this option: model=resnet18, train.epochs=8, 'model=timm/*'; with several, all must hold",
    )
    add_plugin(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a table of runs."""
    folders = arguments.folders or [DEFAULT]
    registry = Registry.load(arguments.plugin)
    found = [summarise(run, registry) for run in find_runs(folders)]
    if not found:
        raise UserError(f"there is no run in {', '.join(map(str, folders))}; `framework run RECIPE` makes one")
    by_path = ordered(found, "path", registry)
    runs = ordered(filtered(by_path, arguments.filter), arguments.sort, registry, reverse=arguments.reverse)
    if arguments.json:
        print(json.dumps([run.as_dict() for run in runs], indent=2, ensure_ascii=False))
    else:
        _print(runs)
    return 0


def _print(runs: list[RunSummary]) -> None:
    from rich.table import Table

    from framework.report.console import plain_console

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, title in columns(runs).items():
        justify: Literal["left", "right"] = "right" if name in RIGHT else "left"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=name == "95 % interval")
    for row in rows(runs):
        table.add_row(*row)
    plain_console(width=None if sys.stdout.isatty() else WIDEST).print(table)
