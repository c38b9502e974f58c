"""`framework compare`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from framework.cli.arguments import add_json, add_runs_and_overrides, add_split, require_writable, runs_and_overrides
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from rich.console import Console

    from framework.report.comparison import Comparison


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "the first is the baseline that the others are compared with")
    add_split(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the metrics of all runs, their differences to the first and the differences of their recipes."""
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if len(named) < 2:
        raise UserError("compare needs two or more runs: framework compare RUN RUN… [key=value …]")
    if arguments.html:
        require_writable(arguments.html, "--html")
        output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = [open_trained(name, registry) for name in named]
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.report.comparison import compare
    from framework.report.display import PlainDisplay, SilentDisplay

    display = SilentDisplay() if arguments.json else PlainDisplay()
    comparison = compare(
        [EvaluatedModel(run, registry, overrides, display.reading) for run in trained], arguments.split
    )
    if arguments.html:
        from framework.files import write_text
        from framework.report.comparison_page import comparison_page

        write_text(arguments.html, comparison_page(comparison))
    if arguments.json:
        print(json.dumps(comparison.as_dict(), indent=2, ensure_ascii=False))
    else:
        _print(comparison)
    return 0


def _print(comparison: Comparison) -> None:
    from rich.table import Table

    from framework.report.comparison_text import comparison_rows, result_text
    from framework.report.console import plain_console

    console = plain_console()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(comparison.split, no_wrap=True)
    for run in comparison.runs:
        table.add_column(run.name, justify="right", overflow="fold")
    for name, *cells in comparison_rows(comparison):
        table.add_row(name, *cells, style="dim" if name.endswith("interval") else None)
    console.print(table)
    for note in comparison.untested:
        console.print()
        console.print(note, style="yellow", soft_wrap=True, markup=False)
    if comparison.seed_groups:
        console.print()
    for group in comparison.seed_groups:
        console.print(str(group))
    baseline, *others = comparison.runs
    for run in others:
        console.print()
        console.print(result_text(baseline, run), style="bold" if run.significant else None)
    _print_recipes(console, comparison)


def _print_recipes(console: Console, comparison: Comparison) -> None:
    from rich.table import Table

    from framework.report.comparison_text import difference_rows

    console.print()
    if not comparison.differences:
        console.print("The recipes are identical.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("recipe differences", no_wrap=True)
    for run in comparison.runs:
        table.add_column(run.name, overflow="fold")
    for row in difference_rows(comparison):
        table.add_row(*row)
    console.print(table)
