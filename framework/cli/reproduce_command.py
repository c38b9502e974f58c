"""`framework reproduce`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import add_json, add_plugin, add_run_overrides
from framework.cli.streams import output_is_optional
from framework.files import append_suffix
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.folder import RunFolder
from framework.runs.naming import new_run_path
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from rich.console import Console

    from framework.recipe.sections import Recipe
    from framework.report.formatting import Formats
    from framework.runs.agreement import Agreement
    from framework.runs.run_differences import Values

VERDICTS = {
    "bytes": "Reproduced: the weights and the logits are the same bytes.",
    "metrics": "Reproduced: the metrics agree within their 95 % intervals; the bytes differ.",
    None: "Not reproduced: neither the bytes nor the metrics agree.",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("run", metavar="RUN", help="a run folder")
    add_run_overrides(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="the new run folder (default: RUN-reproduced-N)")
    add_plugin(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Train again and compare; the status is 0 where bytes or metrics agree."""
    output_is_optional()
    given = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, given)
    registry = trained.registry(given)
    from framework.training.reproduce import notes_on, recipe_again, require_reproducible

    folder = require_reproducible(trained)
    recipe = recipe_again(trained, registry, arguments.overrides)
    named = append_suffix(folder, "-reproduced")
    out = arguments.out or new_run_path(f"{named.name}.yaml", named.parent)
    from framework.report.display import SilentDisplay, choose_display
    from framework.training.run import run_recipe

    display = SilentDisplay() if arguments.json else choose_display()
    with display:
        run_recipe(recipe, registry, out, display, resume=RunFolder(out).recipe.is_file())
    return _compare(arguments, trained, open_trained(out, given), recipe, list(notes_on(trained, recipe)))


def _compare(
    arguments: argparse.Namespace, original: Trained, reproduction: Trained, recipe: Recipe, notes: list[str]
) -> int:
    from framework.report.formatting import formats_of
    from framework.runs.agreement import agreement
    from framework.runs.run_differences import run_differences
    from framework.training.reproduce import effective

    assert original.folder is not None
    assert reproduction.folder is not None
    found = agreement(original.folder, reproduction.folder, recipe.metrics)
    differences = effective(run_differences([original, reproduction]), recipe)
    if arguments.json:
        document: dict[str, Any] = {"run": original.label, "reproduction": reproduction.label, **found.as_dict()}
        print(json.dumps({**document, "differences": differences, "notes": notes}, indent=2, ensure_ascii=False))
    else:
        _print(found, differences, notes, [original.name, reproduction.name], formats_of(recipe.task, recipe.metrics))
    return 0 if found.level else 1


def _print(
    found: Agreement,
    differences: dict[str, Values],
    notes: list[str],
    names: list[str],
    formats: Formats,
) -> None:
    from framework.report.console import plain_console
    from framework.report.difference_table import print_differences

    console = plain_console()
    logits = {f"logits of {split}": same for split, same in found.logits.items()}
    for what, same in {"weights": found.weights, **logits}.items():
        console.print(f"{what:>20}  {'the same bytes' if same else 'other bytes'}")
    if not found.same_bytes:
        _print_metrics(console, found, formats)
        console.print()
        print_differences(console, differences, names)
        for note in notes:
            print(fitted(note, sys.stdout))
    console.print()
    console.print(VERDICTS[found.level], style="bold")


def _print_metrics(console: Console, found: Agreement, formats: Formats) -> None:
    from rich.table import Table

    from framework.report.formatting import interval_text_of, metric_text_of

    for split, pairs in found.metrics.items():
        table = Table(box=None, header_style="bold", pad_edge=False)
        for title in (split, "original", "95 % interval", "reproduced", ""):
            table.add_column(title, justify="left" if title in (split, "") else "right", no_wrap=True)
        for name, pair in pairs.items():
            form = formats[name]
            original, reproduced = (metric_text_of(form, value) for value in (pair.original, pair.reproduced))
            cells = form.title or name, original, interval_text_of(form, *pair.interval), reproduced
            table.add_row(*cells, "" if pair.agrees else "outside", style=None if pair.agrees else "yellow")
        console.print()
        console.print(table)
