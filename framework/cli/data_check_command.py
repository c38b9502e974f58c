"""`framework data check`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from framework.cli.arguments import add_json, add_recipe
from framework.cli.streams import output_is_optional
from framework.errors import RunFailed
from framework.files import require_writable
from framework.recipe import load_recipe
from framework.registry import Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write the findings as CSV, for use as dataset.drop=FILE"
    )
    strict = "exit with status 1 if there are findings, notes or advice"
    parser.add_argument("--strict", action="store_true", help=strict)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read all images of the dataset and print the findings."""
    if arguments.csv is not None:
        require_writable(arguments.csv, "--csv")
        output_is_optional()
    recipe = load_recipe(arguments.recipe, Registry.load(arguments.plugin), arguments.overrides)
    import numpy as np

    from framework.data.check.check import check_splits
    from framework.data.check.findings import findings_of, table_of
    from framework.data.check.summary import options_to_set, summary_of
    from framework.data.splits import build_splits
    from framework.data.tables import require_other_file
    from framework.report.data_check import lines_of
    from framework.report.display import SilentDisplay, choose_display
    from framework.training.prepare import resolve_preprocess

    if arguments.csv is not None:
        require_other_file(recipe.dataset, arguments.csv, "--csv")
    display = SilentDisplay() if arguments.json else choose_display()
    with display:
        splits = build_splits(recipe.dataset, task=recipe.task)
        for note in splits.notes:
            display.line(f"dataset '{recipe.dataset.name}': {note}", "yellow")
        checked = check_splits(splits, display.reading, recipe.dataset.sample_range, recipe.task)
        findings = findings_of(checked)
        labels, classes = np.asarray(splits["train"].labels), splits["train"].classes
        advice = options_to_set(checked, resolve_preprocess(recipe, splits["train"]))
        advice += recipe.task.label_advice(labels, classes)
        statistics = recipe.task.label_statistics(labels, classes)
        summary = {**summary_of(checked), "labels": statistics, "notes": splits.notes, "advice": advice}
        failure = _written(arguments.csv, table_of(findings)) if arguments.csv else None
        recipe_arguments = [arguments.recipe, *arguments.overrides]
        table = None if failure else arguments.csv
        for text, style in lines_of(summary, findings, recipe.dataset, recipe_arguments, table):
            display.line(text, style)
    if arguments.json:
        rows = [finding.row() for finding in findings]
        print(json.dumps({**summary, "findings": rows}, indent=2, ensure_ascii=False))
    if failure:
        raise failure
    return 1 if arguments.strict and (findings or splits.notes or advice) else 0


def _written(file: Path, text: str) -> RunFailed | None:
    """Write the table; an error is returned rather than raised, so that the findings are still printed."""
    from framework.files import write_text

    try:
        write_text(file, text)
    except RunFailed as error:
        return error
    return None
