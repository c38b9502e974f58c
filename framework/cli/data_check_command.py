"""`framework data check`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from framework.cli.arguments import add_json, add_recipe, require_place
from framework.cli.streams import output_is_optional
from framework.errors import RunFailed
from framework.recipe import load_recipe
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write a row for each finding; dataset.drop=FILE leaves out those to drop",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 where anything was found")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read every image, and print what is wrong with the data set."""
    if arguments.csv is not None:
        require_place(arguments.csv, "--csv")
        output_is_optional()
    recipe = load_recipe(arguments.recipe, Registry.load(arguments.plugin), arguments.overrides)
    from framework.data.check.check import check_splits
    from framework.data.check.findings import findings_of, table_of
    from framework.data.check.summary import summary_of
    from framework.data.splits import build_splits
    from framework.data.tables import require_other_file
    from framework.report.data_check import lines_of
    from framework.report.display import SilentDisplay, choose_display

    if arguments.csv is not None:
        require_other_file(recipe.dataset, arguments.csv, "--csv")
    display = SilentDisplay() if arguments.json else choose_display()
    with display:
        splits = build_splits(recipe.dataset)
        for note in splits.notes:
            display.line(f"dataset '{recipe.dataset.name}': {note}", "yellow")
        checked = check_splits(splits, display.reading, recipe.dataset.sample_range)
        findings, summary = findings_of(checked), summary_of(checked)
        failure = _written(arguments.csv, table_of(findings)) if arguments.csv else None
        again = [arguments.recipe, *arguments.overrides]
        for text, style in lines_of(summary, findings, recipe.dataset, again, None if failure else arguments.csv):
            display.line(text, style)
    if arguments.json:
        rows = [finding.row() for finding in findings]
        print(json.dumps({**summary, "notes": splits.notes, "findings": rows}, indent=2, ensure_ascii=False))
    if failure:
        raise failure
    return 1 if arguments.strict and findings else 0


def _written(file: Path, text: str) -> RunFailed | None:
    """Write the table; what kept it from being written, so that the findings are printed all the same."""
    from framework.files import write_text

    try:
        write_text(file, text)
    except RunFailed as error:
        return error
    return None
