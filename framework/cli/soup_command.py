"""`framework soup`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import WEIGHTS_HELP, add_runs_and_overrides, runs_and_overrides
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.report.formatting import metric_text_of
from framework.runs.recipe import recipe_of
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.components import Task


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "two or more of the same network", WEIGHTS_HELP)
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="run folder of the soup")
    parser.add_argument(
        "--greedy", action="store_true",
        help="greedy soup: start with the best run, add only runs that do not worsen the validation metric",
    )  # fmt: skip
    parser.add_argument(
        "--recalibrate-bn", type=int, default=50, metavar="N",
        help="training batches for recomputing the statistics of batch normalisation (default: 50; 0: off)",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Average the weights of runs and evaluate the result."""
    output_is_optional()
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if len(named) < 2:
        raise UserError("give at least two runs: framework soup RUN RUN… --out DIR")
    batches = arguments.recalibrate_bn
    if batches < 0:
        raise UserError(f"--recalibrate-bn is {batches}; it must be at least 0")
    registry = Registry.load(arguments.plugin)
    runs = [open_trained(name, registry) for name in named]
    recipe = recipe_of(runs[0], registry, overrides)
    from framework.report.display import PlainDisplay
    from framework.training.soup import make_soup

    display = PlainDisplay()
    results = make_soup(runs, recipe, registry, arguments.out, display, greedy=arguments.greedy, batches=batches)
    _print(runs, results, recipe.task)
    print(f"\nThe soup is in {arguments.out}. Next: framework evaluate {arguments.out}")
    return 0


def _print(runs: Sequence[Trained], results: Mapping[str, Any], task: Task) -> None:
    """The monitored metric of the task, of each run and of the soup."""
    from framework.report.console import plain_console, plain_table

    splits = [split for split in ("validation", "test") if split in results]
    form = task.metric_formats[task.monitor]
    table = plain_table(f"{form.title}, %" if form.percent else form.title, right=[*splits, ""])
    table.columns[0].overflow = "fold"
    for run in runs:
        inside = run.label in results["soup"]["chosen"]
        table.add_row(run.label, *_cells(run.documents.get("results", {}), splits, task), "" if inside else "left out")
    table.add_row("soup", *_cells(results, splits, task), style="bold")
    plain_console().print(table)


def _cells(results: Mapping[str, Any], splits: Sequence[str], task: Task) -> list[str]:
    values = [results.get(split, {}).get(task.monitor) for split in splits]
    return [metric_text_of(task.metric_formats[task.monitor], value).removesuffix(" %") for value in values]
