"""`framework compare`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from framework.cli.arguments import add_json, add_runs_and_overrides, add_split, runs_and_overrides
from framework.cli.streams import output_is_optional
from framework.files import require_writable
from framework.registry import Registry
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "the first is the baseline that the others are compared with")
    add_split(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the metrics of all runs, their differences to the first and the differences of their recipes."""
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if arguments.html:
        require_writable(arguments.html, "--html")
        output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = [open_trained(name, registry) for name in named]
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.report.comparison import compare
    from framework.report.comparison_text import print_comparison
    from framework.report.console import plain_console
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
        print_comparison(comparison, plain_console())
    return 0
