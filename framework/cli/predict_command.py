"""`framework predict`."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from framework.cli.arguments import add_run
from framework.errors import UserError, count
from framework.registry import Registry
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from framework.inference.predictor import Prediction, Predictor


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser)
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="image files and folders")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="classes shown for each image (default: 3)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every probability to a CSV file too")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each image")


def execute(arguments: argparse.Namespace) -> int:
    """Print a line for each image; the status is 1 where one could not be read."""
    registry = Registry.load()
    trained = open_trained(arguments.run, registry)
    files = list(_files(arguments.paths))
    if arguments.top < 1:
        raise UserError(f"--top is {arguments.top}; it must be at least 1")
    from framework.inference.predictor import Predictor

    predictor = Predictor.open(trained, registry)
    rows: list[Prediction] = []
    failed = 0
    for prediction in predictor.predict(files):
        failed += prediction.error is not None
        print(
            _json(predictor, prediction) if arguments.json else _line(predictor, prediction, arguments.top),
            flush=True,
        )
        if arguments.csv:
            rows.append(prediction)
    if arguments.csv:
        _write_csv(arguments.csv, predictor, rows)
    if failed:
        print(f"{count(failed, 'file')} of {len(files):,} could not be read", file=sys.stderr)
    return 1 if failed else 0


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    from framework.data.trees import image_files

    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file or folder '{path}'")
        if path.is_dir():
            found = sorted(image_files(path))
            if not found:
                raise UserError(f"the folder '{path}' has no images")
            yield from found
        else:
            yield path


def _line(predictor: Predictor, prediction: Prediction, top: int) -> str:
    if prediction.error:
        return f"{prediction.name}  cannot be read: {prediction.error}"
    ranked = predictor.top(prediction, top)
    return f"{prediction.name}  " + "  ".join(f"{name} {100 * probability:.1f} %" for name, probability in ranked)


def _json(predictor: Predictor, prediction: Prediction) -> str:
    if prediction.error:
        return json.dumps({"name": prediction.name, "error": prediction.error}, ensure_ascii=False)
    best, _ = predictor.top(prediction, 1)[0]
    probabilities = dict(zip(predictor.classes, prediction.probabilities, strict=True))
    return json.dumps({"name": prediction.name, "class": best, "probabilities": probabilities}, ensure_ascii=False)


def _write_csv(path: Path, predictor: Predictor, rows: Iterable[Prediction]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "class", *predictor.classes, "error"])
            for row in rows:
                if row.error:
                    writer.writerow([row.name, "", *[""] * len(predictor.classes), row.error])
                else:
                    writer.writerow([row.name, predictor.top(row, 1)[0][0], *row.probabilities, ""])
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror}") from None
