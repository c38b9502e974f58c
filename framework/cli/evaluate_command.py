"""`framework evaluate`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import add_json, add_overrides
from framework.errors import UserError
from framework.recipe import load_recipe
from framework.registry import Registry
from framework.runs.folder import open_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.components import ImageSource
    from framework.recipe.sections import Recipe


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a finished run")
    add_overrides(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--split", default="test", help="train, validation, test or another of the dataset's (default: test)"
    )
    which.add_argument(
        "--folder", type=Path, metavar="DIR", help="a folder with one sub-folder of images for each class"
    )
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the figures."""
    run = open_run(arguments.run)
    registry = Registry.load()
    recipe = load_recipe(run.recipe, registry, arguments.overrides)
    from framework.data.stores.storage import Storage
    from framework.inference.predictor import Predictor
    from framework.report.display import PlainDisplay, SilentDisplay

    predictor = Predictor.open(arguments.run, registry, recipe.train.device)
    predictor.evaluator = replace(predictor.evaluator, views=recipe.evaluate.views)
    source = _source(recipe, predictor.classes, arguments.split, arguments.folder)
    display = SilentDisplay() if arguments.json else PlainDisplay()
    what = str(arguments.folder) if arguments.folder else arguments.split
    storage = Storage.of_recipe(recipe, predictor.evaluator.device, display.line)
    store = predictor.store(source, recipe.dataset.on_bad_image, partial(display.reading, what), storage)
    figures = predictor.evaluate(store)
    if arguments.json:
        skipped = [{"name": bad.name, "reason": bad.reason} for bad in store.skipped]
        print(json.dumps({**figures, "skipped": skipped}, indent=2, ensure_ascii=False))
    else:
        _print(what, figures, len(store.skipped))
    return 0


def _source(recipe: Recipe, classes: Sequence[str], split: str, folder: Path | None) -> ImageSource:
    from framework.data.splits import bind_classes, build_splits, find_split
    from framework.data.trees import class_tree

    if folder is not None:
        if not folder.is_dir():
            raise UserError(f"--folder: there is no folder '{folder}'")
        return bind_classes(class_tree(folder), classes, f"'{folder}'")
    return find_split(build_splits(recipe.dataset, classes), split)


def _print(what: str, figures: dict[str, Any], skipped: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from framework.report.figures import class_rows, split_rows

    console = Console(highlight=False)
    console.print(
        f"[bold]{what}[/], {figures['images']:,} images" + (f", {skipped} bad ones skipped" if skipped else "")
    )
    for name, value in split_rows({what: figures}):
        console.print(f"{name:>20}  {value}")
    table = Table("class", "precision", "recall", "F1", "images", box=None, header_style="bold", pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in class_rows(figures):
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print()
    console.print("[bold]true class by prediction, % of the row[/]")
    console.print(confusion_table(figures))


def confusion_table(figures: dict[str, Any]) -> Any:
    """Rows are true classes, columns predictions, in percent of the row; for up to twelve classes."""
    from rich.table import Table
    from rich.text import Text

    names = list(figures["per_class"])
    if len(names) > 12:
        return "The confusion matrix is in --json."
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name[:8], justify="right")
    for index, (name, row) in enumerate(zip(names, figures["confusion"], strict=True)):
        total = max(sum(row), 1)
        cells = [
            Text(
                f"{100 * number / total:.0f}",
                style="bold green" if column == index else _shade(number / total),
            )
            for column, number in enumerate(row)
        ]
        table.add_row(name, *cells)
    return table


def _shade(fraction: float) -> str:
    return "red" if fraction >= 0.15 else "yellow" if fraction >= 0.05 else "dim"
